"""A run's model for others: what is written is the run's averaged model, with its story."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from PIL import Image

from alpha_bridge import AlphaBridge, commands, sharing
from alpha_bridge.cli import main
from alpha_bridge.data import PixelUnits, StandardUnits
from alpha_bridge.metrics.definition import metrics_of
from alpha_bridge.recipe import Config, changed, read_config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import load_model, units_of
from alpha_bridge.runs.model_card import card_of
from alpha_bridge.runs.opening import RunAt, open_run
from alpha_bridge.settings import EvaluationConfig, ModelConfig, RegularizerConfig
from alpha_bridge.sharing import onnx
from tests.undrawn import drawing


def settings(data, **changes):
    small = {
        "data": str(data),
        "steps": 20,
        "batch_size": 8,
        "model": ModelConfig(latent=2, hidden=(8,), width=4),
        "evaluation": EvaluationConfig(samples=40, shown=6, features="pixels"),
        "checkpoint_every": 7,
    }
    return Config(**(small | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sharing")


@pytest.fixture(scope="module")
def images(folder):
    """A run on images of a folder, its discriminator under spectral normalisation."""
    (folder / "my-photos").mkdir()
    rng = np.random.default_rng(0)
    for index in range(20):
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "my-photos" / f"{index:02}.png")
    spectral = RegularizerConfig(kind="spectral")
    config = settings(folder / "my-photos", regularizer=spectral)
    return commands.train(config, folder / "images").run


@pytest.fixture(scope="module")
def vectors(folder):
    np.save(folder / "vectors.npy", np.random.default_rng(0).normal(size=(60, 3)) * [1, 10, 100])
    return commands.train(settings(folder / "vectors.npy"), folder / "vectors").run


@pytest.fixture(scope="module")
def exported(images, folder):
    with drawing():
        assert main(["export", str(images.folder), "--out", str(folder / "exported")]) == 0
    return folder / "exported"


def page(run, step=20, pictures=False):
    return card_of(RunAt(run, read_config(run.config_path), step), pictures)


def test_the_averaged_model_is_what_is_exported(images, exported):
    model = load_model(open_run(images))
    again, _ = sharing.load(exported)
    x = model.sample(4)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))
    assert torch.allclose(again.log_ratio(x), model.log_ratio(x))


def test_an_exported_model_draws_in_the_units_of_its_data(exported):
    again, units = sharing.load(exported)
    assert units.denormalize(again.sample(4)).dtype == torch.uint8


def test_scaled_vectors_keep_their_units(vectors, tmp_path):
    commands.export(vectors, tmp_path / "out")
    again = sharing.load(tmp_path / "out")
    units, x = units_of(open_run(vectors)), torch.randn(4, 3)
    assert isinstance(units, StandardUnits)
    assert torch.equal(again.units.denormalize(x), units.denormalize(x))


def test_a_checkpoint_can_be_chosen(vectors, tmp_path):
    step = vectors.checkpoint_steps[0]
    commands.export(vectors, tmp_path / "out", step=step)
    model = load_model(open_run(vectors, step))
    again, _ = sharing.load(tmp_path / "out")
    x = torch.randn(4, 3)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))


def test_the_page_has_the_last_metrics_with_their_protocols(images, exported):
    metrics = metrics_of(images.records[-1])
    text = (exported / "README.md").read_text()
    assert metrics
    for name, value in metrics.items():
        assert f"| {' | '.join(name.split('/'))} | {value:.4g} |" in text
    assert ModelCard(text).data.eval_results


def test_the_page_has_no_metrics_that_came_after_its_model(images):
    at = [record["step"] for record in images.records if metrics_of(record)]
    card = page(images, step=at[0])
    assert card.measured.startswith(f"after {at[0]:,} updates")
    assert card.metrics == metrics_of(
        next(record for record in images.records if record["step"] == at[0])
    )
    assert page(images, step=0).metrics == {}


def test_the_page_has_the_method_and_its_path(images):
    training = page(images).training
    assert training["method"].startswith("alpha-bridge: ")
    assert training["Step I"] == "4 updates at α = 0"
    assert training["Step II"] == "10 updates α from 0 to 1"
    assert training["Step III"] == "6 updates at α = 1"
    assert training["gamma"].startswith("kind sigmoid, c 10, d -5")


def test_the_page_shows_samples(exported):
    for name in ("samples.png", "through-time.png"):
        assert f"]({name})" in (exported / "README.md").read_text()
        with Image.open(exported / name) as picture:
            picture.verify()


def test_pictures_can_be_left_out(images, tmp_path):
    assert (
        main(["export", str(images.folder), "--out", str(tmp_path / "out"), "--no-pictures"]) == 0
    )
    assert not list((tmp_path / "out").glob("*.png"))
    assert "](samples.png)" not in (tmp_path / "out" / "README.md").read_text()


def test_vectors_are_shown_as_points(vectors):
    assert [picture.file for picture in page(vectors, pictures=True).pictures] == ["samples.png"]


def test_the_page_tells_no_path_of_this_machine(folder, exported):
    text = (exported / "README.md").read_text() + (exported / "config.json").read_text()
    assert "my-photos" in text
    assert str(folder) not in text


@pytest.mark.parametrize(
    ("data", "dataset"),
    [
        ("ylecun/mnist", "ylecun/mnist"),
        ("gaussians25", None),
        ("digits", None),
        ("/some/where/photos", None),
        ("some/where/photos", None),
    ],
)
def test_only_data_of_the_hub_are_linked(vectors, data, dataset):
    config = settings(data)
    card = card_of(RunAt(vectors, config, 20), pictures=False)
    assert card.dataset == dataset
    assert "/where" not in card.data


@pytest.mark.parametrize(
    "changes",
    [{"objective.kind": "reconstruction"}, {"objective.kind": "marginal", "prior": "ring8"}],
)
def test_what_is_made_of_data_stays_out_of_the_page_and_no_prior_is_drawn_from(vectors, changes):
    config = changed(read_config(vectors.config_path), changes)
    card = card_of(RunAt(vectors, config, 20))
    assert not card.pictures
    assert not card.draws


def test_onnx_lies_beside_the_weights(vectors, tmp_path, capsys, monkeypatch):
    pytest.importorskip("onnxruntime")

    def export(bridge, folder):  # tests/sharing/test_onnx.py exports
        assert isinstance(bridge, AlphaBridge)
        for arm in ("generator", "encoder"):
            (folder / f"{arm}.onnx").write_bytes(b"")
        return {"generator": 1e-7, "encoder": 2e-7}

    monkeypatch.setattr(onnx, "export", export)
    out = tmp_path / "out"
    assert main(["export", str(vectors.folder), "--out", str(out), "--onnx"]) == 0
    assert {"generator.onnx", "encoder.onnx", "model.safetensors"} <= {
        path.name for path in out.iterdir()
    }
    assert "of torch" in capsys.readouterr().out


def test_onnx_that_fails_leaves_nothing_behind(vectors, tmp_path, capsys, monkeypatch):
    pytest.importorskip("onnxruntime")

    def fail(_, folder):
        (folder / "generator.onnx").write_bytes(b"")
        raise ValueError("onnxruntime differs from torch")

    monkeypatch.setattr(onnx, "export", fail)
    assert main(["export", str(vectors.folder), "--out", str(tmp_path / "out"), "--onnx"]) == 2
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err == "alpha-bridge: onnxruntime differs from torch\n"


@pytest.mark.slow
def test_stacked_trials_are_told_to_name_one(tmp_path, capsys):
    config = settings("gaussians25", steps=10, trials=2)
    run = commands.train(config, tmp_path / "run").run
    assert main(["export", str(run.folder), "--out", str(tmp_path / "out")]) == 2
    assert "trial-0" in capsys.readouterr().err
    assert main(["export", str(run.folder / "trial-0"), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.slow
def test_a_run_is_pushed_with_its_page(images, monkeypatch, capsys):
    pushed = {}

    def push(_, hub_id, units, card, private):
        pushed.update(hub_id=hub_id, units=units, card=card, private=private)
        return "https://hub.invalid/commit"

    monkeypatch.setattr(sharing, "push", push)
    assert main(["push", str(images.folder), "someone/photos", "--private"]) == 0
    assert capsys.readouterr().out == "https://hub.invalid/commit\n"
    assert pushed["hub_id"] == "someone/photos"
    assert type(pushed["units"]) is PixelUnits
    assert pushed["private"] is True
    assert pushed["card"].title == "alpha-bridge on my-photos"
    assert pushed["card"].pictures


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["export", "nowhere", "--out", "out"], 2, "is not a run"),
        (["export", "empty", "--out", "out"], 2, "is not a run"),
        (["export", "file", "--out", "out"], 2, "is not a run"),
        (["export", "run", "--out", "file"], 2, "is not empty"),
        (["export", "run", "--out", "full"], 2, "is not empty"),
        (["export", "run", "--out", "out", "--step", "3"], 2, "no checkpoint after update 3"),
        (["export", "damaged", "--out", "out"], 2, "is damaged"),
        (["export", "bare", "--out", "out"], 2, "train it by alpha-bridge train ./bare --resume"),
        (["export", "run"], 2, "--out"),
        (["push", "nowhere", "someone/it"], 2, "is not a run"),
        (["push", "run", "not an id"], 2, "give owner/name"),
        (["push", "run", "someone/it"], 1, "the hub cannot be reached"),
    ],
)
def test_bad_input_is_one_line(vectors, tmp_path, monkeypatch, capsys, words, code, said):
    shutil.copytree(vectors.folder, tmp_path / "run")
    shutil.copytree(vectors.folder, tmp_path / "damaged")
    for latest in (tmp_path / "damaged").rglob("average.safetensors"):
        latest.write_bytes(latest.read_bytes()[:-4])
    Run.create(tmp_path / "bare", json.loads(vectors.config_path.read_text()))
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("keep me")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep me")
    monkeypatch.chdir(tmp_path)
    assert main(words) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("alpha-bridge: ")
    assert said in line
    assert not Path("out").exists()
    assert Path("file").read_text() == Path("full/mine.txt").read_text() == "keep me"
