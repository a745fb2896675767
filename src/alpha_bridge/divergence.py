r"""The α-divergence, its two Kullback-Leibler ends, and its closed form for Gaussians.

Everything here rests on one deformation of the logarithm,
:math:`\ln_a r = (r^a - 1) / a`, which is :math:`\log r` at :math:`a = 0`: in terms of
:math:`f = \log q - \log p`, equation (8) reads
:math:`D_\alpha = -E_q[\ln_\alpha e^{-f}] / (1-\alpha)`.
"""

import torch
from torch import Tensor
from torch.distributions import Normal

from .checks import between_zero_and_one

__all__ = ["alpha_divergence", "tsallis_log"]


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


def alpha_divergence(p: Normal, q: Normal, alpha: float) -> Tensor:
    r"""α-divergence of two univariate Gaussians in closed form, equation (8).

    .. math::
        D_\alpha[p \| q] = \frac{1 - \int p^\alpha q^{1-\alpha}}{\alpha (1-\alpha)},
        \qquad D_0 = KL[q \| p], \quad D_1 = KL[p \| q]

    It is finite, with finite gradients, for every α in [0, 1]: no digits are lost near the ends.

    Args:
        p: The model, any batch shape.
        q: The data, a batch shape that broadcasts with that of ``p``.
        alpha: α in [0, 1].

    Returns:
        The divergence, non-negative up to rounding, in nats at both ends; the broadcast batch
            shape.

    Raises:
        ValueError: ``alpha`` is outside [0, 1].

    Example:
        >>> alpha_divergence(Normal(3.0, 1.0), Normal(0.0, 1.0), 0.0)
        tensor(4.5000)

    Source:
        Cichocki and Amari, Families of Alpha- Beta- and Gamma-Divergences, Entropy 2010.
    """
    between_zero_and_one("alpha", alpha)
    if alpha > 0.5:  # D_α[p‖q] = D_{1−α}[q‖p]; the form below is exact near α = 0
        p, q, alpha = q, p, 1 - alpha
    variance_gap = (q.variance - p.variance) / p.variance
    mixed_variance = p.variance * (1 + alpha * variance_gap)
    log_determinant = torch.log1p(alpha * variance_gap) / alpha if alpha else variance_gap
    log_affinity_by_alpha = (
        q.stddev.log()
        - p.stddev.log()
        - log_determinant / 2
        - (1 - alpha) * (p.mean - q.mean) ** 2 / (2 * mixed_variance)
    )
    return -tsallis_log(log_affinity_by_alpha, alpha) / (1 - alpha)
