r"""Importance weights of the model's samples towards the data, and how far they can be relied on.

With :math:`f = \log q - \log p_\theta` at samples of :math:`p_\theta`, the self-normalised weights
:math:`w_i = e^{f_i} / \sum_j e^{f_j}` turn means over the model into means over the data. Where few
weights carry all, the mean is theirs alone: the largest are replaced by quantiles of a generalised
Pareto distribution fitted to them, whose shape k̂ says whether that can work.

Source:
    Vehtari, Simpson, Gelman, Yao and Gabry, Pareto Smoothed Importance Sampling, JMLR 2024.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_SHAPE", "SmoothedWeights", "pareto_shape", "resampled", "smoothed_weights"]

Array = NDArray[np.float64]

LARGEST_SHAPE = 0.7
"""k̂ above which weighted means cannot be relied on."""
LEAST_TAIL = 5
"""Weights that a tail needs for a fit."""
FEWEST_WEIGHTS = 5 * LEAST_TAIL
"""A fifth of all are the tail, at most."""


ROUNDED = 1e-6
"""Of a weight, by which another one of the same sample may differ."""


class SmoothedWeights(NamedTuple):
    """Weights of samples.

    Attributes:
        weights: With sum 1, shape ``(N,)``.
        shape: k̂ of their tail; −∞ where the largest are equal, so that there is no tail.
        effective: Share of the samples that they leave effective, in (0, 1].
    """

    weights: Array
    shape: float
    effective: float

    def require_reliable(self) -> SmoothedWeights:
        """The same weights; ``ValueError`` where k̂ is above .7."""
        if self.shape > LARGEST_SHAPE:
            raise ValueError(
                f"the weights cannot be relied on: their tail has k̂ = {self.shape:.2f}, above "
                f"{LARGEST_SHAPE}, so that a few samples decide all ({self.effective:.1%} "
                "effective); draw by --reject, or train the model closer to the data"
            )
        return self


def smoothed_weights(f: Array) -> SmoothedWeights:
    """Self-normalised, Pareto-smoothed weights.

    Args:
        f: Log ratios at samples of the model, finite, shape ``(N,)`` with N at least 25.

    Raises:
        ValueError: A log ratio is not finite, or there are too few.

    Example:
        >>> found = smoothed_weights(np.zeros(100))
        >>> float(found.weights[0]), found.effective, found.shape
        (0.01, 1.0, -inf)
    """
    f = require_finite(f)
    if len(f) < FEWEST_WEIGHTS:
        raise ValueError(f"weights need at least {FEWEST_WEIGHTS} samples for k̂, got {len(f)}")
    weights = np.exp(f - f.max())  # at most 1, for any f
    tail = int(np.ceil(min(len(f) / 5, 3 * np.sqrt(len(f)))))
    order = np.argsort(weights, kind="stable")
    largest, cut = order[-tail:], weights[order[-tail - 1]]
    # equal ones, rounded otherwise, are no tail: one that begins with noughts has any k̂
    largest = largest[weights[largest] > cut * (1 + ROUNDED)]
    shape = -np.inf
    if len(largest) >= LEAST_TAIL:
        shape, scale = pareto_shape(weights[largest] - cut)
        ranks = (np.arange(len(largest)) + 0.5) / len(largest)
        # none above the largest that was seen
        weights[largest] = np.minimum(cut + _quantiles(ranks, shape, scale), 1.0)
    weights /= weights.sum()
    return SmoothedWeights(weights, float(shape), float(1 / (len(f) * np.square(weights).sum())))


def pareto_shape(excess: Array) -> tuple[float, float]:
    """Shape k̂ and scale of a generalised Pareto distribution, by the posterior mean of both.

    A weak prior moves k̂ of few samples towards ½, as if there were ten more.

    Args:
        excess: What samples exceed a threshold by, none below 0, increasing, shape ``(M,)``.

    Source:
        Zhang and Stephens, A New and Efficient Estimation Method for the Generalized Pareto
        Distribution, Technometrics 2009; the prior is that of Vehtari et al., appendix G.
    """
    x = np.maximum(excess, np.finfo(np.float64).tiny)
    count = len(x)
    points = 30 + int(np.sqrt(count))
    spread = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    b = 1 / x[-1] + spread / (3 * x[int(count / 4 + 0.5) - 1])
    k = np.log1p(-b[:, None] * x).mean(1)
    likelihood = count * (np.log(-b / k) - k - 1)
    chances = np.exp(likelihood - likelihood.max())
    b_mean = float((b * chances).sum() / chances.sum())
    shape = float(np.log1p(-b_mean * x).mean())
    return (count * shape + 5) / (count + 10), -shape / b_mean


def _quantiles(ranks: Array, shape: float, scale: float) -> Array:
    if abs(shape) < 1e-12:
        return -scale * np.log1p(-ranks)
    return scale * np.expm1(-shape * np.log1p(-ranks)) / shape


def resampled(weights: Array, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of ``count`` samples drawn by their weights with replacement.

    That is sampling–importance–resampling: they follow the data as far as the weights are right
    and the samples many.

    Source:
        Rubin, Using the SIR Algorithm to Simulate Posterior Distributions, 1988.
    """
    return rng.choice(len(weights), count, p=weights)


def require_finite(f: Array) -> Array:
    """Return log ratios, as float64, if all are finite."""
    f = np.asarray(f, np.float64)
    if not np.isfinite(f).all():
        at = tuple(np.argwhere(~np.isfinite(f))[0].tolist())
        raise ValueError(
            f"the log ratio of sample {at[0]} is {f[at]}: its weight overflows; leave the sample "
            "out, or use a checkpoint before training diverged"
        )
    return f
