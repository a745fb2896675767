"""The α-divergence of any two distributions on the integers."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from ..checks import between_zero_and_one
from .density import (
    batch_shape,
    device_of,
    interior,
    log_density,
    names,
    require,
    result_dtype,
    support_bounds,
)
from .excess import excess_of_exp
from .logarithmic import log_overlap, log_sum

FEWEST_TERMS, MOST_TERMS = 256, 2**22


def alpha_divergence_sum(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    r"""α-divergence (8) of two distributions on the integers, by summation.

    .. math::
        D_\alpha = \sum_k \frac{\alpha p_k + (1-\alpha) q_k - p_k^\alpha q_k^{1-\alpha}}
        {\alpha (1-\alpha)}

    The supports are integers bounded from below; an infinite one is summed until its terms, and
    both probabilities, have died away.

    Returns:
        The divergence with gradients to all parameters, the broadcast batch shape.

    Raises:
        ValueError: ``alpha`` is outside [0, 1], the supports are not such integers, or four
            million terms are not enough.

    Example:
        >>> from torch.distributions import Geometric
        >>> alpha_divergence_sum(Geometric(0.5), Geometric(0.25), 1.0)
        tensor(0.2877)
    """
    between_zero_and_one("alpha", alpha)
    return add_up(p, q, alpha)[0]


def add_up(p: Distribution, q: Distribution, alpha: float) -> tuple[Tensor, Tensor]:
    """The divergence, and the logarithm of the overlap."""
    require("a sum needs two distributions on the integers", True, p, q)
    bounds = [*support_bounds(p), *support_bounds(q)]
    first = min(bound.amin().item() for bound in bounds[::2])
    end = 1 + max(bound.amax().item() for bound in bounds[1::2])
    if first == -math.inf:
        raise ValueError(f"the support must be bounded from below, got {names(p, q)}")
    totals, overlaps = torch.zeros((), device=device_of(p)), []
    start, size = first, FEWEST_TERMS
    while start < end:
        if start >= first + MOST_TERMS:
            raise ValueError(
                f"{MOST_TERMS} terms are not enough for {names(p, q)}: use "
                "alpha_divergence_monte_carlo, or register_alpha_divergence"
            )
        block, overlap = _block(p, q, alpha, start, min(start + size, end))
        totals = totals + block
        overlaps.append(overlap)
        if bool(((block <= 1e-16 * totals) | totals.isinf()).all() & (totals[1:] > 0.5).all()):
            break
        start, size = start + size, 2 * size
    dtype = result_dtype(p, q)
    return totals[0].to(dtype), log_sum(torch.stack(overlaps), 0).to(dtype)


def _block(
    p: Distribution, q: Distribution, alpha: float, start: float, end: float
) -> tuple[Tensor, Tensor]:
    """Part of the divergence and of both masses, shape ``(3, *batch)``, and of the overlap."""
    ndim, device = len(batch_shape(p, q)), device_of(p)
    k = torch.arange(start, end, dtype=torch.float64, device=device).reshape(-1, *[1] * ndim)
    everywhere = torch.ones((), dtype=torch.bool, device=device)
    log_p = log_density(p, k, everywhere, interior(p))
    log_q = log_density(q, k, everywhere, interior(q))
    log_p, log_q = torch.broadcast_tensors(log_p, log_q)
    terms = excess_of_exp(log_p, log_q, log_p - log_q, alpha)
    block = torch.stack([terms, log_p.exp(), log_q.exp()]).sum(1)
    return block, log_overlap(log_p, log_q, alpha, 0)
