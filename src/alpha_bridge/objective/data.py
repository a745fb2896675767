r"""The bridge between the model and the data: :math:`D_\alpha[p_\theta(x) \| q(x)]`."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from ..adversarial import AdversarialLoss, Bridge
from ..control import balanced_kappa
from ..gamma import Gamma
from ..gaussian import elbo, kl_to_prior, mean_squared_error, reparameterize
from ..model import AlphaBridge, NetworkName
from ..observation import WHOLE, DrawnRows, FeatureLikelihood
from ..penalty import DiscriminatorOutputs
from ..settings import ObjectiveConfig
from .backward import divisible, mixes_samples, rescale_gradient, slopes, summed
from .base import Losses, Noise, Objective

__all__ = ["MSE", "DataBridge"]

MSE = "mse"
"""The diagnostic that is the mean squared error of the batch's reconstructions, in model units."""

RATE = "rate"
"""The diagnostic that is the encoder's mean divergence from the prior, in nats."""


@dataclass(frozen=True)
class Passes:
    """What an update computes with the networks before any loss.

    Attributes:
        outputs: The discriminator's.
        kl: The encoder's divergence from the prior, ``(*trials, batch)``.
        z: Draws from the encoder, ``(*trials, batch, *latent_shape)``.
        decoded: What they are decoded to, the shape of the data, or the parameters of rows.
        drawn: The fakes, where they are rows.
    """

    outputs: DiscriminatorOutputs
    kl: Tensor
    z: Tensor
    decoded: Tensor
    drawn: DrawnRows | None = None


@dataclass(frozen=True)
class Numbers:
    r"""What the networks give to the losses of each sample.

    Attributes:
        f_data: Logits of the data, ``(*trials, batch)``, or with dimensions behind for those of
            patches.
        f_model: Those of the fakes, likewise.
        log_p: :math:`\log \tilde p_\theta(x|z)`, likewise.
        kl: The encoder's divergence from the prior, ``(*trials, batch)``.
    """

    f_data: Tensor
    f_model: Tensor
    log_p: Tensor
    kl: Tensor


@dataclass(frozen=True)
class Terms:
    r"""What the losses of an update are made of.

    Attributes:
        theta: θ's loss, of :math:`\log \tilde p_\theta(x|z)` and of f at the fakes.
        of_theta: Its value at both.
        of_categories: What categories of fakes add to θ's loss.
        kl: What the encoder's divergence from the prior adds to φ's, ``(*trials, batch)``.
        reverse: Whether θ has a reverse half.
        scale: What θ's loss is divided by, ``(*trials, 1)`` or 1.
        values: Each network's own loss, ``(*trials, batch)``.
    """

    theta: Callable[[Tensor, Tensor], Tensor]
    of_theta: Tensor
    of_categories: Tensor | float
    kl: Tensor
    reverse: bool
    scale: Tensor | float
    values: Mapping[NetworkName, Tensor]


