r"""Closed forms for finitely many outcomes, where a probability may be zero.

.. math::
    D_\alpha = \sum_i
    \frac{\alpha p_i + (1-\alpha) q_i - p_i^\alpha q_i^{1-\alpha}}{\alpha (1-\alpha)}
"""

import math

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, OneHotCategorical
from torch.nn.functional import logsigmoid

from .excess import excess_of_exp, log_ratio
from .logarithmic import log_overlap, logarithmic_form
from .registry import register_log_divergence


def log_of(x: Tensor) -> Tensor:
    """Logarithm whose gradient is zero, not undefined, where ``x`` is zero.

    Example:
        >>> log_of(torch.tensor([0.0, 1.0]))
        tensor([-inf, 0.])
    """
    zero = x == 0
    return x.masked_fill(zero, 1).log().masked_fill(zero, -torch.inf)


def _finite(p: Tensor, q: Tensor, log_p: Tensor, log_q: Tensor, alpha: float) -> Tensor:
    terms = excess_of_exp(log_p, log_q, log_ratio(p, q, log_p, log_q), alpha)
    return logarithmic_form(terms.sum(-1), log_overlap(log_p, log_q, alpha, -1), alpha)


def _log_probs(distribution: Categorical | OneHotCategorical) -> Tensor:
    """log p, which torch clamps if the distribution was made of probabilities."""
    probs, logits = distribution.probs, distribution.logits
    below_clamp = logits < 1.001 * math.log(torch.finfo(probs.dtype).eps)
    return torch.where(below_clamp, logits, log_of(probs))


@register_log_divergence(Categorical, Categorical)
@register_log_divergence(OneHotCategorical, OneHotCategorical)
def _categorical(
    p: Categorical | OneHotCategorical, q: Categorical | OneHotCategorical, alpha: float
) -> Tensor:
    if p.probs.shape[-1] != q.probs.shape[-1]:
        raise ValueError(
            f"p and q must have equally many categories, got {p.probs.shape[-1]} and "
            f"{q.probs.shape[-1]}"
        )
    return _finite(p.probs, q.probs, _log_probs(p), _log_probs(q), alpha)


def _both_outcomes(bernoulli: Bernoulli) -> tuple[Tensor, Tensor]:
    """Probabilities of 1 and 0, and their logarithms, which torch clamps if p was given."""
    probs, logits = bernoulli.probs, bernoulli.logits
    eps = torch.finfo(probs.dtype).eps
    clamped = (probs <= eps) | (probs >= 1 - eps)
    clamped &= logits.abs() < -1.001 * math.log(eps)
    success = torch.where(clamped, log_of(probs), logsigmoid(logits))
    failure = torch.where(clamped, log_of(1 - probs), logsigmoid(-logits))
    complement = torch.where(clamped | (probs < 0.75), 1 - probs, failure.exp())
    return torch.stack([probs, complement], -1), torch.stack([success, failure], -1)


@register_log_divergence(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli, alpha: float) -> Tensor:
    (p_both, log_p), (q_both, log_q) = _both_outcomes(p), _both_outcomes(q)
    return _finite(p_both, q_both, log_p, log_q, alpha)
