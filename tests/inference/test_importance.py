"""Weights: the tail's shape is found, and known densities are reached."""

import numpy as np
import pytest
from scipy import stats

from alpha_bridge.inference.importance import pareto_shape, resampled, smoothed_weights


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.7, 1.2])
def test_the_shape_of_known_pareto_tails_is_found(shape):
    """Within three of its standard deviations, (1 + k)/√2000, and the prior's pull towards ½."""
    draws = np.sort(stats.genpareto(shape, scale=3.0).rvs(2000, random_state=0))
    found, scale = pareto_shape(draws)
    assert found == pytest.approx(shape, abs=0.15)
    assert scale == pytest.approx(3.0, rel=0.1)


def test_weighted_means_of_the_model_are_those_of_the_data():
    """p = N(0, 1), q = N(½, 1): f(x) = x/2 − 1/8."""
    x = np.random.default_rng(0).normal(size=20_000)
    found = smoothed_weights(x / 2 - 1 / 8).require_reliable()
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights @ x == pytest.approx(0.5, abs=0.03)
    assert found.effective == pytest.approx(np.exp(-1 / 4), rel=0.05)


def test_smoothing_takes_a_single_weight_its_power():
    f = np.random.default_rng(0).normal(size=400)
    f[0] = 12.0
    raw = np.exp(f - f.max())
    assert smoothed_weights(f).weights.max() < 0.8 * (raw / raw.sum()).max()


def test_weights_of_a_heavy_tail_are_refused():
    """p = N(0, 1), q = N(0, 5²): 1/r has no variance, k̂ = 1 − 1/25."""
    x = np.random.default_rng(0).normal(size=4000)
    with pytest.raises(ValueError, match=r"k̂ = \S+, above 0.7"):
        smoothed_weights(x**2 / 2 * (1 - 1 / 25)).require_reliable()


@pytest.mark.parametrize("rounding", [0.0, 1e-9])
def test_equal_samples_at_the_cut_are_no_tail(rounding):
    """A table of three rows: its weights are bounded, and as good as they are."""
    f = np.log(np.repeat([1.0, 2.0, 2.1], [700, 270, 30]))
    f += rounding * np.random.default_rng(0).normal(size=len(f))
    found = smoothed_weights(f).require_reliable()
    assert found.weights == pytest.approx(np.exp(f) / np.exp(f).sum(), rel=0.05)


def test_the_log_ratio_may_be_of_any_size():
    f = np.random.default_rng(0).normal(size=100)
    assert smoothed_weights(f + 5000).weights == pytest.approx(smoothed_weights(f).weights)


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (np.zeros(24), "at least 25 samples"),
        (np.full(30, np.nan), "sample 0 is nan"),
        (np.where(np.arange(90).reshape(30, 3) == 50, np.inf, 0.0), "sample 16 is inf: its"),
    ],
)
def test_what_has_no_weights_is_refused(f, says):
    with pytest.raises(ValueError, match=says):
        smoothed_weights(f)


def test_resampling_follows_the_weights():
    places = resampled(np.array([0.0, 0.25, 0.75]), 4000, np.random.default_rng(0))
    assert np.bincount(places) / 4000 == pytest.approx([0, 0.25, 0.75], abs=0.03)
