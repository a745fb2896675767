r"""Other estimates of a log density ratio from samples of both sides: baselines.

uLSIF fits :math:`r = \sum_k a_k K(x, c_k)` by least squares, in closed form; RuLSIF the relative
ratio :math:`q / (b q + (1 - b) p)`, which is bounded. Width and ridge are chosen by the criterion
on a fifth that is left out, as the packages of that name do. The logistic regression is that of the
side on features.

Source:
    Kanamori, Hido and Sugiyama, A Least-squares Approach to Direct Importance Estimation, JMLR
    2009; Yamada et al., Relative Density-Ratio Estimation, NeurIPS 2011.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["Estimate", "least_squares", "logistic"]

Array = NDArray[np.float64]
Estimate = Callable[[Array], Array]
"""From points ``(N, D)`` to log ratios ``(N,)``."""

CENTRES = 200
WIDTHS = (0.25, 0.5, 1.0, 2.0)
"""Of the kernel, in median distances of the centres."""
RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
LEAST = 1e-6
"""A ratio is no smaller: its logarithm is asked for."""


def logistic(q: Array, p: Array) -> Estimate:
    """Logistic regression of the side on features.

    Args:
        q: Features of the data, ``(N, D)``.
        p: Of as many samples of the model.
    """
    sides = np.arange(len(q) + len(p)) < len(q)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    fitted = model.fit(np.concatenate([q, p]), sides)
    return lambda x: np.asarray(fitted.decision_function(x), np.float64)


def least_squares(q: Array, p: Array, relative: float = 0.0, seed: int = 0) -> Estimate:
    """uLSIF, or RuLSIF for a positive b.

    Args:
        q: Samples of the data, ``(N, D)``.
        p: As many of the model.
        relative: b in [0, 1).
        seed: Of the centres, which are samples of the data.
    """
    rng = np.random.default_rng(seed)
    centres = q[rng.choice(len(q), min(CENTRES, len(q)), replace=False)]
    squares = ((centres[:, None] - centres[None]) ** 2).sum(-1)
    median = float(np.median(np.sqrt(squares[squares > 0])))
    held = len(q) // 5
    tried = []
    for width in WIDTHS:
        kernel = _kernel(centres, width * median)
        fitted, left = (
            _moments(kernel(q[at]), kernel(p[at]), relative)
            for at in (slice(held, None), slice(held))
        )
        for ridge in RIDGES:
            weights = _weights(fitted, ridge)
            tried.append((weights @ left[0] @ weights / 2 - left[1] @ weights, width, ridge))
    _, width, ridge = min(tried)
    kernel = _kernel(centres, width * median)
    weights = _weights(_moments(kernel(q), kernel(p), relative), ridge)

    def log_ratio(x: Array) -> Array:
        found = np.maximum(kernel(x) @ weights, LEAST)
        if relative:  # from q/(bq + (1 − b)p), which is below 1/b
            found = np.minimum(found, (1 - LEAST) / relative)
            found = (1 - relative) * found / (1 - relative * found)
        return np.log(found)

    return log_ratio


def _kernel(centres: Array, width: float) -> Estimate:
    return lambda x: np.asarray(rbf_kernel(x, centres, 1 / (2 * width**2)), np.float64)


def _moments(of_q: Array, of_p: Array, relative: float) -> tuple[Array, Array]:
    second = (1 - relative) * of_p.T @ of_p / len(of_p) + relative * of_q.T @ of_q / len(of_q)
    return second, of_q.mean(0)


def _weights(moments: tuple[Array, Array], ridge: float) -> Array:
    second, first = moments
    found = np.linalg.solve(second + ridge * np.eye(len(second)), first)
    return np.asarray(np.maximum(found, 0), np.float64)
