r"""Whether a log density ratio agrees with the counts, and maps that make it agree.

Of as many samples of the data as of the model, a share :math:`\sigma(f)` of those whose log ratio
is :math:`f = \log q - \log p_\theta` is of the data. The share that is found, over the one that is
expected, is the reliability curve; a map fitted to labelled samples brings the one to the other.
Each function takes log ratios in nats, ``(N,)``, of samples of the data and of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FEWEST",
    "Isotonic",
    "LastLayer",
    "Reliability",
    "Temperature",
    "calibration_error",
    "log_score",
    "reliability",
    "replicas",
]

Array = NDArray[np.float64]

FEWEST = 1000
"""Samples of each side from which a map of many numbers is fitted."""
STEPS = 50
"""Of Newton's method, at most; it takes about six."""
TINY = 1e-12
"""Deviation below which a feature is the same for all."""


class Reliability(NamedTuple):
    """Shares of the data, bin by bin of the log ratio.

    Attributes:
        expected: Mean of σ(f) in each bin.
        found: Share of its samples that are of the data.
        counts: Samples in it.
    """

    expected: list[float]
    found: list[float]
    counts: list[int]


def log_score(f_data: Array, f_model: Array) -> float:
    r"""Half the discriminator's loss (4), the proper score of what σ(f) forecasts.

    .. math:: -\tfrac12 E_q \log \sigma(f(x)) - \tfrac12 E_p \log(1 - \sigma(f(x')))

    Returns:
        Nats, the less the better; log 2 for f = 0, and least for the true log ratio.

    Example:
        >>> round(log_score(np.zeros(3), np.zeros(5)), 4)
        0.6931

    Source:
        Gneiting and Raftery, Strictly Proper Scoring Rules, JASA 2007.
    """
    return float(np.logaddexp(0, -f_data).mean() + np.logaddexp(0, f_model).mean()) / 2


def reliability(f_data: Array, f_model: Array, bins: int = 10) -> Reliability:
    """Expected and found shares of the data in bins with as many samples each, equal ratios in one.

    Args:
        f_data: Of the data.
        f_model: Of as many samples of the model.
        bins: At most.

    Example:
        >>> reliability(np.array([0.0, 9.0]), np.array([0.0, -9.0]), bins=1).found
        [0.5]
    """
    f, of_data = _labelled(f_data, f_model)
    edges = np.quantile(f, np.linspace(0, 1, bins + 1)[1:-1], method="lower")
    places = np.searchsorted(edges, f)
    chosen = [places == place for place in np.unique(places)]
    return Reliability(
        [float(_share(f[at]).mean()) for at in chosen],
        [float(of_data[at].mean()) for at in chosen],
        [int(at.sum()) for at in chosen],
    )


def calibration_error(curve: Reliability) -> float:
    """Expected calibration error: mean distance of expected and found shares over all samples.

    Example:
        >>> calibration_error(Reliability([0.5, 0.9], [0.5, 0.7], [10, 10]))
        0.1

    Source:
        Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
        Binning, AAAI 2015.
    """
    distance = np.abs(np.subtract(curve.expected, curve.found))
    return round(float(np.average(distance, weights=curve.counts)), 12)


@dataclass(frozen=True)
class Temperature:
    """The map :math:`f \\mapsto af + b`, a logistic regression of the side on f.

    a < 1 tempers a discriminator that is too sure, and b moves what it takes for even. Unlike a
    temperature alone it undoes a bias as well, at the cost of one number.

    Attributes:
        slope: a.
        offset: b, in nats.

    Example:
        >>> Temperature(0.5, 1.0)(np.array([2.0]))
        array([2.])

    Source:
        Platt, Probabilistic Outputs for Support Vector Machines, 1999; Guo et al., On Calibration
        of Modern Neural Networks, ICML 2017.
    """

    slope: float
    offset: float

    @classmethod
    def fitted(cls, f_data: Array, f_model: Array) -> Temperature:
        """The one of the least log score on as many samples of each side."""
        scale = max(float(np.concatenate([f_data, f_model]).std()), TINY)
        slope, offset = _regression(*_labelled(f_data[:, None] / scale, f_model[:, None] / scale))
        return cls(float(slope) / scale, float(offset))

    def __call__(self, f: Array) -> Array:
        return self.slope * f + self.offset


