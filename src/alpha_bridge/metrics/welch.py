"""Which differences between methods are larger than those between their seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .deviation import spread

LEVEL = 0.05
"""Of false findings among all pairs of methods, in one metric."""


class Difference(NamedTuple):
    """Two methods in one metric.

    Attributes:
        first: The name of one.
        second: The name of the other.
        value: The mean of the first, less that of the second.
        p: Of Welch's test, after Holm's correction for all pairs.
    """

    first: str
    second: str
    value: float
    p: float

    @property
    def shown(self) -> bool:
        """Whether it is larger than seeds explain."""
        return self.p < LEVEL


def differences(values: Mapping[str, Sequence[float]]) -> list[Difference]:
    r"""Welch's t-test of all pairs of methods, with Holm's correction for their number.

    .. math:: t = \frac{\bar x - \bar y}{\sqrt{s_x^2/n_x + s_y^2/n_y}}

    The values of a method are taken as draws from a Gaussian with a mean and a deviation of its
    own. Where neither of two varies, any difference is larger than the seeds'.

    Args:
        values: By method, the metric of each seed. Methods with fewer than two say nothing of
            their seeds, and are left out.

    Example:
        >>> found = differences({"a": [1.0, 1.1, 0.9], "b": [5.0, 5.2, 4.9], "c": [4.8, 5.1, 5.3]})
        >>> [(of.first, of.second) for of in found if of.shown]
        [('a', 'b'), ('a', 'c')]

    References:
        B. L. Welch, "The generalization of Student's problem when several different population
        variances are involved", 1947. S. Holm, "A simple sequentially rejective multiple test
        procedure", 1979.
    """
    known = [name for name, found in values.items() if len(found) > 1]
    pairs = [*combinations(known, 2)]
    adjusted = _holm([_welch(values[one], values[other]) for one, other in pairs])
    return [
        Difference(one, other, float(np.mean(values[one]) - np.mean(values[other])), p)
        for (one, other), p in zip(pairs, adjusted, strict=True)
    ]


def smallest(trials: int, methods: int) -> float:
    """The smallest difference that is shown, in deviations over seeds that all methods share.

    Args:
        trials: Seeds of each method, two or more.
        methods: Two or more.

    Example:
        >>> [round(smallest(trials, 4), 1) for trials in (2, 3, 5, 10)]
        [10.9, 4.0, 2.2, 1.3]
    """
    from scipy.stats import t

    pairs = methods * (methods - 1) // 2
    return float(t.ppf(1 - LEVEL / (2 * pairs), 2 * (trials - 1)) * np.sqrt(2 / trials))


def _welch(one: Sequence[float], other: Sequence[float]) -> float:
    if not (np.ptp(one) or np.ptp(other)):
        return float(np.mean(one) == np.mean(other))
    from scipy.stats import ttest_ind_from_stats  # which does not warn of a method that is constant

    sides = (number for of in (one, other) for number in (np.mean(of), spread(of), len(of)))
    return float(ttest_ind_from_stats(*sides, equal_var=False).pvalue)


def _holm(ps: Sequence[float]) -> list[float]:
    """Values of p, each held against as many pairs as have none that is smaller."""
    order, adjusted, largest = np.argsort(ps), [1.0] * len(ps), 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = largest
    return adjusted
