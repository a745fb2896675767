"""Properties of a γ."""

import math
from itertools import pairwise

import pytest

ALPHAS = (0.0, 1e-8, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-3, 1 - 1e-8, 1.0)


def is_zero_at_maximum_likelihood(gamma):
    assert gamma(0.0) == 0
    assert gamma.kappa(0.0) == pytest.approx(1, rel=1e-15)


def is_one_at_the_adversarial_end(gamma):
    assert gamma(1.0) == 1


def is_finite_at_both_ends(gamma):
    for alpha in (0.0, 1.0):
        assert math.isfinite(gamma(alpha)) and math.isfinite(gamma.kappa(alpha))


def has_a_kappa_that_is_continuous_at_one(gamma):
    assert gamma.kappa(1 - 1e-9) == pytest.approx(gamma.kappa(1.0), rel=1e-6, abs=1e-7)


def rises(gamma):
    values = [gamma(k / 200) for k in range(201)]
    assert all(low <= high + 1e-13 for low, high in pairwise(values))


def is_unbiased(gamma):
    """γ + (1 − α) κ = 1: both twins have one expectation, and so has their combination."""
    for alpha in ALPHAS:
        assert gamma(alpha) + (1 - alpha) * gamma.kappa(alpha) == pytest.approx(1, rel=1e-13)


def refuses_an_alpha_outside_the_unit_interval(gamma):
    for alpha in (-1e-9, 1 + 1e-9, math.nan):
        for function in (gamma, gamma.kappa):
            with pytest.raises(ValueError, match="alpha must lie in"):
                function(alpha)


def remembers_nothing(gamma):
    """So that a run goes on exactly without a memory of it."""
    assert gamma.memory() == {}


ALWAYS = (
    is_zero_at_maximum_likelihood,
    is_one_at_the_adversarial_end,
    is_finite_at_both_ends,
    has_a_kappa_that_is_continuous_at_one,
    rises,
    is_unbiased,
    refuses_an_alpha_outside_the_unit_interval,
)
"""What any γ has."""
