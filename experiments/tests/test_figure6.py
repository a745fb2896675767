"""Figure 6 in a miniature of the miniature."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from alpha_bridge.recipe.presets import PRESETS
from experiments import edits, figure6, reproduce
from experiments.framework import configurations, verdicts
from experiments.framework.ledger import read_samples
from experiments.pages import images
from experiments.pages.markdown import RESULTS

METHODS = ["alpha-bridge", "rkl-gp", "ml"]
SUBJECTS = ["held-out", "generated"]


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        changes = {"steps": 20, "evaluation.every": 20, "evaluation.samples": 60}
        for key, value in {**changes, "model.width": 4, "batch_size": 8}.items():
            patch.setitem(figure6.QUICK, key, value)
        classifier = partial(edits.cached_classifier, updates=80)
        patch.setattr(edits, "cached_classifier", classifier)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figure6")
    reproduce("figure6-mnist", folder, seed=3, quick=True)
    return folder


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "figure6-mnist.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("base", "shared"), [("celeba", figure6.FACES), ("mnist", figure6.SHARED)])
def test_all_methods_have_the_same_networks_updates_and_rates(base, shared):
    settings = figure6.of_methods(shared)
    configs = dict(configurations(PRESETS[base], settings, seed=0, trials=1))
    assert [*configs] == METHODS
    held = {"hold": 1.0}
    first = configs["ml"]
    for config in configs.values():
        assert (config.model, config.steps) == (first.model, first.steps)
        assert replace(config.optimization, **held) == first.optimization


@pytest.mark.slow
def test_each_method_is_trained_and_its_arm_measured(record):
    assert [(run["method"], run["seed"]) for run in record["runs"]] == [(m, 3) for m in METHODS]
    for run in record["runs"]:
        kept = {name.split("/")[0] for name in run["evaluations"][-1]}
        assert set(figure6.METRICS) <= kept
        assert len([name for name in run["evaluations"][-1] if "generated" in name]) == 8


@pytest.mark.slow
def test_each_attribute_and_each_edit_are_recorded(record):
    names = [row["attribute"] for row in record["judge"]]
    assert len(names) > 5
    for run in record["runs"]:
        asked = {(row["subject"], row["attribute"]) for row in run["edits"]}
        assert asked <= {(subject, name) for subject in SUBJECTS for name in names}
        assert {subject for subject, _ in asked} == set(SUBJECTS)
        strengths = len(record["settings"]["strengths"])
        assert all(len(row["reached"]) == len(row["others"]) == strengths for row in run["edits"])


@pytest.mark.slow
def test_the_metrics_are_means_over_attributes(record):
    run = record["runs"][0]
    rows = [row["reached"][1] for row in run["edits"] if row["subject"] == "generated"]
    name = "edits_reached/strength-2-generated/60"
    assert run["evaluations"][-1][name] == pytest.approx(sum(rows) / len(rows))
    assert record["last"]["alpha-bridge"][name]["mean"] == run["evaluations"][-1][name]


@pytest.mark.slow
def test_the_claims_are_recorded(record):
    assert len(record["claims"]) == len(figure6.CLAIMS)
    assert record["claims"] == verdicts(figure6.claims(record), record)


def with_last(**values):
    """A record of the numbers of three methods, by metric."""
    last = {
        method: {f"{name}/60": {"mean": of[place]} for name, of in values.items()}
        for place, method in enumerate(METHODS)
    }
    return {"settings": {"methods": METHODS}, "last": last}


NUMBERS = {
    "frechet_distance/pixels": [2.0, 1.0, 3.0],
    "reconstruction_error/mse": [1.0, 2.0, 3.0],
    "reconstruction_error/mse-generated": [2.0, 1.0, 3.0],
    "feature_distance/pixels": [2.0, 3.0, 1.0],
    "feature_distance/pixels-generated": [1.0, 1.0, 1.0],
}
EDITS = {
    "edits_reached/strength-2": [0.5, 0.4, 0.6],
    "edits_reached/strength-2-generated": [0.3, 0.4, 0.6],
    "others_changed/strength-2": [0.1, 0.2, 0.0],
}


@pytest.mark.parametrize(
    ("numbers", "holds"),
    [
        (NUMBERS, [True, True, False, False, True]),
        (NUMBERS | EDITS, [True, True, False, False, True, True, False, True]),
    ],
)
def test_claims_are_read_from_the_means_at_the_end(numbers, holds):
    assert [claim.holds for claim in figure6.claims(with_last(**numbers))] == holds


def test_nothing_is_claimed_before_all_methods_have_ended():
    record = with_last(**NUMBERS)
    del record["last"]["ml"]
    assert figure6.claims(record) == []


@pytest.mark.slow
def test_the_picture_can_be_drawn_again(folder, record):
    samples = read_samples(folder / "figure6-mnist.npz")
    assert [*samples] == [f"{method}/{subject}" for method in METHODS for subject in SUBJECTS]
    columns = 2 + len(record["settings"]["shown"])
    assert {images.shape for of in samples.values() for images in of.values()} == {
        (4, columns, 8, 8, 1)
    }
    figure = figure6.draw(record, samples)
    assert len(figure.axes) == 2 * len(METHODS) + 4
    titles = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert titles[:2] == ["image", "again"] and len(titles) == columns
    assert (folder / "figure6-mnist.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_images_of_which_nothing_is_known_are_reconstructed_and_not_edited(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    data = str(tmp_path / "images.npy")
    reproduce("figure6", tmp_path / "new", quick=True, data=data)
    record = json.loads((tmp_path / "new" / "figure6.json").read_text(encoding="utf-8"))
    assert record["judge"] == [] and record["settings"]["shown"] == []
    assert all(run["edits"] == [] for run in record["runs"])
    assert len(record["claims"]) == 5


def test_the_page_has_a_row_for_each_metric_and_attribute():
    record = json.loads((RESULTS / "figure6-mnist.json").read_text(encoding="utf-8"))
    text = "\n".join(images.PARTS["figure6-mnist"](record))
    assert "| Edits reached (strength-2-generated, 1000) | " in text
    assert all(f"| {row['attribute']} | " in text for row in record["judge"])
