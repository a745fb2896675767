r"""Two networks, each of whom follows a divergence in which the other one is a constant."""

from abc import abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..adversarial import Bridge, Game
from ..gamma import Gamma
from ..gaussian import log_likelihood, log_normal, reparameterize
from ..model import AlphaBridge
from ..penalty import Judged
from .base import Losses, Noise, Objective
from .side import Side

__all__ = ["Ends", "MutualBridge"]


@dataclass(frozen=True)
class Ends:
    r"""The samples and latents that both networks start from, and what they make of them.

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


@dataclass(frozen=True)
class MutualBridge(Objective):
    r"""Generator and encoder as mirror images of each other, for some way to compare their ends.

    .. math::
        \theta:\ & -\kappa_\alpha w(f_\theta) \log \tilde p_\theta(x|z)
                   + \gamma_\alpha a(f_\theta') \\
        \phi:\ & -\kappa_\alpha w(f_\phi) \log q_\phi(z'|x') + \gamma_\alpha a(f_\phi')

    with :math:`x \sim q`, :math:`z \sim q_\phi(z|x)`, :math:`z' \sim p(z)`,
    :math:`x' = G_\theta(z')`, for the κ, w, γ and a of a game. Codes are constants, as the boxes
    around them in section 3.3 of the paper have it: so neither arm is pulled by the other's
    line, and at α = 0 both do what wake-sleep does. x' is free of the noise of (13), as all fakes
    are: so φ learns to invert the generator, which the surrogate's posterior is only for a small σ;
    a generator that adds that noise itself gives its posterior. A subclass says which log ratios f
    there are.

    Attributes:
        game: What all networks play for.
        implicit: Whether encodings are the means of :math:`q_\phi(z|x)`, which is then a surrogate
            as (13) is of :math:`p_\theta(x|z)`: for a second domain, whose samples have no noise.
        full_cycle: Whether a reconstruction also trains the network that made its code, as in
            CycleGAN and ALICE; both networks then minimise the sum of both lines.

    Source:
        Zhao et al., AAAI 2020, section 3.3; Hinton et al., The Wake-Sleep Algorithm for
        Unsupervised Neural Networks, Science 1995.
    """

    game: Game = field(default_factory=Bridge)
    implicit: bool = False
    full_cycle: bool = False

    @abstractmethod
    def judge(
        self, model: AlphaBridge, ends: Ends, noise: Noise, penalized: bool
    ) -> tuple[Judged, ...]:
        """Show each discriminator both of its sides.

        Args:
            model: The networks.
            ends: What there is to see; of what is a discriminator's real side only, it may take
                the gradient off.
            noise: The update's random draws.
            penalized: Whether the real sides must give gradients to the discriminator's input.
        """

    @abstractmethod
    def ratios(self, judged: tuple[Judged, ...]) -> tuple[tuple[Tensor, Tensor], ...]:
        """Log ratios for θ and for φ: each at what it is to meet, and at what it makes.

        Args:
            judged: As :meth:`judge` gives it.
        """

    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,
        penalized: bool = False,
    ) -> Losses:
        ends = self._ends(model, x, noise)
        judged = self.judge(model, ends, noise, penalized)
        theta, phi = self._sides(model, ends, judged)
        of_theta, of_phi = (side.loss(self.game, alpha, gamma) for side in (theta, phi))
        of_beta = self._discrimination(judged)
        latent = {
            name.replace("/", "/latent_"): value
            for name, value in phi.diagnostics(self.game, alpha).items()
        }
        return Losses(
            # one pass for both: without a full cycle neither loss has a slope in the other network
            of_networks={("generator", "encoder"): of_theta + of_phi, ("discriminator",): of_beta},
            judged=judged,
            values={"generator": of_theta, "encoder": of_phi, "discriminator": of_beta},
            diagnostics={**theta.diagnostics(self.game, alpha), **latent},
        )

    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        with torch.no_grad():
            ends = self._ends(model, x, noise)
        judged = self.judge(model, ends, noise, penalized)
        return Losses({("discriminator",): self._discrimination(judged)}, judged)

    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        ends = self._ends(model, x, noise)
        theta, _ = self._sides(model, ends, self.judge(model, ends, noise, penalized=False))
        return theta.twins(self.game, alpha)

    def _ends(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Ends:
        mean, log_variance = model.posterior(x)
        z = mean if self.implicit else reparameterize(mean, log_variance, noise.posterior)
        return Ends(x, z, noise.prior, model.decode(noise.prior))

    def _sides(
        self, model: AlphaBridge, ends: Ends, judged: tuple[Judged, ...]
    ) -> tuple[Side, Side]:
        codes = ends.z, ends.fake
        z, fake = codes if self.full_cycle else (code.detach() for code in codes)
        event_dim, latent_dim = (end.ndim - model.batch_ndim for end in (ends.x, ends.z))

        def wake() -> Tensor:
            return log_likelihood(ends.x, model.decode(z), model.sigma, event_dim)

        def sleep() -> Tensor:
            return log_normal(ends.prior, *model.posterior(fake), latent_dim)

        of_theta, of_phi = self.ratios(judged)
        return Side(*of_theta, wake), Side(*of_phi, sleep)

    def _discrimination(self, judged: tuple[Judged, ...]) -> Tensor:
        losses = [self.game.discriminator(side.f_real, side.f_fake) for side in judged]
        return torch.stack(losses).sum(0)
