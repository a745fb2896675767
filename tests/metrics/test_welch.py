"""Differences between methods, held against those between seeds."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from alpha_bridge.metrics.welch import differences, smallest


def test_of_two_methods_it_is_the_test_of_scipy():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, 5), rng.normal(2, 3, 7)
    (found,) = differences({"one": one, "other": other})
    assert found.p == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue, rel=1e-9)
    assert found.value == pytest.approx(one.mean() - other.mean())


def test_the_more_methods_the_less_is_shown_of_two():
    a, b = [0.0, 1.0, 2.0], [3.6, 4.6, 5.6]
    (alone,) = differences({"a": a, "b": b})
    beside = differences({"a": a, "b": b, "c": a, "d": b})
    assert alone.shown and not any(of.shown for of in beside)


def test_no_p_is_below_that_of_a_larger_difference():
    values = {str(m): [m, m + 0.5, m - 0.4] for m in (0.0, 0.6, 3.0, 9.0)}
    found = sorted(differences(values), key=lambda of: -abs(of.value))
    assert [of.p for of in found] == sorted(of.p for of in found)


@pytest.mark.parametrize(("other", "shown"), [(3.0, False), (4.0, True)])
def test_methods_that_do_not_vary_differ_where_they_differ_at_all(other, shown):
    (found,) = differences({"a": [3.0] * 3, "b": [other] * 3})
    assert found.shown is shown


def test_one_seed_shows_nothing():
    assert differences({"a": [1.0], "b": [2.0], "c": [5.0, 5.0]}) == []


@pytest.mark.parametrize("margin", [0.99, 1.01])
def test_what_is_shown_begins_at_the_smallest_difference(margin):
    values = np.array([-1.0, 0.0, 1.0])  # of deviation 1
    (found,) = differences({"a": values, "b": values + margin * smallest(3, 2)})
    assert found.shown is (margin > 1)
