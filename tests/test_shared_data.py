"""The real image sets, end to end; skipped where there are none beside the repository."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alpha_bridge.cli import main
from alpha_bridge.metrics import comparison
from alpha_bridge.metrics.definition import parse
from alpha_bridge.runs.folder import Run

DATA = Path(__file__).parents[2] / "shared" / "data"
SHAPES = {"mnist": [1, 28, 28], "cifar10": [3, 32, 32], "celeba": [3, 64, 64]}
STEPS = [1, 4, 6]
PATH = ["--path.ml=0.2", "--path.transfer=0.5", "--path.adversarial=0.3"]
SMALL = ["--steps=6", "--batch-size=8", "--model.width=8", "--evaluation.samples=64", *PATH]
PIXELS = "--evaluation.features=pixels"
FEATURES = {"cifar10": [PIXELS]}
"""One classifier of all images is enough: to train it takes most of the time."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the image sets in ../shared/data"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the runs lie; a third of the updates is enough for a good classifier of digits."""
    quick = partial(comparison.cached_classifier, updates=200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "cached_classifier", quick)
        yield tmp_path_factory.mktemp("runs")


def train(name, out, *more):
    small = [*SMALL, *FEATURES.get(name, ()), *more]
    return ["train", name, "--data", str(DATA / name), *small, "--out", str(out)]


def protocols(metrics):
    """Metrics by what they look at; of a classifier's name its first word."""
    named = [parse(name) for name in metrics]
    return {(name.metric, name.protocol.split("-")[0]) for name in named}


def trained(folder, name, *more):
    """The run of a preset, made once."""
    out = folder / "-".join([name, *(word.split("=")[-1] for word in more)])
    if not out.exists():
        assert main(train(name, out, *more)) == 0
    return Run.open(out)


def last_metrics(run):
    return {name: value for name, value in run.records[-1].items() if name.count("/") == 2}


@pytest.mark.parametrize("name", SHAPES)
def test_a_preset_trains_on_its_data_and_leaves_a_whole_run(folder, name):
    run = trained(folder, name)
    assert run.config["event_shape"] == SHAPES[name]
    assert run.checkpoint_steps == STEPS
    assert [record["step"] for record in run.records] == STEPS
    assert run.report_path.stat().st_size > 10_000
    channels, size, _ = SHAPES[name]
    for step in STEPS:
        assert run.samples[step].shape == (64, size, size, channels)
        assert run.reconstructions[step].shape == (2, 64, size, size, channels)
        with Image.open(run.samples_picture(step)) as picture:
            picture.verify()


def test_a_labelled_set_is_measured_by_its_classifier(folder):
    assert {
        ("frechet_distance", "classifier"),
        ("kernel_distance", "classifier"),
        ("inception_score", "classifier"),
        ("retention", "classifier"),
        ("reconstruction_error", "mse"),
    } <= protocols(last_metrics(trained(folder, "mnist")))


def test_the_classifier_of_the_set_is_good_and_metrics_name_it(folder):
    names = [parse(name) for name in last_metrics(trained(folder, "mnist"))]
    (retention,) = [name.protocol for name in names if name.metric == "retention"]
    percent = re.fullmatch("classifier-mnist-seed0-acc([0-9]+)", retention).group(1)
    assert 95 <= int(percent) <= 100


def test_faces_without_labels_are_measured_in_pixels(folder):
    assert protocols(last_metrics(trained(folder, "celeba"))) == {
        ("frechet_distance", "pixels"),
        ("kernel_distance", "pixels"),
        ("reconstruction_error", "mse"),
    }


def test_faces_with_labels_for_a_few_are_measured_by_a_classifier(folder):
    # 32 pixels: the classifier is what takes the time
    run = trained(folder, "celeba", "--images.label-column=Smiling", "--images.size=32")
    assert ("retention", "classifier") in protocols(last_metrics(run))


def test_reconstructions_come_from_images_that_are_held_out(folder):
    run = trained(folder, "mnist")
    originals, _ = run.reconstructions[STEPS[-1]]
    assert np.array_equal(originals, run.reconstructions[STEPS[0]][0])
    assert 20 < originals.mean() < 50


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_on_images_can_be_used(folder, name, capsys):
    run = trained(folder, name)
    capsys.readouterr()
    drawn, pairs, array = (folder / f"{name}{end}" for end in (".png", "-pairs.png", ".npy"))
    assert main(["sample", str(run.folder), "-n", "4", "--out", str(drawn)]) == 0
    assert main(["sample", str(run.folder), "-n", "4", "--out", str(array)]) == 0
    assert main(["reconstruct", str(run.folder), "--images", str(drawn), "--out", str(pairs)]) == 0
    assert main(["report", str(run.folder)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == pytest.approx(last_metrics(run), rel=1e-4)


def test_faces_are_edited_along_attributes_that_few_of_them_have(folder, capsys):
    run, out = trained(folder, "celeba"), folder / "smiling.npy"
    words = ["--attribute=Smiling", "--against=Male", "-n=2", "--columns=3"]
    assert main(["edit", str(run.folder), *words, "--out", str(out), "--json"]) == 0
    (direction,) = json.loads(capsys.readouterr().out.splitlines()[-1])["directions"]
    assert (direction["having"], direction["lacking"]) == (222, 271)
    assert np.load(out).shape == (2, 3, 64, 64, 3)


def test_the_command_itself_trains_in_a_process_of_its_own(folder):
    out = folder / "process"
    done = subprocess.run(
        [sys.executable, "-m", "alpha_bridge", *train("mnist", out, PIXELS, "--json")],
        capture_output=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == str(out)
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


def test_decoded_images_are_used_again(folder):
    trained(folder, "mnist")
    cache = Path(os.environ["ALPHA_BRIDGE_CACHE"]) / "images"
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert main(train("mnist", folder / "mnist-again", "--seed=1")) == 0
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")} == before
