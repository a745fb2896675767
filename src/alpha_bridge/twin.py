r"""The twin gradients of the α-divergence, as losses of each sample.

With :math:`f = \log q - \log p_\theta` the gradient of :math:`D_\alpha[p_\theta \| q]` is an
expectation over the data (10) or over the model (11). Each function below returns one number
for each sample whose mean has that gradient; ``f`` may carry a graph or not.
"""

import math

from torch import Tensor

from .checks import between_zero_and_one
from .divergence import tsallis_log
from .gamma import Gamma
from .ratio import forward_weight, reverse_weight

__all__ = ["bridge", "bridge_slopes", "forward", "reverse"]


def forward(log_p: Tensor, f: Tensor, alpha: float, clip: float = math.inf) -> Tensor:
    r"""Forward twin, equation (10), from data samples :math:`x \sim q`.

    .. math:: -\frac{e^{-\alpha f(x)}}{1-\alpha} \log p_\theta(x)

    Args:
        log_p: :math:`\log p_\theta(x)` or a bound on it, in nats, shape ``(*trials, batch)``.
        f: The log density ratio at the same samples, the same shape; used as a constant.
        alpha: α in [0, 1).
        clip: Bound on the exponent :math:`|\alpha f|`; the paper has none (infinity).

    Returns:
        The surrogate of each sample, shape ``(*trials, batch)``.

    Raises:
        ValueError: ``alpha`` is outside [0, 1); at 1 only the combination (12) is finite.

    Example:
        >>> import torch
        >>> forward(torch.tensor([-1.0]), torch.tensor([0.0]), 0.5)
        tensor([2.])
    """
    between_zero_and_one("alpha", alpha)
    if alpha == 1:
        raise ValueError(f"the forward twin needs alpha below 1, got {alpha}: use bridge instead")
    return -forward_weight(f, alpha, clip) * log_p / (1 - alpha)


def reverse(f: Tensor, alpha: float, clip: float = math.inf) -> Tensor:
    r"""Reverse twin, equation (11), from model samples :math:`x = G_\theta(z)`.

    .. math:: -\ln_{1-\alpha} e^{f(x)} = -\frac{e^{(1-\alpha) f(x)} - 1}{1-\alpha}

    The Tsallis logarithm has x-gradient :math:`e^{(1-\alpha) f} \nabla_x f`, so no gradient has
    to be stopped; at α = 1 it is the reverse-KL GAN's −f. Beyond the bound ``clip`` it goes on
    along its tangent, so that its gradient is the one with the clipped weight.

    Args:
        f: The log density ratio at model samples, with its graph, shape ``(*trials, batch)``.
        alpha: α in [0, 1].
        clip: Bound on the exponent :math:`|(1-\alpha) f|`; the paper has none (infinity).

    Returns:
        The surrogate of each sample, shape ``(*trials, batch)``.

    Raises:
        ValueError: ``alpha`` is outside [0, 1].

    Example:
        >>> import torch
        >>> reverse(torch.tensor([2.0]), 1.0)
        tensor([-2.])
    """
    order = 1 - between_zero_and_one("alpha", alpha)
    bound = clip / order if order else math.inf
    if bound == math.inf:
        return -tsallis_log(f, order)
    within = f.clamp(-bound, bound)
    return -tsallis_log(within, order) - reverse_weight(within, alpha) * (f - within)


def bridge(
    log_p: Tensor,
    f_data: Tensor,
    f_model: Tensor,
    alpha: float,
    gamma: Gamma,
    clip: float = math.inf,
) -> Tensor:
    r"""Combination of the twins, equation (12), unbiased for every γ.

    .. math::
        -\kappa_\alpha e^{-\alpha f(x)} \log p_\theta(x) - \gamma_\alpha \ln_{1-\alpha} e^{f(x')},
        \qquad x \sim q, \ x' \sim p_\theta,
        \quad \kappa_\alpha = \frac{1-\gamma_\alpha}{1-\alpha}

    It is finite for every α: at 0 it is maximum likelihood; at 1 the forward half keeps the
    weight :math:`\gamma'(1)` and, with an exact ratio, has expectation zero.

    Args:
        log_p: :math:`\log p_\theta(x)` at data samples, in nats, shape ``(*trials, batch)``.
        f_data: The log density ratio at the same samples; used as a constant.
        f_model: The log density ratio at model samples, with its graph.
        alpha: α in [0, 1].
        gamma: The choice of γ.
        clip: Bound on both exponents; the paper has none (infinity).

    Returns:
        The surrogate of each pair of samples, shape ``(*trials, batch)``.

    Raises:
        ValueError: ``alpha`` is outside [0, 1].

    Example:
        >>> import torch
        >>> from alpha_bridge.gamma import LinearGamma
        >>> zero = torch.zeros(1)
        >>> bridge(torch.tensor([-1.0]), zero, zero, 0.5, LinearGamma())
        tensor([1.])
    """
    likelihood = gamma.kappa(alpha) * forward_weight(f_data, alpha, clip) * log_p
    return gamma(alpha) * reverse(f_model, alpha, clip) - likelihood


def bridge_slopes(
    f_data: Tensor, f_model: Tensor, alpha: float, gamma: Gamma, clip: float = math.inf
) -> tuple[Tensor, Tensor]:
    r"""Slopes of :func:`bridge`, the weights of equations (15) and (16) with their shares.

    .. math:: -\kappa_\alpha e^{-\alpha f(x)}, \qquad -\gamma_\alpha e^{(1-\alpha) f(x')}

    Args:
        f_data: The log density ratio at data samples, shape ``(*trials, batch)``.
        f_model: That at model samples, the same shape.
        alpha: α in [0, 1].
        gamma: The choice of γ.
        clip: Bound on both exponents; the paper has none (infinity).

    Returns:
        The slope in ``log_p`` and that in ``f_model``, each ``(*trials, batch)``.

    Example:
        >>> import torch
        >>> from alpha_bridge.gamma import LinearGamma
        >>> zero = torch.zeros(1)
        >>> bridge_slopes(zero, zero, 0.5, LinearGamma())
        (tensor([-1.]), tensor([-0.5000]))
    """
    likelihood = gamma.kappa(alpha) * forward_weight(f_data, alpha, clip)
    return -likelihood, -gamma(alpha) * reverse_weight(f_model, alpha, clip)
