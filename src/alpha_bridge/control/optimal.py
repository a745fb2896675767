r"""γ* and κ* in closed form, from second moments."""

from torch import Tensor

from ..checks import between_zero_and_one
from .moments import Moments

__all__ = ["optimal_gamma", "optimal_kappa"]


def optimal_gamma(moments: Moments, alpha: float) -> Tensor:
    r"""Weight of the reverse twin that makes the variance least, one for each entry.

    .. math:: \gamma^* = \frac{V_F - C}{(V_F - C) + (V_R - C)}

    It is 1 at α = 1, but need not be 0 at 0, nor lie within [0, 1]: outside, (12) is unbiased as
    well. A twin whose variance is infinite gets no weight.

    Example:
        >>> import torch
        >>> from alpha_bridge.control import gaussian_moments
        >>> moments = gaussian_moments(torch.tensor([3.0]), torch.tensor([1.0]), 0.5)
        >>> optimal_gamma(moments.total(), 0.5)
        tensor(0.0851)

    Source:
        Lemieux, Control Variates, Wiley StatsRef 2017.
    """
    forward, reverse = excess(moments, alpha)
    return gamma_of(forward, reverse, alpha)


def optimal_kappa(moments: Moments, alpha: float) -> Tensor:
    r"""Factor of the forward twin that goes with γ*, :math:`\kappa^* = (1-\gamma^*)/(1-\alpha)`.

    .. math::
        \kappa^* = \frac{(1-\alpha) E[g_R^2] - E[h g_R]}
        {E[h^2] + (1-\alpha)^2 E[g_R^2] - 2 (1-\alpha) E[h g_R]}

    At α = 1, where h has expectation zero, it is the coefficient of h as a control variate of the
    reverse twin: zero if their samples are independent.
    """
    forward, reverse = excess(moments, alpha)
    return kappa_of(forward, reverse, alpha)


def excess(moments: Moments, alpha: float) -> tuple[Tensor, Tensor]:
    r"""Excess of each variance over the covariance: (1 − α)² (V_F − C) and (1 − α) (V_R − C)."""
    beta = 1 - between_zero_and_one("alpha", alpha)
    forward = moments.forward - beta * moments.cross
    return forward, beta * moments.reverse - moments.cross


def gamma_of(forward: Tensor, reverse: Tensor, alpha: float) -> Tensor:
    """γ* of the two that :func:`excess` gives."""
    return 1 / (1 + (1 - alpha) * (reverse / forward))


def kappa_of(forward: Tensor, reverse: Tensor, alpha: float) -> Tensor:
    """κ* of the two that :func:`excess` gives."""
    return 1 / ((1 - alpha) + forward / reverse)
