"""Classifiers under covariate shift: the law of labels, the weights, and what is claimed."""

import numpy as np
import pytest

from alpha_bridge.inference import calibrated_ratio
from experiments import covariate_shift
from experiments.covariate_shift import claims, draw, of_seed, table


def test_each_classifier_has_an_error_and_the_true_weights_are_no_distance_away(monkeypatch):
    for name, count in {"HELD_OUT": 200, "TRAINED": 300, "TESTED": 400}.items():
        monkeypatch.setattr(covariate_shift, name, count)
    monkeypatch.setattr(calibrated_ratio, "REPLICAS", 2)
    record = of_seed(0, 10).record
    assert {*record["error"]} == {*covariate_shift.METHODS}
    assert all(0 < error < 20 for error in record["error"].values())
    away = {method: of["away"] for method, of in record["weights"].items()}
    assert away["true"] == 0 < away["none"] <= 1


def record(calibrated, away):
    error = {"none": 0.3, "logit": 0.28, "calibrated": calibrated, "true": 0.2, "on the data": 0.19}
    weights = {
        method: {"away": at, "effective": 0.8, "shape": 0.3}
        for method, at in zip(covariate_shift.WEIGHED, (0.5, 0.4, away, 0.0), strict=True)
    }
    return {"runs": [{"error": error, "weights": weights}] * 2, "quick": False}


@pytest.mark.parametrize(
    ("calibrated", "away", "holds"), [(0.22, 0.1, [True] * 3), (0.29, 0.3, [False, False, True])]
)
def test_claims_compare_the_means(calibrated, away, holds):
    assert [claim.holds for claim in claims(record(calibrated, away))] == holds


def test_the_table_and_the_figure_have_every_method():
    text = table(record(0.22, 0.1))
    assert all(f"| {method} |" in text for method in covariate_shift.METHODS)
    assert len(draw(record(0.22, 0.1)).axes) == 2


def test_no_line_follows_the_labels():
    x = np.array([[-0.8, 0.0], [0.8, 0.0], [2.4, 0.0]])
    share = np.mean([covariate_shift._labels(x, np.random.default_rng(s)) for s in range(200)], 0)
    assert share[1] > 0.9 and share[0] < 0.1 and share[2] < 0.1
