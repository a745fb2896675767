r"""The deformed logarithm, and by it the α-divergence from its logarithmic form and back.

.. math::
    R_\alpha = -\frac{\log \sum p^\alpha q^{1-\alpha}}{\alpha (1-\alpha)}, \qquad
    D_\alpha = -\ln_{\alpha(1-\alpha)} e^{-R_\alpha}
"""

import torch
from torch import Tensor


def tsallis_log(log_r: Tensor, a: float) -> Tensor:
    r"""Tsallis logarithm of a ratio that is given by its logarithm.

    .. math:: \ln_a r = \frac{r^a - 1}{a}, \qquad \ln_0 r = \log r

    Its gradient with respect to ``log_r`` is :math:`r^a`, exact for every ``a``, zero included.

    Args:
        log_r: The logarithm of the ratio, any shape.
        a: The order, any real number; 0 gives the natural logarithm.

    Returns:
        A tensor of the shape of ``log_r``.

    Example:
        >>> tsallis_log(torch.tensor(2.0), 0.0)
        tensor(2.)

    Source:
        Tsallis, What are the numbers that experiments provide?, Química Nova 1994.
    """
    return torch.expm1(a * log_r) / a if a else log_r


def from_logarithmic(divergence: Tensor, alpha: float) -> Tensor:
    r"""α-divergence from its logarithmic form, :math:`D_\alpha = -\ln_{\alpha(1-\alpha)} e^{-R}`.

    Example:
        >>> from_logarithmic(torch.tensor([1.0, torch.inf]), 0.5)
        tensor([0.8848, 4.0000])
    """
    disjoint = divergence == torch.inf
    value = -tsallis_log(-divergence.masked_fill(disjoint, 0), alpha * (1 - alpha))
    return torch.where(disjoint, _largest(alpha), value)


def to_logarithmic(divergence: Tensor, alpha: float) -> Tensor:
    r"""Inverse of :func:`from_logarithmic`.

    Example:
        >>> to_logarithmic(torch.tensor([0.8848, 4.0]), 0.5)
        tensor([1.0000,    inf])
    """
    curvature = alpha * (1 - alpha)
    if not curvature:
        return divergence
    disjoint = divergence >= _largest(alpha)
    value = -torch.log1p(-curvature * divergence.masked_fill(disjoint, 0)) / curvature
    return value.masked_fill(disjoint, torch.inf)


def _largest(alpha: float) -> float:
    """α-divergence of densities that nowhere overlap."""
    return 1 / (alpha * (1 - alpha)) if 0 < alpha < 1 else torch.inf


def logarithmic_form(divergence: Tensor, log_overlap: Tensor, alpha: float) -> Tensor:
    r"""Logarithmic form, from the divergence near 0 and elsewhere from the overlap."""
    curvature = alpha * (1 - alpha)
    if curvature <= 0:
        return to_logarithmic(divergence, alpha)
    near = curvature * divergence < 0.5
    near_value = to_logarithmic(divergence.masked_fill(~near, 0), alpha)
    return torch.where(near, near_value, -log_overlap / curvature)


def log_overlap(log_p: Tensor, log_q: Tensor, alpha: float, dim: int) -> Tensor:
    r""":math:`\log \sum_i p_i^\alpha q_i^{1-\alpha}` over ``dim``, for α inside (0, 1)."""
    unshared = (log_p == -torch.inf) | (log_q == -torch.inf)
    log_p, log_q = log_p.masked_fill(unshared, 0), log_q.masked_fill(unshared, 0)
    exponent = alpha * log_p + (1 - alpha) * log_q
    return log_sum(exponent.masked_fill(unshared, -torch.inf), dim)


def log_sum(x: Tensor, dim: int) -> Tensor:
    """``logsumexp`` whose gradient is zero, not undefined, where every term is −∞."""
    empty = (x == -torch.inf).all(dim, keepdim=True)
    return x.masked_fill(empty, 0).logsumexp(dim).masked_fill(empty.squeeze(dim), -torch.inf)
