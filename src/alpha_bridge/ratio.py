r"""The log density ratio that a discriminator learns, and the weights made of it.

The logit of a logistic discriminator estimates
:math:`f(x) = \log q(x) - \log p_\theta(x)`, equation (6).
"""

import math

import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "discriminator_loss",
    "discriminator_slopes",
    "effective_sample_size",
    "forward_weight",
    "reverse_weight",
]


def discriminator_loss(f_data: Tensor, f_model: Tensor) -> Tensor:
    r"""Logistic loss of the discriminator, the negative of equation (4).

    .. math:: -\log \sigma(f(x)) - \log(1 - \sigma(f(x'))), \qquad x \sim q, \ x' \sim p_\theta

    Its minimiser is the log density ratio (6).

    Args:
        f_data: Logits of data samples, shape ``(*trials, batch)``.
        f_model: Logits of model samples, the same shape.

    Returns:
        The loss of each pair, in nats, shape ``(*trials, batch)``; 2 log 2 for f = 0.

    Example:
        >>> import torch
        >>> discriminator_loss(torch.zeros(1), torch.zeros(1))
        tensor([1.3863])

    Source:
        Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014.
    """
    return F.softplus(-f_data) + F.softplus(f_model)


def discriminator_slopes(f_data: Tensor, f_model: Tensor) -> tuple[Tensor, Tensor]:
    r"""Slopes of :func:`discriminator_loss` in both logits, :math:`-\sigma(-f(x))` and
    :math:`\sigma(f(x'))`.

    Example:
        >>> import torch
        >>> discriminator_slopes(torch.zeros(1), torch.zeros(1))
        (tensor([-0.5000]), tensor([0.5000]))
    """
    return -(-f_data).sigmoid(), f_model.sigmoid()


def forward_weight(f: Tensor, alpha: float, clip: float = math.inf) -> Tensor:
    r"""Weight of the forward twin, :math:`e^{-\alpha f} = (p_\theta / q)^\alpha` of (10).

    Args:
        f: The log density ratio at data samples, any shape.
        alpha: α in [0, 1].
        clip: The exponent is kept in [−clip, clip]. The paper has no such bound (infinity).

    Returns:
        The weights, positive, the shape of ``f``; no gradient flows through them.

    Example:
        >>> import torch
        >>> forward_weight(torch.tensor([2.0]), 0.5)
        tensor([0.3679])
    """
    return (-alpha * f.detach()).clamp(-clip, clip).exp()


def reverse_weight(f: Tensor, alpha: float, clip: float = math.inf) -> Tensor:
    r"""Weight of the reverse twin, :math:`e^{(1-\alpha) f} = (q / p_\theta)^{1-\alpha}` of (11).

    Of model samples; otherwise as :func:`forward_weight`.

    Example:
        >>> import torch
        >>> reverse_weight(torch.tensor([2.0]), 0.5)
        tensor([2.7183])
    """
    return forward_weight(-f, 1 - alpha, clip)


def effective_sample_size(weights: Tensor) -> Tensor:
    r"""Share of samples that the weights leave effective, :math:`(\sum w)^2 / (n \sum w^2)`.

    Args:
        weights: Non-negative weights, not all zero, shape ``(*trials, batch)``.

    Returns:
        A share in (0, 1] for each trial, shape ``(*trials,)``; 1 for equal weights.

    Example:
        >>> import torch
        >>> effective_sample_size(torch.tensor([1.0, 0.0]))
        tensor(0.5000)

    Source:
        Kong, A note on importance sampling using standardized weights, 1992.
    """
    shares = weights / weights.sum(-1, keepdim=True)
    return 1 / (weights.shape[-1] * shares.square().sum(-1))
