r"""Divergences that are the α-divergence by another name.

All follow from :math:`R_\alpha = -\log \int p^\alpha q^{1-\alpha} / (\alpha(1-\alpha))`, for any
two distributions that :func:`alpha_divergence` serves, and have their broadcast batch shape. The
two χ² lie outside [0, 1], at α = 2 and −1, where the integral, and they, may be infinite.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution

from ..checks import positive
from .logarithmic import from_logarithmic
from .registry import alpha_divergence, log_divergence


def renyi_divergence(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    r"""Rényi divergence of order α, positive and finite; order 1 is KL(p‖q).

    .. math:: \frac{1}{\alpha - 1} \log \int p^\alpha q^{1-\alpha} = \alpha R_\alpha[p \| q]

    Returns:
        Nats, non-negative, increasing in the order; the broadcast batch shape. Above order 1 it
            may be infinite.

    Example:
        >>> from torch.distributions import Normal
        >>> renyi_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0), 2.0)
        tensor(1.)

    Source:
        van Erven and Harremoës, Rényi Divergence and Kullback-Leibler Divergence, IEEE
        Transactions on Information Theory 2014.
    """
    return alpha * log_divergence(p, q, positive("alpha", alpha))


def hellinger_distance(p: Distribution, q: Distribution) -> Tensor:
    r"""Hellinger distance.

    .. math:: \sqrt{1 - \int \sqrt{p q}} = \tfrac12 \sqrt{D_{1/2}[p \| q]}

    Returns:
        A metric, between 0 and 1; the broadcast batch shape. Its gradient is zero at p = q, where
            it has a cusp.

    Example:
        >>> from torch.distributions import Bernoulli
        >>> hellinger_distance(Bernoulli(0.0), Bernoulli(1.0))
        tensor(1.)
    """
    divergence = alpha_divergence(p, q, 0.5)
    apart = divergence > 0
    return torch.where(apart, divergence.masked_fill(~apart, 1).sqrt() / 2, 0)


def bhattacharyya_distance(p: Distribution, q: Distribution) -> Tensor:
    r"""Bhattacharyya distance.

    .. math:: -\log \int \sqrt{p q} = \tfrac14 R_{1/2}[p \| q]

    Returns:
        Nats, non-negative, infinite where nothing overlaps; the broadcast batch shape.

    Example:
        >>> from torch.distributions import Normal
        >>> bhattacharyya_distance(Normal(2.0, 1.0), Normal(0.0, 1.0))
        tensor(0.5000)

    Source:
        Bhattacharyya, On a measure of divergence between two statistical populations, 1943.
    """
    return log_divergence(p, q, 0.5) / 4


def pearson_chi_squared(p: Distribution, q: Distribution) -> Tensor:
    r"""Pearson's χ² of p from q, at α = 2.

    .. math:: \int \frac{(p - q)^2}{q} = \int \frac{p^2}{q} - 1 = 2 D_2[p \| q] = e^{2 R_2} - 1

    Returns:
        Non-negative, infinite where the integral is; the broadcast batch shape.

    Example:
        >>> from torch.distributions import Normal
        >>> pearson_chi_squared(Normal(0.0, 2.0), Normal(0.0, 1.0))
        tensor(inf)
    """
    return 2 * from_logarithmic(log_divergence(p, q, 2.0), 2.0)


def neyman_chi_squared(p: Distribution, q: Distribution) -> Tensor:
    r"""Neyman's χ² of p from q, at α = −1: Pearson's with p and q exchanged.

    .. math:: \int \frac{(p - q)^2}{p} = \int \frac{q^2}{p} - 1 = 2 D_{-1}[p \| q]

    Returns:
        Non-negative, infinite where the integral is; the broadcast batch shape.

    Example:
        >>> from torch.distributions import Bernoulli
        >>> neyman_chi_squared(Bernoulli(0.5), Bernoulli(1.0))
        tensor(1.)
    """
    return pearson_chi_squared(q, p)