@dataclass(frozen=True)
class LastLayer:
    """A last layer of the discriminator fitted anew: :math:`f = w \\cdot \\phi(x) + b`.

    φ are the numbers that the discriminator's own last layer sees, and its logit. Unlike a map of
    the logit alone it can change the order of samples, and so undo more than a wrong scale: where
    the regulariser held the discriminator back, or the generator moved faster than it followed.

    Attributes:
        weights: w.
        offset: b, in nats.
    """

    weights: tuple[float, ...]
    offset: float

    @classmethod
    def fitted(cls, data: Array, model: Array) -> LastLayer:
        """The one of the least log score and a small ridge, on φ of as many samples of each side,
        ``(N, K)``."""
        x, of_data = _labelled(data, model)
        mean, scale = x.mean(0), np.maximum(x.std(0), TINY)
        *weights, offset = _regression((x - mean) / scale, of_data)
        found = np.array(weights) / scale
        return cls(tuple(found.tolist()), float(offset - found @ mean))

    def __call__(self, x: Array) -> Array:
        found: Array = x @ np.array(self.weights) + self.offset
        return found


@dataclass(frozen=True)
class Isotonic:
    """The monotone map of the least squared error, linear in the log odds between its steps.

    Beyond the outermost steps it is constant: it says no more than the counts did.

    Attributes:
        f: Log ratios before, increasing.
        values: After.

    Source:
        Zadrozny and Elkan, Transforming Classifier Scores into Accurate Multiclass Probability
        Estimates, KDD 2002; Niculescu-Mizil and Caruana, Predicting Good Probabilities with
        Supervised Learning, ICML 2005, for the count it needs.
    """

    f: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def fitted(cls, f_data: Array, f_model: Array) -> Isotonic:
        """That of as many samples of each side; ``ValueError`` for fewer than a thousand."""
        from sklearn.isotonic import IsotonicRegression

        if min(len(f_data), len(f_model)) < FEWEST:
            raise ValueError(
                f"a monotone map is fitted to {FEWEST} samples of each side or more, got "
                f"{min(len(f_data), len(f_model))}: give more data, or use the temperature"
            )
        x, of_data = _labelled(f_data, f_model)
        # as sure as counts can make it, and never more
        least = 1 / (len(f_data) + 2)
        found = IsotonicRegression(y_min=least, y_max=1 - least).fit(x, of_data)
        share = found.y_thresholds_.astype(np.float64)
        knots = found.X_thresholds_.astype(np.float64)
        return cls(tuple(knots.tolist()), tuple((np.log(share) - np.log1p(-share)).tolist()))

    def __call__(self, f: Array) -> Array:
        return np.interp(f, self.f, self.values)


def replicas(
    fit: Callable[[Array, Array], Any], f_data: Array, f_model: Array, count: int, seed: int
) -> list[Callable[[Array], Array]]:
    """Maps fitted to samples that are drawn from the given ones with replacement, the bootstrap.

    Args:
        fit: What fits a map, such as ``Temperature.fitted``.
        f_data: Of the data.
        f_model: Of the model.
        count: Number of maps.
        seed: Of the draws.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993.
    """
    rng = np.random.default_rng(seed)
    return [fit(*(f[rng.choice(len(f), len(f))] for f in (f_data, f_model))) for _ in range(count)]


def _labelled(of_data: Array, of_model: Array) -> tuple[Array, NDArray[np.bool_]]:
    both = np.concatenate([of_data, of_model])
    return both, np.arange(len(both)) < len(of_data)


def _regression(x: Array, of_data: NDArray[np.bool_]) -> Array:
    """Weights and offset of a logistic regression on standardised features, ``(K + 1,)``.

    By Newton's method, which a bootstrap calls often. A ridge of 1 on the weights keeps them finite
    where the sides are separable.
    """
    x = np.concatenate([x, np.ones((len(x), 1))], 1)
    ridge = np.append(np.ones(x.shape[1] - 1), 0.0)
    found = np.zeros(x.shape[1])
    for _ in range(STEPS):
        share = _share(x @ found)
        gradient = x.T @ (share - of_data) + ridge * found
        step = np.linalg.solve((x.T * (share * (1 - share))) @ x + np.diag(ridge), gradient)
        found -= step
        if np.abs(step).max() < 1e-6:
            break
    return found


def _share(f: Array) -> Array:
    """σ(f), for any f."""
    return np.exp(-np.logaddexp(0, -f))
