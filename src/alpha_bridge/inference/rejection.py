r"""Rejection by the ratio: of several draws of the model, those are kept that data could be.

A draw is kept with the probability :math:`\min(1, c\,r(x))`, :math:`r = q / p_\theta`, with the c
for which one of B draws is kept on average. Of all ways to keep so many, this one leaves the least
f-divergence between what is kept and the data, for every f; with a budget B of the largest ratio or
more, what is kept follows the data exactly.

Source:
    Azadi et al., Discriminator Rejection Sampling, ICLR 2019; Verine et al., Optimal Budgeted
    Rejection Sampling for Generative Models, AISTATS 2024.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .importance import require_finite

__all__ = ["acceptance", "log_constant"]

Array = NDArray[np.float64]


def log_constant(f: Array, budget: float) -> float:
    """log c for which a share 1/B of the model's draws is kept.

    Args:
        f: Log ratios at draws of the model, shape ``(N,)``.
        budget: B, draws for each that is kept, 1 or more.

    Returns:
        The c of these draws, exact: they are sorted, and the k largest are always kept.

    Raises:
        ValueError: A log ratio is not finite, or the budget is below 1 or above N.

    Example:
        >>> f = np.log([1.0, 3.0])
        >>> acceptance(f, log_constant(f, budget=2)).round(9).tolist()
        [0.25, 0.75]
    """
    f = np.sort(require_finite(f))[::-1]
    if not 1 <= budget <= len(f):
        raise ValueError(f"the budget must lie between 1 and the {len(f)} draws, got {budget:g}")
    kept = len(f) / budget
    always = np.arange(int(np.ceil(kept)))
    rest = np.logaddexp.accumulate(f[::-1])[::-1][always]
    log_c = np.log(kept - always) - rest
    # the first k for which the next ratio is not cut any more
    return float(log_c[(log_c + f[always] <= 1e-12).argmax()])


def acceptance(f: Array, log_c: float) -> Array:
    """Probability min(1, c·r) with which each draw is kept, shape ``(N,)``."""
    return np.exp(np.minimum(0.0, log_c + f))
