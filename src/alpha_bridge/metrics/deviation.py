"""A number of several trials."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .definition import with_deviation


def spread(trials: ArrayLike) -> NDArray[np.float64]:
    r"""Sample standard deviation over trials, the last axis: 0 of one, ∞ where one has failed.

    .. math:: s = \sqrt{\tfrac{1}{n-1} \sum_k (x_k - \bar x)^2}

    Args:
        trials: A number of each trial, ``(..., n)``; None or NaN where it has failed.

    Example:
        >>> float(spread([1.0, 3.0])), float(spread([1.0]))
        (1.4142135623730951, 0.0)
    """
    found = np.asarray(trials, float)
    if found.shape[-1] < 2:
        return np.zeros(found.shape[:-1])
    deviation: NDArray[np.float64] = found.std(-1, ddof=1)
    return np.where(np.isnan(deviation), np.inf, deviation)


def summary(trials: Sequence[float]) -> str:
    """The mean of one or more trials, and of several the deviation over them.

    Example:
        >>> summary([1.0, 3.0]), summary([1.0])
        ('2 ± 1.4', '1')
    """
    return with_deviation(fmean(trials), float(spread(trials)) if len(trials) > 1 else None)
