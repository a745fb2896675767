"""The checks pass what they should and name what they reject."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_bridge.checks import at_least, between_zero_and_one, positive


@given(st.floats(0, 1))
def test_a_number_in_the_unit_interval_comes_back(value):
    assert between_zero_and_one("alpha", value) == value


@pytest.mark.parametrize("value", [-1e-300, math.nextafter(1, 2), math.inf, -math.inf, math.nan])
def test_a_number_outside_the_unit_interval_is_named(value):
    with pytest.raises(ValueError, match=rf"^alpha must lie in \[0, 1\], got {value}$"):
        between_zero_and_one("alpha", value)


@given(st.floats(0, exclude_min=True, allow_infinity=False))
def test_a_positive_number_comes_back(value):
    assert positive("sigma", value) == value


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_positive_and_finite_is_named(value):
    with pytest.raises(ValueError, match=rf"^sigma must be positive and finite, got {value}$"):
        positive("sigma", value)


@given(st.integers(-9, 9), st.integers(0, 9))
def test_a_number_of_at_least_the_least_comes_back(least, more):
    assert at_least(least, "steps", least + more) == least + more


def test_a_number_below_the_least_is_named():
    with pytest.raises(ValueError, match=r"^batch_size must be at least 1, got 0$"):
        at_least(1, "batch_size", 0)
