"""Regularisers of the discriminator, in a slot of their own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .checks import at_least
from .observation import WHOLE, Scope
from .settings import RegularizerConfig, require

__all__ = ["R1", "R1R2", "DiscriminatorOutputs", "GradientPenalty", "Regularizer", "SpectralNorm"]


@dataclass(frozen=True)
class DiscriminatorOutputs:
    """A discriminator, its samples and its logits in one update.

    Attributes:
        log_ratio: The discriminator: from samples ``(*trials, batch, *event)`` to logits.
        real: Data samples, shape ``(*trials, batch, *event)``; where a penalty is due they
            require a gradient.
        f_data: Their logits, with the graph from ``real``, shape ``(*trials, batch)``, or with
            dimensions behind for those of patches.
        fake: Model samples, the shape of ``real``.
        noise: Uniform draws in [0, 1) for the regulariser alone, shape ``(*trials, batch)``;
            None where none are drawn.
        scope: What of a sample has a logit.
    """

    log_ratio: Callable[[Tensor], Tensor]
    real: Tensor
    f_data: Tensor
    fake: Tensor
    noise: Tensor | None = None
    scope: Scope = WHOLE

    @cached_property
    def f_model(self) -> Tensor:
        """Logits of ``fake``, the shape of ``f_data``: a pass when they are first asked for."""
        return self.log_ratio(self.fake)

    def slope_at(self, x: Tensor, f: Tensor) -> Tensor:
        """Gradient of each sample's logit, or of the total of its patches' logits, to the sample.

        Returns:
            With a graph, shape ``(*trials, batch, features)``.
        """
        total = self.scope.total(f)
        (gradient,) = torch.autograd.grad(total.sum(), x, create_graph=True)
        return gradient.flatten(total.ndim)

    def detached(self) -> "DiscriminatorOutputs":
        """The same with fakes that require a gradient and have no graph behind them.

        So a regulariser trains the discriminator alone, by a forward pass of its own: the one that
        trains the generator may be shared.
        """
        return replace(self, fake=self.fake.detach().requires_grad_())


class Regularizer:
    """A regulariser of the discriminator; this one does nothing.

    A subclass changes the network before training (:meth:`prepare`), adds a penalty to its
    loss (:meth:`penalty`) every :attr:`every` updates, or both. A penalty may use all
    that the discriminator has seen: it trains the discriminator alone.

    Attributes:
        every: The penalty is due at updates 0, every, 2·every, …; 0 means never.
    """

    every: int = 0

    def prepare(self, discriminator: nn.Module) -> nn.Module:
        """Return the discriminator as it is to be trained."""
        return discriminator

    def due(self, step: int) -> bool:
        """Whether update ``step`` pays the penalty."""
        return self.every > 0 and step % self.every == 0

    def penalty(self, outputs: DiscriminatorOutputs) -> Tensor:
        """Penalty of each sample, shape ``(*trials, batch)``, for detached outputs."""
        return torch.zeros_like(outputs.scope.total(outputs.f_data))


@dataclass(frozen=True)
class _Lazy(Regularizer):
    """A penalty of some weight that is paid every so often, and then for all that time."""

    weight: float = RegularizerConfig.weight
    every: int = RegularizerConfig.every

    def __post_init__(self) -> None:
        require(RegularizerConfig, weight=self.weight, every=self.every)


@dataclass(frozen=True)
class R1(_Lazy):
    r"""Gradient penalty on data samples, applied every ``every`` updates and scaled to match.

    .. math:: \frac{w}{2} \, \|\nabla_x f(x)\|^2, \qquad x \sim q

    Attributes:
        weight: w, zero or more.
        every: k, one or more: every k-th update pays k times the penalty.

    Raises:
        ValueError: ``weight`` is negative or infinite, or ``every`` is below one.

    Example:
        >>> x = torch.ones(1, 2, requires_grad=True)
        >>> f = 3 * x.sum(-1)
        >>> R1(weight=1.0).penalty(DiscriminatorOutputs(lambda x: 3 * x.sum(-1), x, f, x))
        tensor([9.])

    Source:
        Mescheder, Geiger and Nowozin, Which Training Methods for GANs do actually Converge?,
        ICML 2018; lazily as in Karras et al., StyleGAN 2, CVPR 2020.
    """

    def penalty(self, outputs: DiscriminatorOutputs) -> Tensor:
        slope = outputs.slope_at(outputs.real, outputs.f_data)
        return self.every * self.weight / 2 * slope.square().sum(-1)

    def penalty_gradient(self, slope: Tensor) -> Tensor:
        """Gradient of the penalty in the slope at the data, of its shape."""
        return self.every * self.weight * slope


@dataclass(frozen=True)
class R1R2(R1):
    r"""Gradient penalty on data and model samples, every ``every`` updates, scaled to match.

    .. math::
        \frac{w}{2} \, \bigl(\|\nabla_x f(x)\|^2 + \|\nabla_x f(x')\|^2\bigr),
        \qquad x \sim q, \ x' \sim p_\theta

    R1 leaves the discriminator free where only fakes are.

    Source:
        R1 and R2: Mescheder, Geiger and Nowozin, ICML 2018; both together: Huang, Gokaslan,
        Kuleshov and Tompkin, The GAN is dead; long live the GAN! A Modern GAN Baseline,
        NeurIPS 2024.
    """

    def penalty(self, outputs: DiscriminatorOutputs) -> Tensor:
        slope = outputs.slope_at(outputs.fake, outputs.f_model)
        return super().penalty(outputs) + self.every * self.weight / 2 * slope.square().sum(-1)


@dataclass(frozen=True)
class GradientPenalty(_Lazy):
    r"""Holds the discriminator's slope at one, at random points between data and model samples.

    .. math::
        w \, (\|\nabla_x f(\hat x)\| - 1)^2, \qquad
        \hat x = \epsilon x + (1-\epsilon) x', \quad \epsilon \sim U(0, 1)

    with :math:`x \sim q`, :math:`x' \sim p_\theta` and an ε of each pair, drawn for this alone.

    Raises:
        ValueError: ``weight`` is negative or infinite, ``every`` is below one, or there is no
            noise to draw the points with.

    Example:
        >>> x, epsilon = torch.ones(1, 2, requires_grad=True), torch.rand(1)
        >>> outputs = DiscriminatorOutputs(lambda x: 3 * x[:, 0], x, 3 * x[:, 0], x, epsilon)
        >>> GradientPenalty(weight=1.0).penalty(outputs)
        tensor([4.])

    Source:
        Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017.
    """

    def penalty(self, outputs: DiscriminatorOutputs) -> Tensor:
        epsilon = outputs.noise
        if epsilon is None:
            raise ValueError(
                "the gradient penalty draws points between data and fakes, and there is no noise "
                "for it: give Noise(penalty=...), a uniform number for each sample"
            )
        share = epsilon.reshape(*epsilon.shape, *[1] * (outputs.real.ndim - epsilon.ndim))
        between = (share * outputs.real + (1 - share) * outputs.fake).detach().requires_grad_()
        slope = outputs.slope_at(between, outputs.log_ratio(between))
        norm: Tensor = torch.linalg.vector_norm(slope, dim=-1)
        return self.every * self.weight * (norm - 1).square()


@dataclass(frozen=True)
class SpectralNorm(Regularizer):
    """Divide each weight of the discriminator by its largest singular value.

    Attributes:
        iterations: Power iterations at each forward pass in training, one or more.

    Raises:
        ValueError: ``iterations`` is below one.

    Example:
        >>> layer = SpectralNorm().prepare(nn.Linear(2, 1))
        >>> round(layer.weight.detach().norm().item(), 3)
        1.0

    Source:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks, ICLR 2018.
    """

    iterations: int = 1

    def __post_init__(self) -> None:
        at_least(1, "iterations", self.iterations)

    def prepare(self, discriminator: nn.Module) -> nn.Module:
        for layer in discriminator.modules():
            weight = getattr(layer, "weight", None)
            batch_ndim = len(getattr(layer, "trial_shape", ()))
            if isinstance(weight, nn.Parameter) and weight.ndim > batch_ndim + 1:
                parametrize.register_parametrization(
                    layer, "weight", _UnitSpectralNorm(weight, batch_ndim, self.iterations)
                )
        return discriminator


class _UnitSpectralNorm(nn.Module):
    """``weight / ‖weight‖₂`` for each trial by power iteration.

    torch has the same for one matrix; this one keeps leading trial dimensions apart.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, batch_ndim: int, iterations: int) -> None:
        super().__init__()
        self.batch_ndim, self.iterations = batch_ndim, iterations
        matrix = self._matrix(weight.detach())
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        self.register_buffer("u", left[..., 0].clone())
        self.register_buffer("v", right[..., 0, :].clone())
        # compiled, a second forward pass would spoil what the first one saved; as a decorator this
        # would load torch's compiler for everybody
        self._eager = torch.compiler.disable(_UnitSpectralNorm.normalized)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.flatten(self.batch_ndim + 1)

    def forward(self, weight: Tensor) -> Tensor:
        normalized: Tensor = self._eager(self, weight)
        return normalized

    def normalized(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = self._matrix(weight)
            if self.training:
                self._iterate(matrix.detach())
            norm = torch.einsum("...i,...ij,...j->...", self.u.clone(), matrix, self.v.clone())
            norm = norm.clamp_min(torch.finfo(norm.dtype).tiny)
            return weight / norm.reshape(*norm.shape, *[1] * (weight.ndim - norm.ndim))

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        for _ in range(self.iterations):
            v = torch.einsum("...ij,...i->...j", matrix, self.u)
            self.v.copy_(nn.functional.normalize(v, dim=-1))
            u = torch.einsum("...ij,...j->...i", matrix, self.v)
            self.u.copy_(nn.functional.normalize(u, dim=-1))
