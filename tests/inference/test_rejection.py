"""Rejection: with the exact ratio the data's density, and the budget is met."""

import numpy as np
import pytest
from scipy import stats

from alpha_bridge.inference.rejection import acceptance, log_constant


def drawn(count, seed):
    """Draws of p = N(0, 2²) and their log ratios to q = N(0, 1), whose largest is log 2."""
    x = np.random.default_rng(seed).normal(0, 2, count)
    return x, stats.norm.logpdf(x) - stats.norm.logpdf(x, 0, 2)


def test_at_a_budget_of_the_largest_ratio_what_is_kept_follows_the_data():
    log_c = log_constant(drawn(20_000, 0)[1], budget=2.2)
    x, f = drawn(20_000, 1)
    kept = x[np.random.default_rng(2).random(len(x)) < acceptance(f, log_c)]
    assert stats.kstest(kept, stats.norm.cdf).pvalue > 0.05
    assert stats.kstest(x[: len(kept)], stats.norm.cdf).pvalue < 1e-6


@pytest.mark.parametrize("budget", [1, 1.3, 2, 4, 50])
def test_the_budget_is_met_on_new_draws(budget):
    log_c = log_constant(drawn(20_000, 0)[1], budget)
    assert acceptance(drawn(20_000, 1)[1], log_c).mean() == pytest.approx(1 / budget, rel=0.05)


def test_a_larger_budget_comes_nearer_to_the_data():
    """q = N(2, 1), p = N(0, 1), whose ratio has no bound: the mean of what is kept."""
    x = np.random.default_rng(0).normal(size=50_000)
    f = 2 * x - 2
    means = [np.average(x, weights=acceptance(f, log_constant(f, b))) for b in (1, 2, 4, 16)]
    assert means == sorted(means) and means[0] == pytest.approx(0, abs=0.02) and means[-1] > 1.3


def test_ratios_of_any_size_are_no_trouble():
    f = np.array([-2000.0, 0.0, 3000.0, 3000.0])
    assert acceptance(f, log_constant(f, 4)).tolist() == pytest.approx([0, 0, 0.5, 0.5])


@pytest.mark.parametrize("budget", [0.5, 11])
def test_an_impossible_budget_is_refused(budget):
    with pytest.raises(ValueError, match=f"between 1 and the 10 draws, got {budget}"):
        log_constant(np.zeros(10), budget)
