"""Calibration: known log ratios come out as they are, and too sure ones are tempered."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from alpha_bridge import AlphaBridge
from alpha_bridge.inference.calibrated_ratio import CalibratedRatio, calibrated, evidence
from alpha_bridge.inference.calibration import (
    Isotonic,
    LastLayer,
    Temperature,
    calibration_error,
    log_score,
    reliability,
)
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.networks.conv import ConvDiscriminator


def known(count, seed=0, distance=1.5):
    """The true log ratios of N(d, 1) to N(0, 1), d(x − d/2), at samples of each."""
    rng = np.random.default_rng(seed)
    return tuple(distance * (rng.normal(at, 1, count) - distance / 2) for at in (distance, 0))


@pytest.fixture(scope="module")
def true():
    return known(2000)


@pytest.fixture(scope="module")
def ratio(true):
    """What is made of logits that are three times too sure, and too high by one."""
    return CalibratedRatio.of(*(3 * f + 1 for f in true))


def test_a_true_log_ratio_is_calibrated_and_scores_best(true):
    assert calibration_error(reliability(*true)) < 0.02
    scores = {bend: log_score(*(bend * f for f in true)) for bend in (0.5, 1, 2)}
    assert min(scores, key=scores.get) == 1


@pytest.mark.parametrize(
    ("fit", "room"), [(Temperature.fitted, 0.1), (Isotonic.fitted, 0.25)], ids=["affine", "steps"]
)
def test_a_map_undoes_what_was_done_to_the_log_ratio(true, fit, room):
    found = fit(*(3 * f + 1 for f in true))
    inside = np.linspace(-2, 2, 20)
    assert np.abs(found(3 * inside + 1) - inside).mean() < room


def test_a_last_layer_finds_what_no_map_of_the_logit_can(true):
    """The logit is f and a number that says nothing; the last layer sees both."""
    rng = np.random.default_rng(1)
    noise = [3 * rng.normal(size=len(f)) for f in true]
    seen = [np.stack([f + n, n, np.ones_like(f)], 1) for f, n in zip(true, noise, strict=True)]
    found = LastLayer.fitted(*seen)
    assert np.abs(found(seen[0]) - true[0]).mean() < 0.15
    tempered = Temperature.fitted(*(of[:, 0] for of in seen))
    assert np.abs(tempered(seen[0][:, 0]) - true[0]).mean() > 0.5


@pytest.mark.parametrize(("count", "kind"), [(1998, "temperature"), (2000, "last-layer")])
def test_a_last_layer_is_fitted_where_there_are_enough_samples(count, kind):
    networks = MLPGenerator(2, 3, (4,)), MLPEncoder(2, 3, (4,)), MLPDiscriminator(3, (4,))
    model = AlphaBridge(*networks).eval()
    ratio = calibrated(model, torch.randn(count, 3))
    assert ratio.kind == kind and np.isfinite(ratio.after.log_score)


@pytest.mark.parametrize(
    ("network", "event", "size"),
    [(MLPDiscriminator(3, (4, 5)), (3,), 5), (ConvDiscriminator(8, 1, 4, 7), (1, 8, 8), 7)],
    ids=["points", "images"],
)
def test_the_last_layer_makes_the_logit_of_what_it_is_given(network, event, size):
    model = AlphaBridge(nn.Identity(), nn.Identity(), network).eval()
    seen = evidence(model, torch.randn(60, *event), "last-layer")
    assert seen.shape == (60, 1 + size)
    solved, *_ = np.linalg.lstsq(np.c_[seen[:, 1:], np.ones(60)], seen[:, 0])
    assert np.c_[seen[:, 1:], np.ones(60)] @ solved == pytest.approx(seen[:, 0], abs=1e-4)


@pytest.mark.parametrize("bend", [0.01, 1, 30])
def test_the_regression_is_that_of_scikit_learn(true, bend):
    f = bend * np.concatenate(true)
    sides = np.arange(len(f)) < len(true[0])
    expected = LogisticRegression(tol=1e-8).fit(f[:, None] / f.std(), sides)
    found = Temperature.fitted(*(bend * f for f in true))
    assert found.slope * f.std() == pytest.approx(expected.coef_[0, 0], rel=1e-4)
    assert found.offset == pytest.approx(expected.intercept_[0], abs=1e-4)


def test_the_half_that_was_not_fitted_is_scored_better(ratio):
    assert ratio.after.log_score < ratio.before.log_score - 0.1
    assert ratio.after.calibration_error < ratio.before.calibration_error / 3
    assert sum(ratio.after.reliability.counts) == 2000


def test_intervals_hold_the_truth_of_another_draw(ratio):
    grid = np.linspace(-1.5, 1.5, 7)
    found = ratio(3 * grid + 1)
    assert ((found.low <= grid + 0.15) & (grid - 0.15 <= found.high)).all()
    assert (found.low < found.high).all() and not found.beyond.any()
    assert ratio(np.array([100.0, -100.0])).beyond.all()


def test_the_same_seed_gives_the_same_map(true, ratio):
    again = CalibratedRatio.of(*(3 * f + 1 for f in true))
    assert again.map == ratio.map and again.after == ratio.after


def test_equal_logits_of_both_sides_are_no_evidence():
    found = CalibratedRatio.of(np.full(60, 3.0), np.full(60, 3.0))
    assert found.map(np.array([3.0])) == pytest.approx(0, abs=1e-2)
    assert found.after.reliability.counts == [60]


def test_separable_samples_have_a_finite_log_ratio():
    found = CalibratedRatio.of(np.linspace(50, 60, 60), np.linspace(-60, -50, 60))
    assert np.isfinite(found(np.array([1e6])).value).all()


@pytest.mark.parametrize(
    ("data", "model", "kind", "says"),
    [
        (60, 50, "temperature", "got 50 and 60"),
        (39, 39, "temperature", "at least 40, got 39"),
        (60, 60, "isotonic", "1000 samples of each side or more, got 30"),
    ],
)
def test_too_few_samples_are_refused(data, model, kind, says):
    with pytest.raises(ValueError, match=says):
        CalibratedRatio.of(np.zeros(data), np.zeros(model), kind)


def test_a_log_ratio_that_is_not_finite_is_named():
    f = np.zeros(60)
    f[7] = np.inf
    with pytest.raises(ValueError, match="sample 7 is inf"):
        CalibratedRatio.of(f, np.zeros(60))
