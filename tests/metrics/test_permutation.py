"""The permutation test: uniform where the sets are alike, small where they are not."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.naive_bayes import GaussianNB

from alpha_bridge.metrics.permutation import permutation_test


class Means(BaseEstimator):
    """Logistic in the direction from one mean to the other: the cheapest classifier."""

    def fit(self, x, y):
        self.direction_ = x[y == 1].mean(0) - x[y == 0].mean(0)
        return self

    def predict_proba(self, x):
        chance = 1 / (1 + np.exp(-x @ self.direction_))
        return np.stack([1 - chance, chance], 1)


def test_p_values_of_sets_that_are_alike_are_uniform():
    rng = np.random.default_rng(0)
    found = [
        permutation_test(*rng.normal(size=(2, 40, 2)), Means(), 99, seed).p_value
        for seed in range(200)
    ]
    assert stats.kstest(found, "uniform").pvalue > 0.05


def test_of_sets_that_differ_the_p_value_is_small_and_the_samples_are_named():
    """Two of ten points of the second set lie where the first has none."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(400, 2)), rng.normal(size=(300, 2))
    second[:60] += 6
    found = permutation_test(first, second, GaussianNB(), 199)
    assert found.p_value == 1 / 200 and found.accuracy == pytest.approx(0.6, abs=0.05)
    assert set(np.argsort(-found.second)[:60]) == set(range(60))
    assert found.first.shape == (400,)


def test_the_same_seed_gives_the_same_p_value():
    sets = np.random.default_rng(0).normal(size=(2, 50, 2))
    one, again = (permutation_test(*sets, GaussianNB(), 99).p_value for _ in range(2))
    assert one == again


@pytest.mark.parametrize(
    ("shapes", "says"),
    [(((19, 2), (30, 2)), "first set must be at least 20"), (((30, 2), (30, 3)), "one shape")],
)
def test_sets_that_cannot_be_compared_are_refused(shapes, says):
    with pytest.raises(ValueError, match=says):
        permutation_test(*map(np.zeros, shapes), GaussianNB())
