r"""What the forward halves of the marginal bridge follow, in closed form.

One network makes y of a code c, and its forward half trains log p(y|c) with codes that the other
network makes of y: θ makes data of encodings, φ latents of fakes. With :math:`p` the joint of the
network itself and :math:`q` that of the other one,

.. math::
    -\frac{1}{1-\alpha} E_{q(y) q(c|y)}[e^{-\alpha f(y)} \nabla \log p(y|c)]
    = \nabla D_\alpha[p(y) \| q(y)]
    + \frac{1}{1-\alpha} \nabla E_{r_\alpha(y)} KL[q(c|y) \| p(c|y)]

where :math:`r_\alpha = p^\alpha q^{1-\alpha}` is a constant of mass
:math:`1 - \alpha(1-\alpha) D_\alpha`: for :math:`\log p(y|c) = \log p(y) + \log p(c|y) - \log p(c)`
and the last term does not depend on the network. The excess is that of a bound, as the evidence
bound is one. At α = 0 the sum is :math:`KL[q(y,c) \| p(y,c)]`, what wake-sleep does; where the
other one's codes are those of the network's own posterior, the excess is at its minimum and has no
gradient.

The problem here has one dimension of each: :math:`x \sim N(m, s^2)`,
:math:`z|x \sim N(kx + l, e^v)`; :math:`z \sim N(0, 1)`, :math:`x|z \sim N(az + b, \sigma^2)`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from alpha_bridge.divergence import alpha_divergence

__all__ = ["ALPHAS", "Problem", "Share", "excess", "marginal", "shares"]

ALPHAS = (0.0, 0.3, 0.7, 0.9)

M, S, SIGMA = 0.5, 0.8, 0.6
"""The data's mean and deviation, and σ."""

GENERATOR, ENCODER = (0.5, 0.2), (0.6, -0.1, -0.7)
"""(a, b) and (k, l, v)."""


class Problem:
    """Both joints of x and z, as functions of the networks' parameters, in float64.

    Attributes:
        parameters: By network, those of :data:`GENERATOR` and :data:`ENCODER`.
    """

    def __init__(
        self, generator: Sequence[float] = GENERATOR, encoder: Sequence[float] = ENCODER
    ) -> None:
        """Take values of (a, b) and (k, l, v)."""
        self.parameters: Mapping[str, Tensor] = {
            network: torch.tensor(values, dtype=torch.float64, requires_grad=True)
            for network, values in (("generator", generator), ("encoder", encoder))
        }

    def made(self) -> MultivariateNormal:
        """The generator's :math:`p(z) p_\\theta(x|z)`, of (x, z)."""
        a, b = self.parameters["generator"]
        return _gaussian((b, 0 * b), (a**2 + SIGMA**2, a, 1 + 0 * a))

    def encoded(self) -> MultivariateNormal:
        """The encoder's :math:`q(x) q_\\phi(z|x)`, of (x, z)."""
        k, shift, v = self.parameters["encoder"]
        covariance = (S**2 + 0 * k, k * S**2, k**2 * S**2 + v.exp())
        return _gaussian((M + 0 * k, k * M + shift), covariance)

    def joints(self, network: str) -> tuple[MultivariateNormal, MultivariateNormal, int]:
        """A network's own joint, that of the other, and which of both variables it makes."""
        if network == "generator":
            return self.made(), self.encoded(), 0
        return self.encoded(), self.made(), 1

    def slope(self, value: Tensor, network: str) -> Tensor:
        """Gradient of ``value`` to the parameters of ``network``."""
        return torch.autograd.grad(value, self.parameters[network], retain_graph=True)[0]


def _gaussian(mean: Sequence[Tensor], covariance: Sequence[Tensor]) -> MultivariateNormal:
    of_x, of_both, of_z = covariance
    rows = torch.stack([torch.stack([of_x, of_both]), torch.stack([of_both, of_z])])
    return MultivariateNormal(torch.stack(list(mean)), rows)


def marginal(joint: MultivariateNormal, axis: int) -> Normal:
    """The law of one of both variables."""
    return Normal(joint.mean[axis], joint.covariance_matrix[axis, axis].sqrt())


def excess(own: MultivariateNormal, other: MultivariateNormal, axis: int, alpha: float) -> Tensor:
    r"""What the forward half follows beside the divergence, times 1 − α.

    .. math::
        E_{r_\alpha(y)} KL[q(c|y) \| p(c|y)], \qquad r_\alpha = p(y)^\alpha q(y)^{1-\alpha}

    Args:
        own: The network's joint p, of two variables.
        other: The joint q of the other network, which is a constant here.
        axis: Which variable y is.
        alpha: α in [0, 1).

    Returns:
        Nats, shape ``()``, with the graph to ``own`` but for its part in :math:`r_\alpha`.

    Example:
        >>> own, other, axis = Problem().joints("encoder")
        >>> excess(own, other, axis, 0.5) > 0
        tensor(True)
    """
    p, q = (
        Normal(law.loc.detach(), law.scale.detach())
        for law in (marginal(own, axis), marginal(other, axis))
    )
    mass = 1 - alpha * (1 - alpha) * alpha_divergence(p, q, alpha)
    precision = alpha / p.variance + (1 - alpha) / q.variance
    center = (alpha * p.mean / p.variance + (1 - alpha) * q.mean / q.variance) / precision
    shift, slope, variance = _conditional(own, axis)
    shift_of, slope_of, variance_of = (part.detach() for part in _conditional(other, axis))
    away = (shift - shift_of) + (slope - slope_of) * center
    squared = away**2 + (slope - slope_of) ** 2 / precision
    return mass * ((variance / variance_of).log() + (variance_of + squared) / variance - 1) / 2


def _conditional(joint: MultivariateNormal, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Shift, slope and variance of the other variable, given the one of ``axis``."""
    mean, covariance = joint.mean, joint.covariance_matrix
    slope = covariance[0, 1] / covariance[axis, axis]
    variance = covariance[1 - axis, 1 - axis] - slope * covariance[0, 1]
    return mean[1 - axis] - slope * mean[axis], slope, variance


class Share(NamedTuple):
    """How far a forward half is from the divergence that its reverse half follows.

    Attributes:
        network: The generator or the encoder.
        alpha: α.
        excess: The norm of the excess's gradient, as a share of that of the divergence's.
        cosine: Of the forward half and the divergence's gradient.
    """

    network: str
    alpha: float
    excess: float
    cosine: float


def shares(problem: Problem, alphas: Sequence[float] = ALPHAS) -> list[Share]:
    """The excess of both networks along α.

    Args:
        problem: Where they stand.
        alphas: Each in [0, 1).

    Example:
        >>> [share.network for share in shares(Problem(), [0.3])]
        ['generator', 'encoder']
    """
    found = []
    for network in problem.parameters:
        for alpha in alphas:
            own, other, axis = problem.joints(network)
            divergence = alpha_divergence(marginal(own, axis), marginal(other, axis), alpha)
            followed = problem.slope(divergence, network)
            beside = problem.slope(excess(own, other, axis, alpha), network) / (1 - alpha)
            cosine = torch.cosine_similarity(followed, followed + beside, dim=0)
            found.append(
                Share(network, alpha, float(beside.norm() / followed.norm()), float(cosine))
            )
    return found
