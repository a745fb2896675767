"""Closed forms that rest on others: independent dimensions, and one bijection of both."""

from typing import TypeAlias

from torch import Tensor
from torch.distributions import Distribution, Independent, Transform, TransformedDistribution

from .registry import log_divergence, numerical_divergence, register_log_divergence

AnyIndependent: TypeAlias = "Independent[Distribution]"


@register_log_divergence(Independent, Independent)
def _independent(p: AnyIndependent, q: AnyIndependent, alpha: float) -> Tensor:
    shared = min(p.reinterpreted_batch_ndims, q.reinterpreted_batch_ndims)
    value = log_divergence(_peel(p, shared), _peel(q, shared), alpha)
    return value.flatten(-shared).sum(-1) if shared else value


def _peel(distribution: AnyIndependent, ndims: int) -> Distribution:
    left = distribution.reinterpreted_batch_ndims - ndims
    base: Distribution = distribution.base_dist
    return Independent(base, left) if left else base


@register_log_divergence(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution, alpha: float) -> Tensor:
    """A bijection changes no divergence."""
    if len(p.transforms) == len(q.transforms) and all(map(_same, p.transforms, q.transforms)):
        return log_divergence(p.base_dist, q.base_dist, alpha)
    return numerical_divergence(p, q, alpha)


def _same(s: Transform, t: Transform) -> bool:
    """Whether both are one bijection now and after any update of their parameters."""
    return bool(s.bijective) and (s is t or (s == t and not _learns(s) and not _learns(t)))


def _learns(transform: Transform) -> bool:
    values = vars(transform).values()
    return any(isinstance(value, Tensor) and value.requires_grad for value in values)
