"""Figure 5 in a miniature of the miniature."""

import pytest

from experiments import figure5
from experiments.framework import verdicts

METHODS = ["naive", "alpha-bridge", "rkl-gp", "rkl-gp, slower β"]


@pytest.fixture
def found(untrained, monkeypatch):
    """The record and the samples of the miniature with two trials, untrained."""
    for key, value in {"steps": 20, "evaluation.every": 10, "evaluation.samples": 60}.items():
        monkeypatch.setitem(figure5.QUICK, key, value)
    return untrained.record(figure5, trials=2), untrained.samples


@pytest.fixture
def record(found):
    return found[0]


def test_each_method_is_trained_with_each_seed(record):
    found = [(run["method"], run["seed"]) for run in record["runs"]]
    assert found == [(name, seed) for seed in (3, 4) for name in METHODS]


def test_all_methods_are_evaluated_after_the_same_updates(record):
    for run in record["runs"]:
        assert [row["step"] for row in run["evaluations"]] == [6, 8, 10, 20]


def test_every_setting_is_recorded(record):
    settings = record["settings"]
    assert settings["quick"] and settings["data"] == "digits"
    assert [*settings["methods"]] == METHODS
    bridge = record["runs"][1]["config"]
    assert (bridge["path"]["end"], bridge["gamma"]["c"], bridge["model"]["latent"]) == (0.9, 12, 16)


def with_last(means):
    """A record of one number for each method: retention and distance."""
    last = {
        method: {
            "frechet_distance/classifier/60": {"mean": distance},
            **({} if kept is None else {"retention/classifier/60": {"mean": kept}}),
        }
        for method, (kept, distance) in means.items()
    }
    return {"last": last}


@pytest.mark.parametrize(
    ("naive", "bridge", "gan", "slower", "holds"),
    [
        ((0.6, 10.0), (0.8, 9.0), (None, 9.0), (None, 9.0), [True, True, True, True]),
        ((0.6, 10.0), (0.8, 9.1), (None, 9.0), (None, 9.5), [False, True, True, True]),
        ((0.6, 10.0), (0.8, 9.1), (None, 9.5), (None, 9.0), [True, False, True, True]),
        ((0.6, 8.9), (0.8, 9.0), (None, 12.0), (None, 12.0), [False, True, True, True]),
        ((0.5, 10.0), (0.74, 9.0), (None, 9.0), (None, 9.0), [True, True, False, True]),
        ((0.61, 10.0), (0.8, 9.0), (None, 9.0), (None, 9.0), [True, True, True, False]),
        ((None, 10.0), (None, 9.0), (None, 9.0), (None, 9.0), [True, True]),
    ],
)
def test_claims_are_read_from_the_means_at_the_end(naive, bridge, gan, slower, holds):
    record = with_last(dict(zip(METHODS, (naive, bridge, gan, slower), strict=True)))
    assert [claim.holds for claim in figure5.claims(record)] == holds


def test_the_claims_are_recorded(record):
    assert record["claims"] == verdicts(figure5.claims(record), record)


def test_the_pictures_begin_at_the_end_of_step_one(found):
    record, samples = found
    assert [*samples] == METHODS
    assert all(len(images) == figure5.LATENTS for of in samples.values() for images in of.values())
    figure = figure5.draw(record, samples)
    assert len(figure.axes) == 3 + 4
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "I · 6",
        "II · 8",
        "III · 10",
        "III · 20",
    ]


def test_other_images_can_be_given(untrained):
    record = untrained.record(figure5, data="my/photos")
    assert record["settings"]["data"] == "my/photos"
    assert {run["config"]["data"] for run in record["runs"]} == {"my/photos"}
