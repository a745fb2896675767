"""The spread over trials: one definition for every page and every command."""

import math
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_bridge.metrics.deviation import spread

numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=2, max_size=6))
def test_it_is_the_deviation_of_a_sample(trials):
    assert float(spread(trials)) == pytest.approx(stdev(trials), rel=1e-9, abs=1e-6)


@given(numbers, numbers)
def test_of_two_trials_it_is_their_distance_by_the_root_of_two(a, b):
    assert float(spread([a, b])) == pytest.approx(abs(a - b) / math.sqrt(2), abs=1e-9)


def test_one_trial_has_none():
    assert float(spread([3.0])) == 0


def test_it_is_taken_over_the_last_axis():
    found = spread([[1.0, 3.0], [5.0, 5.0]])
    np.testing.assert_allclose(found, [math.sqrt(2), 0])


@pytest.mark.parametrize("failed", [None, math.nan])
def test_a_failed_trial_makes_it_infinite(failed):
    assert float(spread([1.0, failed, 2.0])) == math.inf
