r"""Two arms, each of which follows a divergence in which the other one is a constant."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ..adversarial import AdversarialLoss, Bridge
from ..gamma import Gamma
from ..gaussian import log_likelihood, log_normal, reparameterize
from ..model import AlphaBridge
from ..penalty import DiscriminatorOutputs
from ..settings import ObjectiveConfig
from .base import Losses, Noise, Objective

__all__ = ["JointSamples", "MutualBridge"]


@dataclass(frozen=True)
class JointSamples:
    r"""Samples of both joint distributions, of :math:`q(x) q_\phi(z|x)` and :math:`p(z) G_\theta`.

    Attributes:
        x: Data samples :math:`x \sim q`, shape ``(*trials, batch, *event)``.
        z: Their encodings :math:`z \sim q_\phi(z|x)`, shape ``(*trials, batch, *latent_shape)``.
        prior: Latents :math:`z' \sim p(z)`, the shape of ``z``.
        fake: What they are decoded to, :math:`x' = G_\theta(z')`, the shape of ``x``.
    """

    x: Tensor
    z: Tensor
    prior: Tensor
    fake: Tensor


class _Arm(NamedTuple):
    """Terms of the loss (16) of an arm: of θ, or of φ with x and z exchanged.

    Attributes:
        log_p: Gives the log-likelihood by a pass through the arm, shape ``(*trials, batch)``.
        f_data: Log ratios at the samples that its own are moved to, the same shape.
        f_model: Log ratios at its own samples, with their graph.
    """

    log_p: Callable[[], Tensor]
    f_data: Tensor
    f_model: Tensor


@dataclass(frozen=True)
class MutualBridge(Objective):
    r"""Generator and encoder as mirror images of each other, for some choice of log ratios f.

    .. math::
        \theta:\ & -\kappa_\alpha e^{-\alpha f_\theta} \log \tilde p_\theta(x|z)
                   - \gamma_\alpha \ln_{1-\alpha} e^{f_\theta'} \\
        \phi:\ & -\kappa_\alpha e^{-\alpha f_\phi} \log q_\phi(z'|x')
                   - \gamma_\alpha \ln_{1-\alpha} e^{f_\phi'}

    with :math:`x \sim q`, :math:`z \sim q_\phi(z|x)`, :math:`z' \sim p(z)`,
    :math:`x' = G_\theta(z')`; another adversarial loss has other lines. Codes are constants, as the
    boxes around them in section 3.3 of the paper have it: so neither arm is pulled by the line of
    the other, and at α = 0 both do what wake-sleep does. x' is free of the noise of (13), as all
    fakes are: so φ learns to invert the generator, which the surrogate's posterior is only for a
    small σ; a generator that adds that noise itself gives its posterior. A subclass states which
    log ratios f there are.

    Attributes:
        adversarial: The losses of both arms and the discriminators.
        implicit: Whether encodings are the means of :math:`q_\phi(z|x)`, which is then a surrogate
            as (13) is of :math:`p_\theta(x|z)`: for a second domain, whose samples have no noise.
        full_cycle: Whether a reconstruction also trains the arm that made its code, as in
            CycleGAN and ALICE; both arms then minimise the sum of both lines.

    Source:
        Zhao et al., AAAI 2020, section 3.3; Hinton et al., The Wake-Sleep Algorithm for
        Unsupervised Neural Networks, Science 1995.
    """

    adversarial: AdversarialLoss = field(default_factory=Bridge)
    implicit: bool = False
    full_cycle: bool = ObjectiveConfig.full_cycle

    @abstractmethod
    def discriminate(
        self, model: AlphaBridge, samples: JointSamples, noise: Noise, penalized: bool
    ) -> tuple[DiscriminatorOutputs, ...]:
        """Outputs of each discriminator.

        Args:
            model: The networks.
            samples: Of both joint distributions; those that are data to a discriminator need no
                gradient to the network that made them.
            noise: The update's random draws.
            penalized: Whether the regulariser needs gradients to a discriminator's data.
        """

    @abstractmethod
    def ratios(
        self, outputs: tuple[DiscriminatorOutputs, ...]
    ) -> tuple[tuple[Tensor, Tensor], ...]:
        """Log ratios of θ and of φ, each at the samples it is moved to and at its own."""

    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,
        penalized: bool = False,
    ) -> Losses:
        samples = self._sample(model, x, noise)
        outputs = self.discriminate(model, samples, noise, penalized)
        theta, phi = self._arms(model, samples, outputs)
        of_theta, of_phi = (self._loss(arm, alpha, gamma) for arm in (theta, phi))
        of_beta = self._discrimination(outputs)
        diagnostics = dict(self.adversarial.diagnostics(theta.f_data, theta.f_model, alpha))
        latent = self.adversarial.diagnostics(phi.f_data, phi.f_model, alpha)
        diagnostics |= {name.replace("/", "/latent_"): value for name, value in latent.items()}
        return Losses(
            # one pass for both: without a full cycle neither loss has a slope in the other arm
            of_networks={("generator", "encoder"): of_theta + of_phi, ("discriminator",): of_beta},
            outputs=outputs,
            values={"generator": of_theta, "encoder": of_phi, "discriminator": of_beta},
            diagnostics=diagnostics,
        )

    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        with torch.no_grad():
            samples = self._sample(model, x, noise)
        outputs = self.discriminate(model, samples, noise, penalized)
        return Losses({("discriminator",): self._discrimination(outputs)}, outputs)

    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        samples = self._sample(model, x, noise)
        outputs = self.discriminate(model, samples, noise, penalized=False)
        theta, _ = self._arms(model, samples, outputs)
        forward = self.adversarial.forward(theta.log_p(), theta.f_data, alpha)
        return forward, self.adversarial.reverse(theta.f_model, alpha)

    def _loss(self, arm: _Arm, alpha: float, gamma: Gamma) -> Tensor:
        forward, _ = self.adversarial.halves(alpha)
        log_p = arm.log_p() if forward else torch.zeros_like(arm.f_data)  # spares a pass
        return self.adversarial.generator(log_p, arm.f_data, arm.f_model, alpha, gamma)

    def _sample(self, model: AlphaBridge, x: Tensor, noise: Noise) -> JointSamples:
        mean, log_variance = model.posterior(x)
        z = mean if self.implicit else reparameterize(mean, log_variance, noise.posterior)
        return JointSamples(x, z, noise.prior, model.decode(noise.prior))

    def _arms(
        self, model: AlphaBridge, samples: JointSamples, outputs: tuple[DiscriminatorOutputs, ...]
    ) -> tuple[_Arm, _Arm]:
        codes = samples.z, samples.fake
        z, fake = codes if self.full_cycle else (code.detach() for code in codes)
        event_dim, latent_dim = (one.ndim - model.batch_ndim for one in (samples.x, samples.z))

        def wake() -> Tensor:
            return log_likelihood(samples.x, model.decode(z), model.sigma, event_dim)

        def sleep() -> Tensor:
            return log_normal(samples.prior, *model.posterior(fake), latent_dim)

        of_theta, of_phi = self.ratios(outputs)
        return _Arm(wake, *of_theta), _Arm(sleep, *of_phi)

    def _discrimination(self, outputs: tuple[DiscriminatorOutputs, ...]) -> Tensor:
        losses = [self.adversarial.discriminator(one.f_data, one.f_model) for one in outputs]
        return torch.stack(losses).sum(0)
