r"""The γ that makes the variance of the combined gradient (12) least. Ours: the paper leaves open
how γ should be chosen (footnote 1).

Both twins have the same expectation, so their difference is a control variate of either one:
:math:`(1-\gamma) g_F + \gamma g_R = g_F - \gamma (g_F - g_R)` is least variable, in the sum over
the parameters, at the regression coefficient of :math:`g_F` on that difference,

.. math::
    \gamma^* = \frac{V_F - C}{V_F + V_R - 2C}
    = \frac{E\|g_F\|^2 - E\langle g_F, g_R \rangle}{E\|g_F - g_R\|^2},

with V and C the traces of the covariances. The second form has no means in it, because they
cancel: raw second moments are all it takes. Samples of the data and of the model are independent
as a rule; then C = 0, and γ* lies between 0 and 1 and weighs each twin by the precision of the
other. If they share their noise γ* may lie outside, and is unbiased there too.

The forward twin carries 1/(1−α). Everything below speaks of :math:`h = (1-\alpha) g_F =
-e^{-\alpha f} \nabla \log p_\theta`, which is finite for every α, and so is
:math:`\kappa^* = (1-\gamma^*)/(1-\alpha)`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .checks import at_least, between_zero_and_one, positive
from .gamma import Gamma, SigmoidGamma

__all__ = [
    "Moments",
    "OnlineGamma",
    "gaussian_moments",
    "optimal_gamma",
    "optimal_kappa",
    "paired_moments",
    "pooled_moments",
]


@dataclass(frozen=True)
class Moments:
    r"""Second moments of the twins, for each parameter or for each group of them.

    Attributes:
        forward: :math:`E[h^2]`, with h the forward twin times 1 − α, shape ``(parameters,)``.
        reverse: :math:`E[g_R^2]`, the same shape.
        cross: :math:`E[h g_R]`, the same shape.

    Example:
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
        """The moments of consecutive groups of parameters, for one γ each.

        Args:
            sizes: Number of parameters in each group; they add up to all.
        """

        def sums(moment: Tensor) -> Tensor:
            return torch.stack([group.sum() for group in moment.split(list(sizes))])

        return Moments(sums(self.forward), sums(self.reverse), sums(self.cross))

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

        Returns:
            The variances, the shape of the moments.

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


def optimal_gamma(moments: Moments, alpha: float) -> Tensor:
    r"""Weight of the reverse twin that makes the variance least, one for each entry.

    .. math:: \gamma^* = \frac{V_F - C}{(V_F - C) + (V_R - C)}

    It is not held within [0, 1]: outside, (12) is unbiased as well. A twin whose variance is
    infinite gets no weight.

    Args:
        moments: Of each parameter, each group, or :meth:`Moments.total`.
        alpha: α in [0, 1]; γ* is 1 at 1, but need not be 0 at 0.

    Returns:
        γ*, the shape of the moments.

    Raises:
        ValueError: ``alpha`` is outside [0, 1].

    Example:
        >>> moments = gaussian_moments(torch.tensor([3.0]), torch.tensor([1.0]), 0.5)
        >>> optimal_gamma(moments.total(), 0.5)
        tensor(0.0851)

    Source:
        Lemieux, Control Variates, Wiley StatsRef 2017.
    """
    forward, reverse = _excess(moments, alpha)
    return _gamma(forward, reverse, alpha)


def optimal_kappa(moments: Moments, alpha: float) -> Tensor:
    r"""Factor of the forward twin that goes with γ*, :math:`\kappa^* = (1-\gamma^*)/(1-\alpha)`.

    .. math::
        \kappa^* = \frac{(1-\alpha) E[g_R^2] - E[h g_R]}
        {E[h^2] + (1-\alpha)^2 E[g_R^2] - 2 (1-\alpha) E[h g_R]}

    At α = 1, where h has expectation zero, it is the coefficient of h as a control variate of the
    reverse twin: zero if their samples are independent.

    Args:
        moments: Of each parameter, each group, or :meth:`Moments.total`.
        alpha: α in [0, 1].

    Returns:
        κ*, the shape of the moments.

    Raises:
        ValueError: ``alpha`` is outside [0, 1].

    Example:
        >>> moments = gaussian_moments(torch.tensor([1.0]), torch.tensor([1.0]), 1.0)
        >>> bool(optimal_kappa(moments.total(), 1.0).abs() < 1e-6)
        True
    """
    forward, reverse = _excess(moments, alpha)
    return _kappa(forward, reverse, alpha)


def _excess(moments: Moments, alpha: float) -> tuple[Tensor, Tensor]:
    """(1 − α)² (V_F − C) and (1 − α) (V_R − C)."""
    beta = 1 - between_zero_and_one("alpha", alpha)
    forward = moments.forward - beta * moments.cross
    return forward, beta * moments.reverse - moments.cross


def _gamma(forward: Tensor, reverse: Tensor, alpha: float) -> Tensor:
    return 1 / (1 + (1 - alpha) * (reverse / forward))


def _kappa(forward: Tensor, reverse: Tensor, alpha: float) -> Tensor:
    return 1 / ((1 - alpha) + forward / reverse)


