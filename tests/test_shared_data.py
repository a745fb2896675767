"""The real image sets, end to end; skipped where there are none beside the repository."""

import json
import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from alpha_bridge.cli import main
from alpha_bridge.metrics import comparison
from alpha_bridge.metrics.definition import parse
from alpha_bridge.runs.folder import Run

DATA = Path(__file__).parents[2] / "shared" / "data"
ROWS = {"mnist": 4000, "cifar10": 2000}
"""So many of the images are taken; tests/data/test_images.py reads a whole set."""
SHAPES = {"mnist": [1, 28, 28], "cifar10": [3, 32, 32], "celeba": [3, 64, 64]}
STEPS = [1, 4, 6]
PATH = ["--path.ml=0.2", "--path.transfer=0.5", "--path.adversarial=0.3"]
SMALL = ["--steps=6", "--batch-size=8", "--model.width=8", "--evaluation.samples=64", *PATH]
PIXELS = "--evaluation.features=pixels"
FEATURES = {"cifar10": [PIXELS]}
"""One classifier of all images is enough: to train it takes most of the time."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("pages_without_figures"),
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the image sets in ../shared/data"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the runs lie; a third of the updates is enough for a good classifier of digits."""
    quick = partial(comparison.cached_classifier, updates=200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "cached_classifier", quick)
        yield tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def train(folder):
    """Words that train a preset on its data, of which there may be fewer."""

    def words(name, out, *more):
        data = DATA / name
        if name in ROWS:
            data = part(data, folder / "data" / name, ROWS[name])
        small = [*SMALL, *FEATURES.get(name, ()), *more]
        return ["train", name, "--data", str(data), *small, "--out", str(out)]

    return words


def part(whole, folder, rows):
    """The first rows of every file of a set, in files of the same names."""
    if not folder.exists():
        folder.mkdir(parents=True)
        for file in whole.glob("*.parquet"):
            parquet.write_table(parquet.read_table(file)[:rows], folder / file.name)
    return folder


def protocols(metrics):
    """Metrics by what they look at; of a classifier's name its first word."""
    named = [parse(name) for name in metrics]
    return {(name.metric, name.protocol.split("-")[0]) for name in named}


@pytest.fixture(scope="module")
def trained(folder, train):
    """The run of a preset, made once."""

    def run(name, *more):
        out = folder / "-".join([name, *(word.split("=")[-1] for word in more)])
        if not out.exists():
            assert main(train(name, out, *more)) == 0
        return Run.open(out)

    return run


def last_metrics(run):
    return {name: value for name, value in run.records[-1].items() if name.count("/") == 2}


@pytest.mark.parametrize("name", SHAPES)
def test_a_preset_trains_on_its_data_and_leaves_a_whole_run(trained, name):
    run = trained(name)
    assert run.config["event_shape"] == SHAPES[name]
    assert run.checkpoint_steps == STEPS
    assert [record["step"] for record in run.records] == STEPS
    assert run.report_path.exists()
    channels, size, _ = SHAPES[name]
    for step in STEPS:
        assert run.samples[step].shape == (64, size, size, channels)
        assert run.reconstructions[step].shape == (2, 64, size, size, channels)
        with Image.open(run.samples_picture(step)) as picture:
            picture.verify()


def test_a_labelled_set_is_measured_by_its_classifier(trained):
    assert {
        ("frechet_distance", "classifier"),
        ("kernel_distance", "classifier"),
        ("inception_score", "classifier"),
        ("retention", "classifier"),
        ("reconstruction_error", "mse"),
    } <= protocols(last_metrics(trained("mnist")))


def test_the_classifier_of_the_set_is_good_and_metrics_name_it(trained):
    names = [parse(name) for name in last_metrics(trained("mnist"))]
    (retention,) = [name.protocol for name in names if name.metric == "retention"]
    percent = re.fullmatch("classifier-mnist-seed0-acc([0-9]+)", retention).group(1)
    assert 95 <= int(percent) <= 100


def test_faces_without_labels_are_measured_in_pixels(trained):
    assert protocols(last_metrics(trained("celeba"))) == {
        ("frechet_distance", "pixels"),
        ("kernel_distance", "pixels"),
        ("reconstruction_error", "mse"),
    }


def test_faces_with_labels_for_a_few_are_measured_by_a_classifier(trained):
    # 16 pixels: the classifier is what takes the time
    run = trained("celeba", "--images.label-column=Smiling", "--images.size=16")
    assert ("retention", "classifier") in protocols(last_metrics(run))


def test_reconstructions_come_from_images_that_are_held_out(trained):
    run = trained("mnist")
    originals, _ = run.reconstructions[STEPS[-1]]
    assert np.array_equal(originals, run.reconstructions[STEPS[0]][0])
    assert 20 < originals.mean() < 50


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_on_images_can_be_used(folder, trained, name, capsys):
    run = trained(name)
    capsys.readouterr()
    drawn, pairs, array = (folder / f"{name}{end}" for end in (".png", "-pairs.png", ".npy"))
    assert main(["sample", str(run.folder), "-n", "4", "--out", str(drawn)]) == 0
    assert main(["sample", str(run.folder), "-n", "4", "--out", str(array)]) == 0
    assert main(["reconstruct", str(run.folder), "--images", str(drawn), "--out", str(pairs)]) == 0
    assert main(["report", str(run.folder)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == pytest.approx(last_metrics(run), rel=1e-4)


def test_faces_are_edited_along_attributes_that_few_of_them_have(folder, trained, capsys):
    run, out = trained("celeba"), folder / "smiling.npy"
    words = ["--attribute=Smiling", "--against=Male", "-n=2", "--columns=3"]
    assert main(["edit", str(run.folder), *words, "--out", str(out), "--json"]) == 0
    (direction,) = json.loads(capsys.readouterr().out.splitlines()[-1])["directions"]
    assert (direction["having"], direction["lacking"]) == (222, 271)
    assert np.load(out).shape == (2, 3, 64, 64, 3)


def test_the_command_itself_trains_in_a_process_of_its_own(folder, train, children, cache):
    out = folder / "process"
    words = train("mnist", out, PIXELS, "--json")
    done = children.run(words, folder, ALPHA_BRIDGE_CACHE=str(cache))
    assert done.code == 0, done.err
    assert json.loads(done.out)["run"] == str(out)
    assert b"Traceback" not in done.err
    assert b"Warning" not in done.err


def test_decoded_images_are_used_again(folder, trained, train):
    trained("mnist")
    cache = Path(os.environ["ALPHA_BRIDGE_CACHE"]) / "images"
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert main(train("mnist", folder / "mnist-again", "--seed=1")) == 0
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")} == before
