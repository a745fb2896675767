"""The deformed logarithm that the α-divergence and its twin gradients share."""

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
