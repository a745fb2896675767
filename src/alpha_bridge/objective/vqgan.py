r"""What autoencoders of latent diffusion are usually trained by: a weighted sum of losses."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..adversarial import Hinge
from ..gamma import Gamma
from ..gaussian import kl_to_prior, reparameterize
from ..model import AlphaBridge, NetworkName
from ..observation import FeatureDistance
from ..penalty import DiscriminatorOutputs
from ..settings import ObjectiveConfig
from .base import Losses, Noise, Objective
from .data import MSE, discriminator_outputs

__all__ = ["VQGANSum"]

HINGE = Hinge()
WEIGHT = "adversarial_weight"
"""The diagnostic that is the weight of the adversarial loss."""
MOST, LEAST_NORM = 1e4, 1e-4
"""Bound on the adaptive weight, and what is added to the norm that it divides by; both theirs."""


@dataclass(frozen=True)
class VQGANSum(Objective):
    r"""L1, features, KL, and a hinge loss of a discriminator of reconstructions.

    .. math::
        \theta, \phi:\ & \tfrac1d \|x - y\|_1 + \ell_h(x, y)
            + \tfrac wd KL[q_\phi(z|x) \| p(z)] - \lambda v f(y),
            \qquad y = G_\theta(z), \ z \sim q_\phi(z|x) \\
        \beta:\ & \max(0, 1 - f(x)) + \max(0, 1 + f(y))

    The term of the discriminator is there from the update on at which α leaves 0. v is 1, or
    adaptive: the norm of the gradient of the other terms over that of −f(y), both at the last
    layer of the generator.

    Attributes:
        weight: λ, positive.
        adaptive: Whether v is adaptive.
        kl_weight: w, zero or more.
        features: :math:`\ell_h`; None for none.

    Source:
        Esser, Rombach and Ommer, Taming Transformers for High-Resolution Image Synthesis, CVPR
        2021; with KL in place of a codebook: Rombach et al., High-Resolution Image Synthesis with
        Latent Diffusion Models, CVPR 2022.
    """

    weight: float = ObjectiveConfig.weight
    adaptive: bool = ObjectiveConfig.adaptive
    kl_weight: float = ObjectiveConfig.kl_weight
    features: FeatureDistance | None = None

    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,  # noqa: ARG002
        penalized: bool = False,
    ) -> Losses:
        likeness, adversarial, outputs = self._halves(model, x, noise, penalized)
        weight = torch.zeros(model.trial_shape, device=x.device, dtype=x.dtype)
        loss = likeness
        if alpha > 0:
            weight = self.weight * self._balance(model, likeness, adversarial)
            loss = likeness + weight.unsqueeze(-1) * adversarial
        discrimination = self._discrimination(model, outputs)
        arms: tuple[NetworkName, ...] = ("generator", "encoder")
        error = (x - outputs.fake.detach()).square().flatten(model.batch_ndim - 1).mean(-1)
        return Losses(
            {arms: loss, ("discriminator",): discrimination},
            (outputs,),
            {**dict.fromkeys(arms, loss), "discriminator": discrimination},
            {MSE: error, WEIGHT: weight},
        )

    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        with torch.no_grad():
            fake = self.fakes(model, x, noise)
        outputs = discriminator_outputs(model, x, fake, noise, penalized)
        return Losses({("discriminator",): self._discrimination(model, outputs)}, (outputs,))

    def twins(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        likeness, adversarial, _ = self._halves(model, x, noise, penalized=False)
        return likeness, adversarial

    def fakes(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Tensor:
        return self._decoded(model, x, noise)[0]

    def _decoded(self, model: AlphaBridge, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Reconstructions, and the divergence of their codes from the prior, of each sample."""
        mean, log_variance = model.posterior(x)
        y = model.decode(reparameterize(mean, log_variance, noise.posterior))
        return y, kl_to_prior(mean, log_variance, mean.ndim - model.batch_ndim)

    def _halves(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool
    ) -> tuple[Tensor, Tensor, DiscriminatorOutputs]:
        """All but the term of the discriminator, that term without weights, and its outputs."""
        y, kl = self._decoded(model, x, noise)
        error = (x - y).abs().flatten(model.batch_ndim)
        likeness = error.mean(-1) + self.kl_weight / error.shape[-1] * kl
        if self.features is not None:
            likeness = likeness + self.features(x, y)
        outputs = discriminator_outputs(model, x, y, noise, penalized)
        return likeness, -_mean(outputs.f_model, model), outputs

    def _discrimination(self, model: AlphaBridge, outputs: DiscriminatorOutputs) -> Tensor:
        return _mean(HINGE.discriminator(outputs.f_data, outputs.f_model), model)

    def _balance(self, model: AlphaBridge, likeness: Tensor, adversarial: Tensor) -> Tensor:
        """v of each trial."""
        if not self.adaptive:
            return torch.ones(model.trial_shape, device=likeness.device, dtype=likeness.dtype)
        last = [p for p in model.network_parameters("generator") if p.ndim > model.batch_ndim][-1]

        def norm(half: Tensor) -> Tensor:
            (slope,) = torch.autograd.grad(half.mean(-1).sum(), last, retain_graph=True)
            size: Tensor = torch.linalg.vector_norm(slope.flatten(len(model.trial_shape)), dim=-1)
            return size

        return (norm(likeness) / (norm(adversarial) + LEAST_NORM)).clamp_max(MOST)


def _mean(values: Tensor, model: AlphaBridge) -> Tensor:
    """Of each sample, over its patches if it has several."""
    return values.flatten(model.batch_ndim).mean(-1) if values.ndim > model.batch_ndim else values
