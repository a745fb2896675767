"""Figure 1 in a miniature of the miniature."""

import json

import numpy as np
import pytest

from experiments import figure1, reproduce
from experiments.files import kept_samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figure1")
    with pytest.MonkeyPatch.context() as patch:
        for key, value in {"steps": 80, "evaluation.every": 40, "evaluation.samples": 100}.items():
            patch.setitem(figure1.QUICK, key, value)
        patch.setitem(figure1.QUICK, "model.hidden", [8])
        reproduce("figure1", folder, seed=3, quick=True)
    return folder


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "figure1.json").read_text(encoding="utf-8"))


def test_both_methods_are_followed_over_the_same_updates(record):
    steps = {run["method"]: [row["step"] for row in run["evaluations"]] for run in record["runs"]}
    assert steps["naive"] == steps["alpha-bridge"] == [32, 40, 44, 52, 56, 80]


def test_both_methods_have_the_same_step_one(record):
    first = [run["evaluations"][0] for run in record["runs"]]
    assert first[0] == first[1]
    assert record["runs"][0]["evaluations"][-1] != record["runs"][1]["evaluations"][-1]


def test_every_setting_is_recorded(record):
    assert record["settings"]["quick"]
    assert {run["config"]["seed"] for run in record["runs"]} == {3}
    assert record["runs"][1]["config"]["path"]["end"] == 0.97


def test_the_samples_can_be_drawn_again(folder, record):
    samples = kept_samples(folder / "figure1.npz")
    shown = record["settings"]["shown_updates"]
    assert {name: [*of] for name, of in samples.items()} == dict.fromkeys(figure1.SETTINGS, shown)
    assert len(figure1.draw(record, samples).axes) == 2 * len(shown) + 4


def test_points_keep_the_colour_of_the_mode_that_step_one_gave_them(folder, record):
    figure = figure1.draw(record, kept_samples(folder / "figure1.npz"))
    row = figure.axes[: len(record["settings"]["shown_updates"])]
    colors = [axes.collections[0].get_array() for axes in row]
    assert all(np.array_equal(colors[0], other) for other in colors)
    assert len(set(colors[0])) > 1


def test_the_picture_is_written(folder):
    assert (folder / "figure1.png").read_bytes().startswith(b"\x89PNG")
