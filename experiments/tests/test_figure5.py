"""Figure 5 in a miniature of the miniature."""

import json

import numpy as np
import pytest

from experiments import figure5, reproduce
from experiments.comparison import metric_names
from experiments.files import kept_samples
from experiments.scores import verdicts

METHODS = ["naive", "alpha-bridge", "rkl-gp", "rkl-gp, slower β"]


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        changes = {"steps": 20, "evaluation.every": 10, "evaluation.samples": 60}
        for key, value in {**changes, "model.width": 4, "batch_size": 8}.items():
            patch.setitem(figure5.QUICK, key, value)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figure5")
    reproduce("figure5", folder, seed=3, trials=2, quick=True)
    return folder


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "figure5.json").read_text(encoding="utf-8"))


def test_each_method_is_trained_with_each_seed(record):
    found = [(run["method"], run["seed"]) for run in record["runs"]]
    assert found == [(name, seed) for seed in (3, 4) for name in METHODS]


def test_the_numbers_of_the_figure_are_there_at_every_evaluation(record):
    for run in record["runs"]:
        assert [row["step"] for row in run["evaluations"]] == [6, 8, 10, 20]
        for row in run["evaluations"]:
            kept = {name.split("/")[0] for name in row}
            assert {"frechet_distance", "reconstruction_error"} <= kept
            since = not run["method"].startswith("rkl-gp") and row["step"] > 6
            assert ({"retention", "drift"} <= kept) == since


def test_the_methods_end_apart(record):
    ends = {run["method"]: run["evaluations"][-1] for run in record["runs"]}
    (name,) = metric_names(record, "frechet_distance")
    distances = {row[name] for row in ends.values()}
    assert len(distances) == len(METHODS)


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


def test_the_pictures_can_be_drawn_again(folder, record):
    samples = kept_samples(folder / "figure5.npz")
    assert [*samples] == METHODS
    assert all([*of] == [6, 8, 10, 20] for of in samples.values())
    figure = figure5.draw(record, samples)
    assert len(figure.axes) == 3 + 4
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "I · 6",
        "II · 8",
        "III · 10",
        "III · 20",
    ]


def test_the_picture_is_written(folder):
    assert (folder / "figure5.png").read_bytes().startswith(b"\x89PNG")


def test_other_images_can_be_given(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    data = str(tmp_path / "images.npy")
    reproduce("figure5", tmp_path / "new", trials=1, quick=True, data=data)
    record = json.loads((tmp_path / "new" / "figure5.json").read_text(encoding="utf-8"))
    assert record["settings"]["data"] == data
    assert {run["config"]["data"] for run in record["runs"]} == {data}


def test_data_for_an_experiment_that_has_its_own_are_refused(tmp_path):
    with pytest.raises(ValueError, match="figure2 has data of its own, got --data digits"):
        reproduce("figure2", tmp_path / "new", data="digits")
    assert not (tmp_path / "new").exists()
