"""Figure 1 in a miniature of the miniature."""

import numpy as np
import pytest

from experiments import figure1
from experiments.framework import ends


@pytest.fixture
def found(untrained, monkeypatch):
    """The record and the samples of the miniature, untrained."""
    for key, value in {"steps": 80, "evaluation.every": 40, "evaluation.samples": 100}.items():
        monkeypatch.setitem(figure1.QUICK, key, value)
    return untrained.record(figure1), untrained.samples


@pytest.fixture
def record(found):
    return found[0]


def test_both_methods_are_followed_over_the_same_updates(record):
    steps = {run["method"]: [row["step"] for row in run["evaluations"]] for run in record["runs"]}
    assert steps["naive"] == steps["alpha-bridge"] == [32, 40, 44, 52, 56, 80]


@pytest.mark.usefixtures("found")
def test_both_methods_have_the_same_step_one(untrained):
    naive, bridge = (plan.arguments["config"] for plan in untrained.plans)
    assert ends(naive)[0] == ends(bridge)[0]
    apart = {"method", "path", "gamma"}
    assert naive.model_dump(exclude=apart) == bridge.model_dump(exclude=apart)


def test_every_setting_is_recorded(record):
    assert record["settings"]["quick"]
    assert {run["config"]["seed"] for run in record["runs"]} == {3}
    assert record["runs"][1]["config"]["path"]["end"] == 0.97


def test_the_samples_of_each_method_are_drawn_with_its_numbers(found):
    record, samples = found
    shown = record["settings"]["shown_updates"]
    assert {name: [*of] for name, of in samples.items()} == dict.fromkeys(
        figure1.SETTINGS, sorted(shown)
    )
    assert len(figure1.draw(record, samples).axes) == 2 * len(shown) + 4


def test_points_keep_the_colour_of_the_mode_that_step_one_gave_them(found):
    record, samples = found
    row = figure1.draw(record, samples).axes[: len(record["settings"]["shown_updates"])]
    colors = [axes.collections[0].get_array() for axes in row]
    assert all(np.array_equal(colors[0], other) for other in colors)
    assert len(set(colors[0])) > 1