@dataclass(frozen=True)
class DataBridge(Objective):
    r"""The objective of the paper, equations (15) and (16), and of its baselines.

    .. math::
        \theta:\ & -\kappa_\alpha e^{-\alpha f(x)} \log \tilde p_\theta(x|z)
                  - \gamma_\alpha \ln_{1-\alpha} e^{f(x')} \\
        \phi:\ & -\log \tilde p_\theta(x|z) + w \, KL[q_\phi(z|x) \| p(z)] \\
        \beta:\ & -\log \sigma(f(x)) - \log(1 - \sigma(f(x')))

    with :math:`x \sim q`, :math:`z \sim q_\phi(z|x)`, :math:`x' = G_\theta(z')`,
    :math:`z' \sim N(0, I)`. At α = 1 the first line is the reverse KL (7) alone. The first and
    the last line are those of :class:`~alpha_bridge.adversarial.Bridge`; another adversarial loss
    has others. Where the discriminator sees :class:`~alpha_bridge.observation.Patches`, both are
    totals over patches, and what is followed is a divergence of patches.

    Attributes:
        adversarial: The losses of θ and β.
        one_backward: Whether the networks share one backward pass where that is exact. θ's loss
            and the plain ELBO of φ have parallel gradients at each encoding, so that one pass
            through the generator serves both, where float32 can divide by the weights. θ's loss
            and that of β have parallel gradients at each fake sample, so that one pass through the
            discriminator serves both, where float32 can divide by β's slope in every logit (from
            −46 up in the logistic loss): with one fake below, each has a pass of its own in that
            update. A network with batch normalisation mixes samples, and is passed once for each,
            and so is a discriminator of patches, which share pixels; switch this off for one that
            mixes samples in another way, and where an update is captured in a CUDA graph, which
            cannot look at the logits. Fully connected networks share their passes at every logit:
            :mod:`alpha_bridge.training.backpropagation`.
        kl_weight: w, zero or more; the paper has 1.
        features: The likelihood of features beside that of pixels; None for pixels alone.
        normalized: Whether θ's loss is divided by :math:`n_\alpha = \kappa_\alpha + \kappa_0
            \gamma_\alpha`, with κ₀ of :func:`~alpha_bridge.control.balanced_kappa`: about how large
            its gradient is, next to that at α = 0. That falls by hundreds where σ is small, and
            Adam, which divides by the squares that it remembers, then takes hardly a step for
            hundreds of updates.

    Source:
        Zhao et al., AAAI 2020, Algorithm 1 and equations (3), (4), (15), (16).
    """

    one_line: ClassVar[bool] = False
    """Whether φ follows θ's line too, and not a bound of its own."""

    adversarial: AdversarialLoss = field(default_factory=Bridge)
    one_backward: bool = ObjectiveConfig.one_backward
    kl_weight: float = ObjectiveConfig.kl_weight
    features: FeatureLikelihood | None = None
    normalized: bool = ObjectiveConfig.normalized

    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,
        penalized: bool = False,
    ) -> Losses:
        _, reverse = self.adversarial.halves(alpha)
        passes = self._pass(model, x, noise, penalized, reverse)
        outputs = passes.outputs
        pixels = self._log_likelihood(model, x, passes.decoded)
        log_p = self._with_features(model, x, passes.decoded, pixels)
        numbers = Numbers(outputs.f_data, outputs.f_model, log_p, passes.kl)
        share = self.adversarial.reverse_share(alpha, gamma) if reverse else 0.0
        of_categories = share * self._of_categories(model, passes, alpha) if share else 0.0
        terms = self.terms(model, x, numbers, alpha, gamma, of_categories)
        of_x = None if passes.drawn is not None else pixels
        diagnostics = self.diagnostics(model, x, numbers, of_x, alpha)
        of_networks = self._of_networks(model, passes, numbers, terms)
        return Losses(of_networks, (outputs,), terms.values, diagnostics)

    def terms(
        self,
        model: AlphaBridge,
        x: Tensor,
        numbers: Numbers,
        alpha: float,
        gamma: Gamma,
        of_categories: Tensor | float = 0.0,
    ) -> Terms:
        """The losses of each sample, of what the networks made of them."""
        f_data, total = numbers.f_data, model.scope.total
        scale = self._scale(model, x, alpha, gamma) if self.normalized else 1.0

        def theta(log_p: Tensor, f_model: Tensor) -> Tensor:
            return total(self.adversarial.generator(log_p, f_data, f_model, alpha, gamma)) / scale

        of_logits, of_categories = theta(numbers.log_p, numbers.f_model), of_categories / scale
        of_theta = of_logits + of_categories
        kl = self.kl_weight * numbers.kl / (scale if self.one_line else 1.0)
        values: dict[NetworkName, Tensor] = {
            "generator": of_theta,
            "encoder": of_theta + kl if self.one_line else -elbo(total(numbers.log_p), kl),
            "discriminator": total(self.adversarial.discriminator(f_data, numbers.f_model)),
        }
        _, reverse = self.adversarial.halves(alpha)
        return Terms(theta, of_logits, of_categories, kl, reverse, scale, values)

    def diagnostics(
        self, model: AlphaBridge, x: Tensor, numbers: Numbers, pixels: Tensor | None, alpha: float
    ) -> dict[str, Tensor]:
        """What is logged of an update; ``pixels`` is their log-likelihood, if there are any."""
        logits = numbers.f_data, numbers.f_model
        at_data, at_model = (f.detach().flatten(model.batch_ndim - 1) for f in logits)
        found = dict(self.adversarial.diagnostics(at_data, at_model, alpha))
        found[RATE] = numbers.kl.detach().mean(-1)
        if pixels is not None:
            size = math.prod(x.shape[model.batch_ndim :])
            log_p = model.scope.total(pixels.detach())
            found[MSE] = mean_squared_error(log_p, model.sigma.detach(), size).mean(-1)
        return found

    def _of_networks(
        self, model: AlphaBridge, passes: Passes, numbers: Numbers, terms: Terms
    ) -> Mapping[tuple[NetworkName, ...], Tensor]:
        """The losses to go back from, by the networks that each of them serves in one pass."""
        losses, joined = dict(terms.values), list[NetworkName](["generator"])
        if self.one_line:
            losses["encoder"] = terms.kl
            joined.append("encoder")
        if not terms.kl.requires_grad:  # the encoder is frozen
            del losses["encoder"]
        if self.one_backward and model.scope is WHOLE:
            likelihood_slope, theta_slope = slopes(terms.of_theta, numbers.log_p, numbers.f_model)
            (beta_slope,) = slopes(losses["discriminator"], numbers.f_model)
            by_likelihood, by_beta = divisible(likelihood_slope, beta_slope)
            apart = "encoder" in losses and "encoder" not in joined
            if by_likelihood and apart and not mixes_samples(model.generator):
                rescale_gradient(passes.z, -1 / likelihood_slope)
                losses["encoder"] = terms.kl
                joined.append("encoder")
            if (by_beta or not terms.reverse) and not mixes_samples(model.discriminator):
                rescale_gradient(passes.outputs.fake, theta_slope / beta_slope)
                of_theta = terms.theta(numbers.log_p, numbers.f_model.detach())
                losses["generator"] = of_theta + terms.of_categories
                joined.append("discriminator")
        return summed(losses, [network for network in joined if network in losses])

    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        with torch.no_grad():
            fake = self.fakes(model, x, noise)
        outputs = discriminator_outputs(model, x, fake, noise, penalized)
        loss = self.adversarial.discriminator(outputs.f_data, outputs.f_model)
        return Losses({("discriminator",): model.scope.total(loss)}, (outputs,))

    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        passes, total = self._pass(model, x, noise, False, reverse=True), model.scope.total
        f_data, f_model = passes.outputs.f_data, passes.outputs.f_model
        pixels = self._log_likelihood(model, x, passes.decoded)
        log_p = self._with_features(model, x, passes.decoded, pixels)
        forward = total(self.adversarial.forward(log_p, f_data, alpha))
        reverse = total(self.adversarial.reverse(f_model, alpha))
        return forward, reverse + self._of_categories(model, passes, alpha)

    def _pass(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool, reverse: bool
    ) -> Passes:
        """The passes of an update; fakes have a graph only where θ has a reverse half."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and reverse):
            fake = self.fakes(model, x, noise)
        outputs = discriminator_outputs(model, x, fake, noise, penalized)
        z, kl = self._encode(model, x, noise.posterior)
        return Passes(outputs, kl, z, model.decode(z))

    def _scale(self, model: AlphaBridge, x: Tensor, alpha: float, gamma: Gamma) -> Tensor:
        """n, by which θ's loss is divided, ``(*trials, 1)``."""
        numbers = model.scope.numbers(x.shape[model.batch_ndim :])
        balanced = balanced_kappa(model.sigma.detach(), numbers)
        return gamma.kappa(alpha) + balanced * gamma(alpha)

    def _encode(self, model: AlphaBridge, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """A draw from the encoder, and its divergence from the prior."""
        mean, log_variance = model.posterior(x)
        kl = kl_to_prior(mean, log_variance, mean.ndim - model.batch_ndim)
        return reparameterize(mean, log_variance, noise), kl

    def _log_likelihood(self, model: AlphaBridge, x: Tensor, decoded: Tensor) -> Tensor:
        """Of the pixels, of the shape of the logits."""
        return model.scope.log_likelihood(x, decoded, model.sigma, x.ndim - model.batch_ndim)

    def _of_categories(
        self,
        model: AlphaBridge,  # noqa: ARG002
        passes: Passes,  # noqa: ARG002
        alpha: float,  # noqa: ARG002
    ) -> Tensor | float:
        """Zero, with the reverse half's gradient to the categories of fakes, if they have any."""
        return 0.0

    def _with_features(
        self, model: AlphaBridge, x: Tensor, decoded: Tensor, pixels: Tensor
    ) -> Tensor:
        """The log-likelihood of the pixels and, if there are any, of the features."""
        if self.features is None:
            return pixels
        return pixels + model.scope.of_pixels(self.features(x, decoded))


def discriminator_outputs(
    model: AlphaBridge, x: Tensor, fake: Tensor, noise: Noise, penalized: bool
) -> DiscriminatorOutputs:
    """Logits of data, ``(*trials, batch, *event)``, and those of fakes when they are asked for."""
    real = x.detach().requires_grad_(penalized)
    return DiscriminatorOutputs(
        model.logits, real, model.logits(real), fake, noise.penalty, model.scope
    )
