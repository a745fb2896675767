"""γ(α) and κ(α) against fifty digits, and what (12) asks of every γ."""

import math

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_bridge.gamma import CosineGamma, LinearGamma, PowerGamma, SigmoidGamma
from tests.contracts import cases
from tests.contracts.gamma_function import ALWAYS, remembers_nothing
from tests.looping import at_each_alpha


def sigmoid_by_definition(c, d):
    """Footnote 1, first form, and its derivative at 1."""
    c, d = mpmath.mpf(c), mpmath.mpf(d)

    def logistic(x):
        return 1 / (1 + mpmath.exp(-x))

    rise = logistic(c + d) - logistic(d)
    slope = c * logistic(c + d) * logistic(-c - d) / rise
    return lambda alpha: (logistic(c * alpha + d) - logistic(d)) / rise, slope


def power_by_definition(exponent):
    return lambda alpha: mpmath.mpf(alpha) ** mpmath.mpf(exponent), exponent


def cosine_by_definition():
    return lambda alpha: (1 - mpmath.cos(mpmath.pi * alpha)) / 2, 0


CHOICES = [
    (SigmoidGamma(), lambda: sigmoid_by_definition(10, -5)),
    (SigmoidGamma(20.0, -10.0), lambda: sigmoid_by_definition(20, -10)),
    (SigmoidGamma(1.0, 3.0), lambda: sigmoid_by_definition(1, 3)),
    (SigmoidGamma(1e-3, 0.5), lambda: sigmoid_by_definition(1e-3, 0.5)),
    (SigmoidGamma(200.0, -100.0), lambda: sigmoid_by_definition(200, -100)),
    (SigmoidGamma(200.0, 200.0), lambda: sigmoid_by_definition(200, 200)),
    (SigmoidGamma(200.0, -200.0), lambda: sigmoid_by_definition(200, -200)),
    (LinearGamma(), lambda: power_by_definition(1)),
    (PowerGamma(0.5), lambda: power_by_definition(0.5)),
    (PowerGamma(2.0), lambda: power_by_definition(2)),
    (PowerGamma(7.5), lambda: power_by_definition(7.5)),
    (CosineGamma(), cosine_by_definition),
]
every_definition = pytest.mark.parametrize(
    ("gamma", "definition"), CHOICES, ids=[repr(gamma) for gamma, _ in CHOICES]
)


@cases({repr(gamma): (gamma, [*ALWAYS, remembers_nothing]) for gamma, _ in CHOICES})
def test_a_gamma_has_the_properties_of_its_slot(part, holds):
    holds(part)


@every_definition
@at_each_alpha
def test_gamma_is_its_definition(gamma, definition, alpha):
    with mpmath.workdps(300):
        value, _ = definition()
        expected = float(value(mpmath.mpf(alpha)))
    assert gamma(alpha) == pytest.approx(expected, rel=1e-13)


@every_definition
@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-8, 2**-40, 2**-53])
def test_kappa_keeps_its_digits_near_one(gamma, definition, gap):
    alpha = 1 - gap
    with mpmath.workdps(300):
        value, _ = definition()
        expected = float((1 - value(mpmath.mpf(alpha))) / (1 - mpmath.mpf(alpha)))
    assert gamma.kappa(alpha) == pytest.approx(expected, rel=1e-13)


@every_definition
@at_each_alpha
def test_kappa_is_its_definition_all_along(gamma, definition, alpha):
    with mpmath.workdps(300):
        value, slope = definition()
        at = mpmath.mpf(alpha)
        expected = float((1 - value(at)) / (1 - at) if at < 1 else slope)
    assert gamma.kappa(alpha) == pytest.approx(expected, rel=1e-13)


@given(st.floats(0.01, 30), st.floats(-30, 30), st.floats(0, 1))
def test_sigmoid_agrees_with_the_form_of_the_paper(c, d, alpha):
    with mpmath.workdps(60):
        expected = float(sigmoid_by_definition(c, d)[0](mpmath.mpf(alpha)))
    assert SigmoidGamma(c, d)(alpha) == pytest.approx(expected, rel=1e-12, abs=1e-40)


@given(st.floats(0, 1))
def test_symmetric_sigmoid_is_its_own_mirror_image(alpha):
    gamma = SigmoidGamma(10.0, -5.0)
    assert gamma(alpha) + gamma(1 - alpha) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("c", [0.0, -1.0, math.nan, math.inf, 201.0])
def test_steepness_out_of_range_is_refused(c):
    with pytest.raises(ValueError, match=f"{c}"):
        SigmoidGamma(c=c)


@pytest.mark.parametrize("d", [-201.0, 201.0, math.nan, math.inf])
def test_offset_out_of_range_is_refused(d):
    with pytest.raises(ValueError, match=f"got {d}"):
        SigmoidGamma(d=d)


@pytest.mark.parametrize("exponent", [0.0, -2.0, math.nan, math.inf])
def test_exponent_that_is_not_positive_is_refused(exponent):
    with pytest.raises(ValueError, match="exponent must be positive"):
        PowerGamma(exponent)