def paired_moments(forward: Tensor, reverse: Tensor) -> Moments:
    r"""Moments from pairs of gradients, of single samples or of batches.

    Unbiased, whatever the two of a pair share. Gradients of batches give the same γ, since the
    variances of both twins fall alike with the size of the batch. But the twin that rare samples
    dominate looks better than it is until one of them arrives: prefer :func:`pooled_moments`
    where its arguments are to be had.

    Args:
        forward: Gradients h of the forward twin times 1 − α, shape ``(count, parameters)``.
        reverse: Gradients of the reverse twin, the same shape.

    Returns:
        The moments of each parameter.

    Example:
        >>> paired_moments(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [1.0]])).forward
        tensor([5.])
    """
    return Moments(forward.square().mean(0), reverse.square().mean(0), (forward * reverse).mean(0))


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

    Returns:
        The moments of each parameter, for data and model samples that are independent.

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


class OnlineGamma(Gamma):
    r"""γ* from moments that are measured while training.

    Every ``every`` updates the moments enter an exponential average, and γ follows it, some
    1/(1 − ``decay``) measurements behind: α should move little within them. It is held in [0, 1],
    since an estimate outside is mostly noise; until the first measurement it is ``start``.

    At both ends it is what Algorithm 1 says: γ is 0 at α = 0, where the optimum need not be, so
    that step I is maximum likelihood and asks no discriminator; and 1 at α = 1, where the optimum
    is 1 as well and κ stays finite.

    Attributes:
        every: Updates between measurements.
        decay: Share of the average that a measurement leaves in place, in [0, 1).
        start: γ before the first measurement.
        moments: The average, or None before the first measurement.

    Example:
        >>> gamma = OnlineGamma(every=2)
        >>> one = torch.ones(1)
        >>> for step in range(4):
        ...     gamma.observe(step, lambda: Moments(one, one, 0 * one))
        >>> gamma(0.0), gamma(0.5), gamma(1.0)
        (0.0, 0.800000011920929, 1.0)
    """

    def __init__(self, every: int = 10, decay: float = 0.9, start: Gamma | None = None) -> None:
        """Begin without a measurement.

        Args:
            every: Updates between measurements, one or more.
            decay: Share of the average that a measurement leaves in place, in [0, 1).
            start: γ before the first measurement, by default :class:`SigmoidGamma`.

        Raises:
            ValueError: ``every`` or ``decay`` is out of its range.
        """
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in [0, 1), got {decay}")
        self.every, self.decay = at_least(1, "every", every), decay
        self.start = start or SigmoidGamma()
        self.moments: Moments | None = None
        self._measurements = 0

    def observe(self, step: int, measure: Callable[[], Moments]) -> None:
        """Take a measurement into the average, if one is due.

        One that is not finite is passed over: it would decide for good.

        Args:
            step: Updates done.
            measure: Gives the moments, those of :func:`pooled_moments` or
                :func:`paired_moments`, of each parameter or each group; called if one is due.
        """
        if step % self.every:
            return
        new = measure()
        if not torch.stack([new.forward, new.reverse, new.cross]).isfinite().all():
            return
        self._measurements += 1
        share = (1 - self.decay) / (1 - self.decay**self._measurements)
        self.moments = (self.moments or new).towards(new, share)

    def memory(self) -> dict[str, Tensor]:
        """The average and the number of measurements in it, by name."""
        if self.moments is None:
            return {}
        count = torch.tensor(self._measurements)
        return {"gamma/measurements": count} | {
            f"gamma/{name}": moment for name, moment in vars(self.moments).items()
        }

    def recall(self, memory: Mapping[str, Tensor]) -> None:
        """Go on from an average that :meth:`memory` gave."""
        if "gamma/measurements" in memory:
            self._measurements = int(memory["gamma/measurements"])
            self.moments = Moments(
                *(memory[f"gamma/{name}"] for name in ("forward", "reverse", "cross"))
            )

    def each(self, alpha: float) -> Tensor:
        """One γ for each entry of the moments: each parameter, or each group.

        Args:
            alpha: α in [0, 1].

        Returns:
            Values in [0, 1], the shape of the moments; of shape () before the first measurement.

        Raises:
            ValueError: ``alpha`` is outside [0, 1].
        """
        between_zero_and_one("alpha", alpha)
        if self.moments is None or alpha == 0:
            shape = () if self.moments is None else self.moments.forward.shape
            return torch.full(shape, self.start(alpha))
        forward, reverse = (gap.clamp(min=0) for gap in _excess(self.moments, alpha))
        return _gamma(forward, reverse, alpha).nan_to_num(self.start(alpha))

    def value(self, alpha: float) -> float:
        held = self._held(alpha)
        return float(_gamma(*held, alpha)) if held else self.start(alpha)

    def slope_to_one(self, beta: float) -> float:
        held = self._held(1 - beta)
        return float(_kappa(*held, 1 - beta)) if held else self.start.kappa(1 - beta)

    def _held(self, alpha: float) -> tuple[Tensor, Tensor] | None:
        """Excess of all parameters together, none below zero; None where ``start`` decides."""
        if self.moments is None or alpha == 0:
            return None
        forward, reverse = (gap.clamp(min=0) for gap in _excess(self.moments.total(), alpha))
        return (forward, reverse) if forward + reverse > 0 else None


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
