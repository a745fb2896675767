"""Second moments of the twins: measured from a pool of samples, or exact."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import between_zero_and_one, positive

__all__ = ["Moments", "gaussian_moments", "pooled_moments"]


@dataclass(frozen=True)
class Moments:
    r"""Second moments of the twins, for each parameter or for each group of them.

    Attributes:
        forward: :math:`E[h^2]`, with h the forward twin times 1 − α, shape ``(parameters,)``.
        reverse: :math:`E[g_R^2]`, the same shape.
        cross: :math:`E[h g_R]`, the same shape.

    Example:
        >>> from alpha_bridge.control import optimal_gamma
        >>> moments = Moments(torch.tensor([1.0, 3.0]), torch.ones(2), torch.zeros(2))
        >>> optimal_gamma(moments, 0.0)
        tensor([0.5000, 0.7500])
        >>> optimal_gamma(moments.total(), 0.0)
        tensor(0.6667)
    """

    forward: Tensor
    reverse: Tensor
    cross: Tensor

    def total(self) -> "Moments":
        """The moments of all parameters taken together, for one γ."""
        return Moments(self.forward.sum(), self.reverse.sum(), self.cross.sum())

    def groups(self, sizes: Sequence[int]) -> "Moments":
        """The moments of consecutive groups of parameters, for one γ each."""

        def sums(moment: Tensor) -> Tensor:
            return torch.stack([group.sum() for group in moment.split(list(sizes))])

        return Moments(sums(self.forward), sums(self.reverse), sums(self.cross))

    def to(self, like: Tensor) -> "Moments":
        """These moments on the device of another tensor, and of its dtype."""
        return Moments(self.forward.to(like), self.reverse.to(like), self.cross.to(like))

    def towards(self, other: "Moments", share: float) -> "Moments":
        """These moments, moved by ``share`` of the way to others of the same shape."""
        return Moments(
            self.forward.lerp(other.forward, share),
            self.reverse.lerp(other.reverse, share),
            self.cross.lerp(other.cross, share),
        )

    def variance(self, alpha: float, gamma: float | Tensor) -> Tensor:
        r"""Variance of the combination (12) of one pair of independent samples.

        The cross moment is then the square of the gradient times 1 − α, which is taken away.

        Args:
            alpha: α in [0, 1).
            gamma: One γ, or as many as there are entries.

        Raises:
            ValueError: ``alpha`` is outside [0, 1).
        """
        beta = 1 - between_zero_and_one("alpha", alpha)
        if not beta:
            raise ValueError(f"the forward twin needs alpha below 1, got {alpha}")
        squared_gradient = self.cross / beta
        forward = self.forward / beta**2 - squared_gradient
        reverse = self.reverse - squared_gradient
        return (1 - gamma) ** 2 * forward + gamma**2 * reverse


def pooled_moments(forward: Tensor, reverse: Tensor, f: Tensor) -> Moments:
    r"""Moments from data and model samples together, each twin measured on both.

    The forward twin's second moment is made where the model is large and data are rare, the
    reverse twin's where data are large and the model seldom goes. As one sample of
    :math:`(p + q)/2`, with weights :math:`q / (p + q) = \sigma(f)` and
    :math:`p / (p + q) = \sigma(-f)`, both kinds of samples see both places:

    .. math::
        E_q[h^2] = E_{x \sim q}[\sigma(f) h^2] + E_{x \sim p}[\sigma(f) h^2], \qquad
        E_p[g^2] = E_{x \sim q}[\sigma(-f) g^2] + E_{x \sim p}[\sigma(-f) g^2]

    Args:
        forward: Gradients h of the forward twin times 1 − α, at data samples, then at as many
            model samples, shape ``(2, count, parameters)``.
        reverse: Gradients of the reverse twin at the same samples, the same shape.
        f: The log density ratio there, shape ``(2, count)``.

    Example:
        >>> ones = torch.ones(2, 5, 1)
        >>> pooled_moments(ones, ones, torch.zeros(2, 5)).reverse
        tensor([1.])

    Source:
        Veach and Guibas, Optimally Combining Sampling Techniques for Monte Carlo Rendering,
        SIGGRAPH 1995 (the balance heuristic).
    """
    of_data, of_model = f.sigmoid()[..., None], (-f).sigmoid()[..., None]
    return Moments(
        (of_data * forward.square()).sum(0).mean(0),
        (of_model * reverse.square()).sum(0).mean(0),
        forward[0].mean(0) * reverse[1].mean(0),
    )


def gaussian_moments(mean: Tensor, scale: Tensor, alpha: float) -> Moments:
    r"""Exact moments of the independent twins of N(μ, diag σ²) against data N(0, I).

    Every one is an integral of :math:`p^a q^{1-a}`, a Gaussian again, times a polynomial of degree
    four, which three Gauss-Hermite nodes integrate exactly. At μ = 3 or 1 and σ = 1 this is the
    problem of Figure 2.

    Args:
        mean: μ, shape ``(dimensions,)``.
        scale: σ, positive, the same shape.
        alpha: α in [0, 1].

    Returns:
        The moments of :math:`\mu_1, \dots, \mu_d, \sigma_1, \dots, \sigma_d`; infinite for the
            twin whose variance is: the forward one for wide models
            (:math:`2\alpha (1 - \sigma^{-2}) \ge 1` in any dimension), the reverse one for narrow
            ones (:math:`2 (1-\alpha) (\sigma^{-2} - 1) \ge \sigma^{-2}`).

    Raises:
        ValueError: ``alpha`` is outside [0, 1], or a σ is not positive.

    Example:
        >>> moments = gaussian_moments(torch.tensor([3.0]), torch.tensor([1.0]), 0.5)
        >>> moments.variance(0.5, 0.0)  # of the forward twin, for μ and for σ
        tensor([3.0514, 5.8657])

    Source:
        Zhao et al., AAAI 2020, Figure 2.
    """
    between_zero_and_one("alpha", alpha)
    positive("scale", float(scale.min()))
    mean, scale = torch.atleast_1d(mean), torch.atleast_1d(scale)

    def score(x: Tensor) -> Tensor:
        z = (x - mean) / scale
        return torch.stack([z, z**2 - 1]) / scale

    def path(x: Tensor) -> Tensor:
        z = (x - mean) / scale
        slope = z / scale - x  # of f
        return torch.stack([slope, slope * z])

    def integral(power: float, polynomial: Callable[[Tensor], Tensor]) -> Tensor:
        mass, at, weight = _tilted(mean, scale, power)
        return (mass * (weight * polynomial(at)).sum(1)).flatten()

    return Moments(
        integral(2 * alpha, lambda x: score(x) ** 2),
        integral(2 * alpha - 1, lambda x: path(x) ** 2),
        integral(alpha, score) * integral(alpha, path),
    )


def _tilted(mean: Tensor, scale: Tensor, power: float) -> tuple[Tensor, Tensor, Tensor]:
    r"""Mass of :math:`p^a q^{1-a}`, and the nodes and weights of its marginals.

    Returns:
        The mass, shape (); nodes, shape ``(3, dimensions)``; weights, shape ``(3, 1)``.
    """
    nodes = mean.new_tensor([-math.sqrt(3), 0, math.sqrt(3)])[:, None]
    weights = mean.new_tensor([1 / 6, 2 / 3, 1 / 6])[:, None]
    precision = power / scale**2 + (1 - power)
    if (precision <= 0).any():
        return mean.new_tensor(math.inf), mean + nodes, weights
    center = power * mean / scale**2 / precision
    exponent = power * (mean / scale) ** 2 - precision * center**2
    log_mass = -power * scale.log() - (precision.log() + exponent) / 2
    return log_mass.sum().exp(), center + nodes / precision.sqrt(), weights
