r"""Whether two sets of samples come from one distribution: a p-value, and who tells them apart.

A classifier is fitted to a half of both sets. On the other halves, which it never saw, the
difference of its mean chances is compared with what it would be if the samples of these halves
changed sides at random. If both sets come from one distribution, each such exchange is as probable
as what was found, so that the p-value is uniform, for every classifier and every size.

Source:
    Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017; Kim et al.,
    Classification Accuracy as a Proxy for Two-Sample Testing, Annals of Statistics 2021.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import at_least

__all__ = ["TwoSampleTest", "permutation_test"]

Array = NDArray[np.float64]

FEWEST = 20
"""Samples of a set, of which a half is left for the test."""


@dataclass(frozen=True)
class TwoSampleTest:
    """What a classifier makes of two sets.

    Attributes:
        p_value: Uniform if both come from one distribution.
        accuracy: Share of right answers in the halves that were tested, with as much weight for
            each set; ½ where they are alike.
        first: The chance that each sample of the first set is of the second, by a classifier that
            was not fitted to it.
        second: Likewise of the second set.
    """

    p_value: float
    accuracy: float
    first: Array
    second: Array


def permutation_test(
    first: NDArray[Any],
    second: NDArray[Any],
    classifier: Any,  # noqa: ANN401
    permutations: int = 999,
    seed: int = 0,
) -> TwoSampleTest:
    """Test two sets by a classifier.

    Args:
        first: Features, shape ``(N, D)`` with N at least 20.
        second: Of the other set, ``(M, D)``, likewise.
        classifier: Of scikit-learn, with ``predict_proba``; cloned for each half.
        permutations: How often samples change sides, one or more: the p-value is a multiple of
            1/(permutations + 1).
        seed: Of halves and permutations.

    Raises:
        ValueError: The shapes do not fit, or there are too few samples.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> rng = np.random.default_rng(0)
        >>> one, other = rng.normal(size=(100, 2)), rng.normal(3, 1, size=(80, 2))
        >>> permutation_test(one, other, LogisticRegression(), permutations=99).p_value
        0.01
    """
    for name, of in (("first", first), ("second", second)):
        at_least(FEWEST, f"the number of samples of the {name} set", len(of))
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"samples of two sets must have one shape, got {first.shape[1:]} and "
            f"{second.shape[1:]}: give samples that are alike"
        )
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(of)) for of in (first, second)]
    fitted, tested = (
        tuple(order[: len(order) // 2] if half else order[len(order) // 2 :] for order in orders)
        for half in (True, False)
    )
    chances = [np.empty(len(of)) for of in (first, second)]
    for fit_on, ask in ((fitted, tested), (tested, fitted)):
        model = _fitted(classifier, first[fit_on[0]], second[fit_on[1]])
        for of, at, chance in zip((first, second), ask, chances, strict=True):
            chance[at] = model.predict_proba(of[at])[:, 1]
    new = [chance[at] for chance, at in zip(chances, tested, strict=True)]
    right = ((new[0] < 0.5).mean() + (new[1] > 0.5).mean()) / 2 + sum(
        (of == 0.5).mean() / 4 for of in new
    )
    return TwoSampleTest(
        _p_value(new[0], new[1], permutations, rng), float(right), chances[0], chances[1]
    )


def _fitted(classifier: Any, first: NDArray[Any], second: NDArray[Any]) -> Any:  # noqa: ANN401
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    sides = np.repeat([0, 1], [len(first), len(second)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # any classifier will do
        return clone(classifier).fit(np.concatenate([first, second]), sides)


def _p_value(first: Array, second: Array, permutations: int, rng: np.random.Generator) -> float:
    """Share of exchanges, and what was found itself, whose difference of means is as large."""
    at_least(1, "the number of permutations", permutations)
    pooled, count = np.concatenate([first, second]), len(second)
    # with the sum of all, that of one side decides the difference
    exchanged = rng.permuted(np.tile(pooled, (permutations, 1)), axis=1)
    sums = exchanged[:, :count].sum(1)
    as_large = (sums >= second.sum() - 1e-12 * np.abs(pooled).sum()).sum()
    return float((1 + as_large) / (1 + permutations))
