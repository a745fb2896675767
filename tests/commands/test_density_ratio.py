"""The ratio of a run by the command line: calibrated, at samples, and samples chosen by it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
import torch
from PIL import Image

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.inference import calibrated_ratio
from alpha_bridge.inference.calibrated_ratio import evidence
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.runs import loading
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import load_model
from alpha_bridge.runs.opening import open_run, require_ratio
from alpha_bridge.runs.ratio_panel import ratio_panel
from alpha_bridge.settings import EvaluationConfig, ModelConfig, ObjectiveConfig, PathConfig


def config(data, **changes):
    small = {
        "steps": 8,
        "batch_size": 16,
        "path": PathConfig(ml=1.0, transfer=0.0, adversarial=0.0),
        "model": ModelConfig(latent=2, hidden=(16,), width=8, noise=0.4),
        "evaluation": EvaluationConfig(samples=20, shown=2, every=1000, features="pixels"),
    }
    return Config(data=data, **(small | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of points, digits and rows, and samples of each beside them."""
    place = tmp_path_factory.mktemp("ratio")
    rng = np.random.default_rng(0)
    rows = (f"{rng.normal():.3f},{rng.choice(['x', 'y'])}" for _ in range(600))
    (place / "rows.csv").write_text("\n".join(["a,b", *rows]) + "\n")
    commands.train(config("ring8"), place / "points")
    commands.train(config("digits"), place / "digits")
    commands.train(config(str(place / "rows.csv")), place / "table")
    np.save(place / "points.npy", rng.normal(size=(30, 2)).astype(np.float32))
    (place / "photos").mkdir()
    for at in range(3):
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(place / "photos" / f"{at}.png")
    return place


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    """The folder of the runs, whose ratios are calibrated on few samples, as in a moment."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(loading, "CALIBRATED", 400)
    monkeypatch.setattr(calibrated_ratio, "REPLICAS", 9)
    return folder


@pytest.mark.parametrize(
    ("run", "data", "count"),
    [("points", "points.npy", 30), ("digits", "photos", 3), ("table", "rows.csv", 600)],
)
def test_log_ratios_of_given_samples_are_a_table(here, run, data, count):
    out = here / f"of-{run}.csv"
    assert main(["ratio", run, "--data", data, "--out", str(out)]) == 0
    found = pyarrow.csv.read_csv(out).to_pydict()
    assert len(found["log_ratio"]) == count
    assert all(low <= high for low, high in zip(found["low"], found["high"], strict=True))
    assert found.get("file") == (["0.png", "1.png", "2.png"] if data == "photos" else None)


@pytest.fixture
def tolerant(here, tmp_path):
    """A run that skips broken images, and a folder of three with one that is broken."""
    content = json.loads((here / "digits" / "config.json").read_text())
    content["images"]["skip_broken"] = True
    shutil.copytree(here / "digits", tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(json.dumps(content))
    shutil.copytree(here / "photos", tmp_path / "photos")
    (tmp_path / "photos" / "1.png").write_bytes(b"no image")
    return tmp_path / "run", tmp_path / "photos"


@pytest.mark.slow
@pytest.mark.parametrize("command", [commands.ratio, commands.outliers])
def test_a_table_names_the_images_that_were_read(tolerant, command):
    found = pyarrow.csv.read_csv(command(*tolerant).table).to_pydict()
    assert found["file"] == ["0.png", "2.png"]


@pytest.mark.slow
def test_other_commands_name_the_images_that_were_read_too(tolerant, tmp_path):
    run, photos = tolerant
    missed = commands.missed(run, photos, draws=2)
    assert {sample.file for sample in missed.samples} == {"0.png", "2.png"}
    for at in range(30):
        shutil.copy(photos / "0.png", photos / f"more-{at:02}.png")
    out = tmp_path / "chances.json"
    commands.compare(run, photos, count=40, permutations=9, out=out)
    names = [sample["file"] for sample in json.loads(out.read_text())["second"]]
    assert len(names) == 32 and "1.png" not in names


@pytest.mark.slow
def test_outliers_are_a_table_of_scores_and_their_sum(here, capsys):
    rows = ["a,b", *(["0.1,x"] * 30), "9000,y"]
    (here / "strange.csv").write_text("\n".join(rows) + "\n")
    assert main(["outliers", "table", "--data", "strange.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["samples"] == 31 and found["outliers"] >= 1
    scores = pyarrow.csv.read_csv(found["file"]).to_pydict()
    assert [*scores] == ["outlyingness", "outlier", "bound", "reconstruction", "ratio"]
    assert scores["outlier"][30] and np.argmax(scores["outlyingness"]) == 30
    assert main(["outliers", "points", "--data", "points.npy"]) == 0
    assert "the least usual: " in capsys.readouterr().out
    assert main(["outliers", "points", "--data", "strange.csv"]) == 2
    assert "are no rows of a table, got strange.csv" in capsys.readouterr().err


def test_a_logit_is_mapped_as_the_record_says(here):
    out, run = here / "mapped.csv", here / "points"
    found = commands.ratio(run, here / "points.npy", out)
    model = load_model(open_run(run))
    f = evidence(model, torch.from_numpy(np.load(here / "points.npy")))
    assert found.at.raw == pytest.approx(f)
    line = json.loads((run / "calibration.json").read_text())["map"]
    assert found.at.value == pytest.approx(line["slope"] * f + line["offset"])


@pytest.mark.usefixtures("drawn")
def test_the_record_has_both_scores_and_is_printed(here, capsys, monkeypatch):
    monkeypatch.setattr(loading, "CALIBRATED", 2000)
    assert main(["ratio", "points", "--calibration", "isotonic", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    record = json.loads((here / "points" / "calibration.json").read_text())
    assert printed["after"] == record["after"] and record["fitted"] == 1000
    assert record["after"]["log_score"] < record["before"]["log_score"]
    assert sum(record["before"]["reliability"]["counts"]) == 2000
    (panel,) = ratio_panel(Run.open(here / "points"))
    assert "isotonic" in panel.caption and panel.source.startswith("data:image/svg")
    (here / "points" / "calibration.json").write_text('{"step": 1}')
    with pytest.raises(ValueError, match=r"calibration\.json is damaged: make it anew"):
        [*ratio_panel(Run.open(here / "points"))]


@pytest.mark.parametrize("run", ["points", "digits", "table"])
def test_rejection_keeps_as_many_as_are_asked_for(here, run, capsys):
    ending = "csv" if run == "table" else "npy"
    out = here / f"kept-{run}.{ending}"
    assert main(["sample", run, "-n", "40", "--reject", "2", "--out", str(out)]) == 0
    assert "the budget is 2" in capsys.readouterr().out
    assert len(pyarrow.csv.read_csv(out) if run == "table" else np.load(out)) == 40


def test_weights_lie_beside_the_samples(here, capsys):
    words = ["sample", "points", "-n", "400", "--out", "weighed.npy"]
    assert main([*words, "--weights"]) == 0
    weights = np.load("weighed-weights.npy")
    assert weights.shape == (400,) and weights.sum() == pytest.approx(1)
    assert "effective, k̂ = " in capsys.readouterr().out
    plain = here / "plain.npy"
    assert main([*words[:-1], str(plain)]) == 0
    assert (np.load(plain) == np.load("weighed.npy")).all()


def test_resampling_chooses_among_as_many_draws_as_asked_for(capsys):
    assert main(["sample", "points", "-n", "40", "--resample", "3", "--out", "chosen.npy"]) == 0
    assert "different ones of 120 draws" in capsys.readouterr().out
    assert len(np.load("chosen.npy")) == 40


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ratio", "nowhere"], "nowhere is not a run"),
        (["ratio", "exported"], "exported is an exported model, and no run"),
        (["ratio", "digits", "--data", "floats.npy"], "floats.npy cannot be used"),
        (["ratio", "points", "--data", "none.npy"], "none.npy does not exist"),
        (["ratio", "digits", "--data", "points.npy"], "(2,)"),
        (["ratio", "points", "--data", "rows.csv"], "are no rows of a table"),
        (["ratio", "table", "--data", "points.npy"], "are rows of a table, got points.npy"),
        (["ratio", "points", "--data", "points.npy", "--out", "a.png"], "let a.png end in .csv"),
        (["ratio", "points", "--out", "a.csv"], "without --data there is nothing"),
        (["ratio", "digits", "--calibration", "isotonic"], "1000 samples of each side or more"),
        (["ratio", "points", "--step", "7"], "no checkpoint after update 7"),
        (["sample", "points", "--reject", "0.5"], "--reject must be 1 draw or more"),
        (["sample", "points", "--reject", "nan"], "--reject must be positive and finite"),
        (["sample", "points", "--weights", "--reject", "2"], "exclude each other"),
        (["sample", "points", "-n", "9", "--weights"], "at least 25, got 9"),
        (["sample", "points", "--held-out", "ring8"], "is for --weights, --reject or"),
        (["sample", "table", "--where", "b=x", "--weights"], "excludes --weights"),
        (["sample", "points", "--reject", "2", "--held-out", "few.npy"], "needs 40"),
        (["ratio", "points", "--held-out", "none.npy"], "none.npy"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_a_line(words, says, capsys):
    np.save("few.npy", np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32))
    np.save("floats.npy", np.zeros((3, 8, 8), np.float32))
    Path("exported").mkdir(exist_ok=True)
    Path("exported", "model.safetensors").touch()
    capsys.readouterr()
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize(
    ("changes", "step", "says"),
    [
        ({"objective": ObjectiveConfig(kind="joint")}, 1, "sees pairs of samples and latents"),
        ({"objective": ObjectiveConfig(kind="reconstruction")}, 1, "latents of data alone"),
        ({"prior": "ring8", "objective": ObjectiveConfig(kind="marginal")}, 1, "translates"),
        ({}, 0, "untrained after 0 updates"),
    ],
)
def test_a_discriminator_that_gives_no_ratio_is_refused(changes, step, says):
    with pytest.raises(ValueError, match=says):
        require_ratio(Config().model_copy(update=changes), step)


@pytest.mark.parametrize(
    ("method", "gives"),
    [("wgan-gp", "a potential"), ("hinge-gan", "its sign"), ("hinge-bridge", "its sign")],
)
def test_a_discriminator_of_another_loss_gives_no_log_ratio(method, gives):
    with pytest.raises(ValueError, match=f"{method} gives no log ratio, but {gives}"):
        require_ratio(METHODS[method].apply(Config()), 1)
