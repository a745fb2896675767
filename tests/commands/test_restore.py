"""A run that begins with a trained VAE: trained, used, resumed, and given back to its library."""

import json
import shutil

import pytest
import torch

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.data import digits
from alpha_bridge.recipe import changed, read_config
from alpha_bridge.recipe.presets import FROM_VAE, PRESETS, from_vae
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import load_model
from alpha_bridge.vae import LIBRARIES, load
from experiments.bridge_vae import train_vae

SMALL = {
    "steps": 20,
    "batch_size": 8,
    "model.width": 4,
    "model.hidden": [8],
    "evaluation.samples": 40,
    "evaluation.shown": 6,
    "evaluation.features": "pixels",
    "checkpoint_every": 10,
}
WORDS = [
    word
    for key, value in SMALL.items()
    for word in (f"--{key.replace('_', '-')}", str(value).strip("[]"))
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a VAE of each library, and a run from each whose VAE is gone."""
    folder = tmp_path_factory.mktemp("restore")
    source = digits()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for library in LIBRARIES:
            train_vae(library, source, seed=0, updates=10).save(folder / library)
            shutil.copytree(library, f"{library}-kept")
            config = changed(from_vae(PRESETS["digits"], library), SMALL)
            commands.train(config, folder / f"{library}-run")
            shutil.rmtree(library)
        yield folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


@pytest.fixture(params=[*LIBRARIES])
def library(request):
    return request.param


@pytest.fixture
def run(library, place):
    return Run.open(place / f"{library}-run")


def arms(run, step=None):
    model, _ = load_model(run, read_config(run.config_path), step)
    return {name: x for name, x in model.state_dict().items() if "discriminator" not in name}


def test_the_run_says_where_it_came_from(run, library):
    config = read_config(run.config_path)
    assert config.init == library
    assert config.architecture["library"] == library
    assert config.model.noise is None


def test_it_begins_where_the_vae_ended(run, library):
    own = load(f"{library}-kept").model.state_dict()
    first = arms(run, step=1)
    moved = [
        (x - own[name.removeprefix(f"{arm}.network.")]).abs().max().item()
        for arm in ("generator", "encoder")
        for name, x in first.items()
        if name.startswith(f"{arm}.network.")
    ]
    assert 0 < max(moved) < 0.01
    assert len(moved) == len(own)


def test_the_noise_is_the_error_of_the_vae(run, library):
    source = digits()
    x = source.units.normalize(source.training(1000))
    model, _ = load_model(run, read_config(run.config_path))
    kept = load(f"{library}-kept")
    model.generator.network.load_state_dict(kept.decoder.state_dict())
    model.encoder.network.load_state_dict(kept.encoder.state_dict())
    assert model.sigma.item() == pytest.approx(model.best_sigma(x), rel=1e-4)


def test_the_run_can_be_used_without_the_vae(run, capsys):
    folder = str(run.folder)
    assert main(["sample", folder, "-n", "4", "--out", f"{folder}/four.png"]) == 0
    pairs = ["--images", f"{folder}/four.png", "--out", f"{folder}/pairs.png"]
    assert main(["reconstruct", folder, *pairs]) == 0
    assert main(["report", folder]) == 0
    capsys.readouterr()
    assert main(["evaluate", folder, "--json"]) == 0
    assert any(name.startswith("frechet") for name in json.loads(capsys.readouterr().out))


def test_the_run_goes_on_without_the_vae_as_if_it_had_not_stopped(run, place, library):
    copy = shutil.copytree(run.folder, place / f"{library}-resumed")
    shutil.rmtree(copy / "checkpoints" / "step-00000020")
    again = commands.train(read_config(copy / "config.json"), copy, resume=True).run
    whole, resumed = arms(run), arms(again)
    assert all(torch.equal(x, resumed[name]) for name, x in whole.items())


def test_another_run_needs_the_vae_itself(run, place, library, capsys):
    words = ["train", str(run.config_path), "--out", str(place / "new")]
    assert main(words) == 2
    assert f"no VAE '{library}'" in capsys.readouterr().err
    assert not (place / "new").exists()


def test_the_library_loads_what_is_given_back(run, place, library, capsys):
    out = place / f"{library}-restored"
    assert main(["restore", str(run.folder), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    x = digits().units.normalize(digits().held_out(20))
    model, _ = load_model(run, read_config(run.config_path))
    with torch.no_grad():
        if library == "diffusers":
            from diffusers import AutoencoderKL

            again = AutoencoderKL.from_pretrained(str(out), local_files_only=True)
            decoded = again.eval()(x).sample
        else:
            from pythae.models import AutoModel

            again = AutoModel.load_from_folder(str(out)).eval()
            decoded = 2 * again.predict((x + 1) / 2).recon_x - 1
    assert torch.allclose(decoded, model.reconstruct(x), atol=1e-5)


def refused(words, capsys, place):
    capsys.readouterr()
    before = sorted(place.rglob("*"))
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sorted(place.rglob("*")) == before
    return line


def train(*words):
    return ["train", "digits", *WORDS, "--out", "new", *words]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (train("--from", "missing"), ["no VAE 'missing'", "give a folder"]),
        (train("--from=missing"), ["no VAE 'missing'"]),
        (train("--from", "diffusers-run"), ["config.json is of no model", "AutoencoderKL"]),
        (train("--from"), ["--from"]),
        (train("--from", "pythae-kept", "--latent-scale", "0"), ["latent scale", "got 0.0"]),
        (
            train("--from", "pythae-kept", "--latent-scale", "9"),
            ["root mean square of", "give a latent scale of", "--latent-scale"],
        ),
        (train("--from", "pythae-kept", "--trials", "2"), ["one trial at a time", "trials=2"]),
        (train("--from", "pythae-kept", "--model.noise", "0"), ["noise must be", "got 0.0"]),
        (train("--latent-scale", "2"), ["latent_scale", "leave it out"]),
        (
            ["train", "gaussians25", "--from", "pythae-kept", "--out", "new"],
            ["takes images", "--data"],
        ),
        (["restore", "missing", "--out", "new"], ["missing is not a run"]),
        (["restore", "pythae-run"], ["--out"]),
        (["restore", "pythae-run", "--out", "pythae-kept"], ["pythae-kept is not empty"]),
        (["restore", "pythae-run", "--out", "pythae-run/config.json/x"], ["cannot write"]),
        (["restore", "pythae-run", "--out", "new", "--step", "7"], ["after update 7"]),
    ],
)
def test_wrong_words_get_one_line(words, parts, capsys, place):
    line = refused(words, capsys, place)
    assert all(part in line for part in parts), line


def test_words_change_what_the_vae_suggests():
    from alpha_bridge.cli.parsing import parse

    plain = parse(["train", "digits", "--from", "somewhere"]).arguments["config"]
    assert (plain.init, plain.path.ml) == ("somewhere", FROM_VAE["path.ml"])
    assert plain.path.end == FROM_VAE["path.end"] < 1
    assert plain.model.noise is None
    options = ["--from=somewhere", "--path.end", "1", "--model.noise=0.3"]
    own = parse(["train", "digits", *options]).arguments["config"]
    assert (own.path.end, own.model.noise) == (1.0, 0.3)
    assert own.path.ml == FROM_VAE["path.ml"]


def test_a_method_can_begin_with_a_vae():
    from alpha_bridge.cli.parsing import parse

    config = parse(["train", "digits", "--method", "rkl-gp", "--from", "somewhere"]).arguments[
        "config"
    ]
    assert (config.method, config.init, config.path.adversarial) == ("rkl-gp", "somewhere", 1.0)


def test_a_configuration_that_begins_with_the_vae_stays_as_it_is():
    config = changed(from_vae(PRESETS["digits"], "somewhere"), {"path.end": 0.5})
    assert from_vae(config, "somewhere") == config
    assert from_vae(config, "elsewhere").path.end == FROM_VAE["path.end"]
