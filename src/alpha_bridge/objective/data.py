r"""The bridge between the model and the data: :math:`D_\alpha[p_\theta(x) \| q(x)]`."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .. import twin
from ..checks import positive
from ..gamma import Gamma
from ..gaussian import elbo, kl_to_prior, log_likelihood, reparameterize
from ..model import AlphaBridge, Player
from ..ratio import discriminator_loss, effective_sample_size, forward_weight, reverse_weight
from .base import Losses, Noise, Objective

__all__ = ["DataBridge", "divide_gradient"]

# Smaller weights lose digits in float32, times and again divided by a likelihood's gradient.
LEAST_WEIGHT = 1e-20


@dataclass(frozen=True)
class DataBridge(Objective):
    r"""The objective of the paper, equations (15) and (16).

    .. math::
        \theta:\ & -\kappa_\alpha e^{-\alpha f(x)} \log \tilde p_\theta(x|z)
                  - \gamma_\alpha \ln_{1-\alpha} e^{f(x')} \\
        \phi:\ & -\log \tilde p_\theta(x|z) + KL[q_\phi(z|x) \| p(z)] \\
        \beta:\ & -\log \sigma(f(x)) - \log(1 - \sigma(f(x')))

    with :math:`x \sim q`, :math:`z \sim q_\phi(z|x)`, :math:`x' = G_\theta(z')`,
    :math:`z' \sim N(0, I)`. At α = 1 the first line is the reverse KL (7) alone, as Algorithm 1
    has it: the limit of its forward half has expectation zero only for an exact ratio.

    Attributes:
        clip: Bound on the exponents of the weights, in nats. Ours (5); the paper has none, which
            is ``math.inf``.
        one_backward: Whether θ and φ share one backward pass where that is exact: below α = 1,
            with weights that float32 can divide by, and without batch normalisation. Switch it
            off for a generator that mixes samples in another way.

    Raises:
        ValueError: ``clip`` is not positive.

    Source:
        Zhao et al., AAAI 2020, Algorithm 1 and equations (3), (4), (15), (16).
    """

    clip: float = 5.0
    one_backward: bool = True

    def __post_init__(self) -> None:
        if self.clip != math.inf:
            positive("clip", self.clip)

    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,
        penalized: bool = False,
    ) -> Losses:
        real = x.detach().requires_grad_(penalized)
        f_data = model.log_ratio(real)
        with torch.set_grad_enabled(torch.is_grad_enabled() and gamma(alpha) > 0):
            fake = model.decode(noise.prior)
        f_model = model.log_ratio(fake)
        adversarial = gamma(alpha) * twin.reverse(f_model, alpha, self.clip)
        weight = gamma.kappa(alpha) * forward_weight(f_data, alpha, self.clip)
        z, kl = _encode(model, x, noise.posterior)
        arms: dict[tuple[Player, ...], Tensor]
        if alpha == 1:
            evidence = elbo(_likelihood(model, x, z), kl)
            arms = {("generator",): adversarial, ("encoder",): -evidence}
        elif self._divides(model, gamma.kappa(alpha)):
            weighted = weight * _likelihood(model, x, divide_gradient(z, weight))
            arms = {("generator", "encoder"): adversarial - elbo(weighted, kl)}
        else:
            likelihood = _likelihood(model, x, z)
            arms = {
                ("generator",): adversarial - weight * likelihood,
                ("encoder",): -elbo(likelihood, kl),
            }
        return Losses(
            of_players={**arms, ("discriminator",): discriminator_loss(f_data, f_model)},
            real=((real, f_data),),
            diagnostics={
                "ess/forward": effective_sample_size(weight),
                "ess/reverse": effective_sample_size(reverse_weight(f_model, alpha, self.clip)),
            },
        )

    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        f_data, f_model = model.log_ratio(x), model.log_ratio(model.decode(noise.prior))
        z, _ = _encode(model, x, noise.posterior)
        forward = -forward_weight(f_data, alpha, self.clip) * _likelihood(model, x, z)
        return forward, twin.reverse(f_model, alpha, self.clip)

    def _divides(self, model: AlphaBridge, kappa: float) -> bool:
        """Whether the weights can be divided out again between the encoder and the generator."""
        divisible = kappa * math.exp(-self.clip) > LEAST_WEIGHT
        return self.one_backward and divisible and not mixes_samples(model.generator)


def _encode(model: AlphaBridge, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """A draw from the encoder and its divergence from the prior."""
    mean, log_variance = model.posterior(x)
    kl = kl_to_prior(mean, log_variance, mean.ndim - model.batch_ndim)
    return reparameterize(mean, log_variance, noise), kl


def _likelihood(model: AlphaBridge, x: Tensor, z: Tensor) -> Tensor:
    return log_likelihood(x, model.decode(z), model.sigma, x.ndim - model.batch_ndim)


def mixes_samples(network: nn.Module) -> bool:
    """Whether a sample's output depends on the other samples of its batch.

    Example:
        >>> mixes_samples(nn.BatchNorm1d(2)), mixes_samples(nn.Linear(2, 2))
        (True, False)
    """
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def divide_gradient(z: Tensor, weight: Tensor) -> Tensor:
    """Return ``z``, and divide the gradient that comes back by each sample's ``weight``.

    Between the encoder and the generator it undoes the weight of the reconstruction: θ follows
    the weighted likelihood and φ the plain ELBO, in one pass through the generator.

    Args:
        z: Latents, shape ``(*trials, batch, *latent_shape)``.
        weight: Positive weights, shape ``(*trials, batch)``.

    Returns:
        ``z`` itself, for the forward pass.

    Example:
        >>> z = torch.ones(1, 1, requires_grad=True)
        >>> weight = torch.tensor([4.0])
        >>> (weight * divide_gradient(z, weight).sum(-1)).sum().backward()
        >>> z.grad
        tensor([[1.]])
    """
    return _DivideGradient.apply(z, weight)  # type: ignore[no-any-return, no-untyped-call]


class _DivideGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, z: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return z.view_as(z)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.BackwardCFunction, gradient: Tensor
    ) -> tuple[Tensor, None]:
        (weight,) = ctx.saved_tensors
        return gradient / weight.reshape(*weight.shape, *[1] * (gradient.ndim - weight.ndim)), None
