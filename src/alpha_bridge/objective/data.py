r"""The bridge between the model and the data: :math:`D_\alpha[p_\theta(x) \| q(x)]`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..adversarial import Bridge, Game
from ..gamma import Gamma
from ..gaussian import elbo, kl_to_prior, log_likelihood, reparameterize
from ..model import AlphaBridge, NetworkName
from ..penalty import Judged
from .base import Losses, Noise, Objective
from .side import Side

__all__ = ["DataBridge", "rescale_gradient"]

# What is smaller loses digits in float32, times and again divided by a network's gradient.
LEAST_DIVISOR = 1e-20


@dataclass(frozen=True)
class DataBridge(Objective):
    r"""The objective of the paper, equations (15) and (16), and of its baselines.

    .. math::
        \theta:\ & -\kappa_\alpha e^{-\alpha f(x)} \log \tilde p_\theta(x|z)
                  - \gamma_\alpha \ln_{1-\alpha} e^{f(x')} \\
        \phi:\ & -\log \tilde p_\theta(x|z) + KL[q_\phi(z|x) \| p(z)] \\
        \beta:\ & -\log \sigma(f(x)) - \log(1 - \sigma(f(x')))

    with :math:`x \sim q`, :math:`z \sim q_\phi(z|x)`, :math:`x' = G_\theta(z')`,
    :math:`z' \sim N(0, I)`. At α = 1 the first line is the reverse KL (7) alone, as Algorithm 1
    has it. The first and the last line are those of
    :class:`~alpha_bridge.adversarial.Bridge`; another game has others.

    Attributes:
        game: What θ and β play for.
        one_backward: Whether the networks share one backward pass where that is exact. θ follows
            the weighted likelihood and φ the plain ELBO in one pass through the generator, where
            float32 can divide by the weights. θ's adversarial loss and β's loss have parallel
            gradients at each fake sample, so that one pass through the discriminator serves both,
            where float32 can divide by β's slope in every logit (from −46 up in the logistic
            loss): one fake beyond doubt, and each has a pass of its own in that update. A network
            with batch normalisation mixes samples, and is passed once for each; switch it off for
            one that mixes them in another way, and where an update is captured in a CUDA graph,
            which cannot look at the logits.

    Source:
        Zhao et al., AAAI 2020, Algorithm 1 and equations (3), (4), (15), (16).
    """

    game: Game = field(default_factory=Bridge)
    one_backward: bool = True

    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,
        penalized: bool = False,
    ) -> Losses:
        kappa, share = self.game.shares(alpha, gamma)
        judged = _judge(model, x, noise, penalized, trains_generator=share > 0)
        adversarial = share * self.game.adversarial(judged.f_fake, alpha)
        discrimination = self.game.discriminator(judged.f_real, judged.f_fake)
        unscaled = self.game.likelihood_weight(judged.f_real, alpha)
        weight = kappa * unscaled
        z, kl = _encode(model, x, noise.posterior)
        likelihood = _likelihood(model, x, z)
        weighted = weight * likelihood if kappa else torch.zeros_like(kl)

        values: dict[NetworkName, Tensor] = {
            "generator": adversarial - weighted,
            "encoder": -elbo(likelihood, kl),
            "discriminator": discrimination,
        }
        losses, joined = dict(values), list[NetworkName](["generator"])
        if self._shares_decoder(model, kappa):
            rescale_gradient(z, 1 / weight)
            losses["encoder"] = kl
            joined.append("encoder")
        if self.one_backward and not mixes_samples(model.discriminator):
            of_theta, of_beta = self._slopes(judged, share, alpha)
            if not share or _divides(of_beta):
                rescale_gradient(judged.fake, of_theta / of_beta)
                losses["generator"] = -weighted
                joined.append("discriminator")
        return Losses(
            of_networks=_summed(losses, joined),
            judged=(judged,),
            values=values,
            diagnostics=self.game.diagnostics(unscaled, judged.f_fake, alpha),
        )

    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        judged = _judge(model, x, noise, penalized, trains_generator=False)
        loss = self.game.discriminator(judged.f_real, judged.f_fake)
        return Losses({("discriminator",): loss}, (judged,))

    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        f_data, f_model = model.log_ratio(x), model.log_ratio(model.decode(noise.prior))
        z, _ = _encode(model, x, noise.posterior)
        return Side(f_data, f_model, lambda: _likelihood(model, x, z)).twins(self.game, alpha)

    def _shares_decoder(self, model: AlphaBridge, kappa: float) -> bool:
        """Whether the weights can be divided out again between the encoder and the generator."""
        divisible = kappa * self.game.least_weight > LEAST_DIVISOR
        return self.one_backward and divisible and not mixes_samples(model.generator)

    @torch.enable_grad()
    def _slopes(self, judged: Judged, share: float, alpha: float) -> tuple[Tensor, Tensor]:
        """Slopes of θ's and of β's loss in the logit of each fake."""
        f = judged.f_fake.detach().requires_grad_()
        of_theta = share * self.game.adversarial(f, alpha)
        of_beta = self.game.discriminator(judged.f_real.detach(), f)
        slopes = [torch.autograd.grad(loss.sum(), f)[0] for loss in (of_theta, of_beta)]
        return slopes[0], slopes[1]


def _divides(slopes: Tensor) -> bool:
    """Whether what was multiplied by any of them can be divided by it again."""
    return bool((slopes.abs() > LEAST_DIVISOR).all())


def _summed(
    losses: Mapping[NetworkName, Tensor], joined: Sequence[NetworkName]
) -> dict[tuple[NetworkName, ...], Tensor]:
    """The losses of joined networks in one sum, the others by themselves."""
    total = torch.stack([losses[network] for network in joined]).sum(0)
    apart = [network for network in losses if network not in joined]
    return {tuple(joined): total} | {(network,): losses[network] for network in apart}


def _judge(
    model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool, trains_generator: bool
) -> Judged:
    """Show the discriminator both sides; the fakes have a graph only where it is of use."""
    real = x.detach().requires_grad_(penalized)
    f_real = model.log_ratio(real)
    with torch.set_grad_enabled(torch.is_grad_enabled() and trains_generator):
        fake = model.decode(noise.prior)
    return Judged(model.log_ratio, real, f_real, fake, noise.penalty)


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


def rescale_gradient(x: Tensor, scale: Tensor) -> None:
    """Multiply the gradient that comes back to ``x`` by each sample's ``scale``.

    So one backward pass serves two networks, who want different multiples of a sample's gradient
    on either side of ``x``.

    Args:
        x: Samples or latents, shape ``(*trials, batch, *event)``; without a graph, nothing is to
            be done.
        scale: Numbers, shape ``(*trials, batch)``.

    Example:
        >>> z = torch.ones(1, 1, requires_grad=True)
        >>> rescale_gradient(z, torch.tensor([4.0]))
        >>> z.sum().backward()
        >>> z.grad
        tensor([[4.]])
    """
    if x.requires_grad:
        x.register_hook(lambda g: g * scale.reshape(*scale.shape, *[1] * (g.ndim - scale.ndim)))
