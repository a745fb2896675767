r"""What version 0.1.0 wrote is read: run folders, checkpoints, exported folders, and their numbers.

The folders were made by version 0.1.0, and never by a later one:

    alpha-bridge train gaussians25 --model.hidden 8 --evaluation.samples 200 --out vectors
    ... the same with --trials 2 --out stacked
    alpha-bridge train digits --model.hidden 8 --model.width 2 --model.latent 2 --batch-size 16 \
        --evaluation.samples 100 --evaluation.features pixels --out images
    alpha-bridge train gaussians25 --data points.npy --model.hidden 8 --batch-size 16 \
        --evaluation.samples 50 --out standard
    alpha-bridge export standard --out exported; alpha-bridge export images --out exported-images

each with ``--steps 20 --record-every 5 --checkpoint-every 10 --evaluation.every 10
--evaluation.shown 10``. Their first checkpoints, reports and pictures are left out.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from alpha_bridge import sharing
from alpha_bridge.cli import main
from alpha_bridge.sharing import Blueprint

HERE = Path(__file__).parent / "v0_1_0"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
RUNS = ("vectors", "stacked/trial-1", "images", "standard")
EXPORTED = ("exported", "exported-images")

# Another processor sums in another order: twenty updates and a metric keep five digits of a float32
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
PIXEL = {"rtol": 0.0, "atol": 1.0}
"""A pixel is rounded: one that lies between two values may fall to either side."""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The folders, where they may be written to, in the working folder."""
    shutil.copytree(HERE, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old"


def tolerance(array):
    return PIXEL if np.asarray(array).dtype == np.uint8 else CLOSE


@pytest.mark.parametrize("name", RUNS)
def test_a_run_draws_the_samples_that_it_drew(folders, name):
    assert main(["sample", name, "-n", "2", "--seed", "5", "--out", "drawn.npy"]) == 0
    drawn = np.load(folders / "drawn.npy")
    np.testing.assert_allclose(drawn, EXPECTED[name]["samples"], **tolerance(drawn))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_reconstructs_what_it_reconstructed(folders, name):
    dtype = "uint8" if name == "images" else "float32"
    np.save("given.npy", np.array(EXPECTED[name]["input"], dtype))
    command = ["reconstruct", name, "--images", "given.npy", "--out", "decoded.npy"]
    assert main(command) == 0
    decoded = np.load(folders / "decoded.npy")
    np.testing.assert_allclose(decoded, EXPECTED[name]["reconstructions"], **tolerance(decoded))


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_the_metrics_that_it_had(capsys, name):
    assert main(["evaluate", name, "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    before = EXPECTED[name]["metrics"]
    assert measured.keys() == before.keys()
    for metric, value in before.items():
        assert measured[metric] == pytest.approx(value, rel=1e-4, abs=1e-6), metric


@pytest.mark.usefixtures("pages_without_figures")
@pytest.mark.parametrize("name", ["vectors", "stacked", "images", "standard"])
def test_a_run_goes_on_from_a_checkpoint_to_the_same_end(folders, name):
    run = folders / name
    ends = list(run.glob("**/step-00000020"))
    expected = {end: load_file(end / "average.safetensors") for end in ends}
    for end in ends:
        shutil.rmtree(end)
    command = ["train", f"{name}/config.json", "--out", name, "--resume"]
    assert main(command) == 0
    assert len(expected) == (3 if name == "stacked" else 1)
    for end, tensors in expected.items():
        found = load_file(end / "average.safetensors")
        assert found.keys() == tensors.keys()
        for key, tensor in tensors.items():
            torch.testing.assert_close(found[key], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_folder_gives_the_numbers_that_it_gave(name):
    (model, units), expected = sharing.load(HERE / name), EXPECTED[name]
    x = model.decode(torch.tensor(expected["latents"]))
    mean, log_variance = model.posterior(x)
    found = {
        "decoded": x,
        "mean": mean,
        "log_variance": log_variance,
        "log_ratio": model.log_ratio(x),
        "sigma": model.sigma[0],
    }
    for key, tensor in found.items():
        torch.testing.assert_close(tensor.detach(), torch.tensor(expected[key]), **CLOSE)
    in_units = units.denormalize(x).detach().numpy()
    np.testing.assert_allclose(in_units, expected["in_units"], **tolerance(in_units))


VECTORS = {"features": 3, "hidden": [8], "trials": None}
IMAGES = {"size": 8, "channels": 1, "width": 4, "trials": None}
DENSE = IMAGES | {"hidden": 8}
POINTS = {"network": "alpha_bridge.networks.mlp:MLPDiscriminator", "arguments": VECTORS}
BLUEPRINTS = {
    "mlp:MLPGenerator": VECTORS | {"latent": 2},
    "mlp:MLPEncoder": VECTORS | {"latent": 2},
    "mlp:MLPDiscriminator": VECTORS,
    "mlp:MLPTranslator": VECTORS | {"outputs": 2},
    "conv:ConvGenerator": DENSE | {"latent": 2},
    "conv:ConvEncoder": DENSE | {"latent": 2},
    "conv:ConvDiscriminator": DENSE,
    "conv:ConvPairDiscriminator": DENSE | {"latent": 2},
    "conv:ConvTranslator": IMAGES | {"outputs": 3, "depth": 1},
    "dcgan:DCGANGenerator": IMAGES | {"latent": 2},
    "dcgan:DCGANEncoder": IMAGES | {"latent": 2},
    "dcgan:DCGANDiscriminator": IMAGES,
    "marginals:Marginals": {"of_x": POINTS, "of_z": POINTS},
    "surrogate:Surrogate": {"network": POINTS, "noise": 1.0, "learn_noise": True},
}


@pytest.mark.parametrize("path", BLUEPRINTS)
def test_a_network_is_found_where_it_was_stored_from(path):
    network = Blueprint(f"alpha_bridge.networks.{path}", BLUEPRINTS[path]).build()
    assert Blueprint.of(network).arguments == BLUEPRINTS[path]


@pytest.mark.parametrize(("run", "name"), [("standard", "exported"), ("images", "exported-images")])
def test_an_export_writes_the_files_that_it_wrote(folders, run, name):
    assert main(["export", run, "--no-pictures", "--out", "new"]) == 0
    for file in ("config.json", "model.safetensors"):
        assert (folders / "new" / file).read_bytes() == (HERE / name / file).read_bytes(), file
