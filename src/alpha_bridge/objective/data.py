r"""The bridge between the model and the data: :math:`D_\alpha[p_\theta(x) \| q(x)]`."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..adversarial import AdversarialLoss, Bridge
from ..gamma import Gamma
from ..gaussian import elbo, kl_to_prior, log_likelihood, mean_squared_error, reparameterize
from ..model import AlphaBridge, NetworkName
from ..penalty import DiscriminatorOutputs
from ..settings import ObjectiveConfig
from .backward import divisible, mixes_samples, rescale_gradient, slopes, summed
from .base import Losses, Noise, Objective

__all__ = ["MSE", "DataBridge"]

MSE = "mse"
"""The diagnostic that is the mean squared error of the batch's reconstructions, in model units."""


@dataclass(frozen=True)
class DataBridge(Objective):
    r"""The objective of the paper, equations (15) and (16), and of its baselines.

    .. math::
        \theta:\ & -\kappa_\alpha e^{-\alpha f(x)} \log \tilde p_\theta(x|z)
                  - \gamma_\alpha \ln_{1-\alpha} e^{f(x')} \\
        \phi:\ & -\log \tilde p_\theta(x|z) + KL[q_\phi(z|x) \| p(z)] \\
        \beta:\ & -\log \sigma(f(x)) - \log(1 - \sigma(f(x')))

    with :math:`x \sim q`, :math:`z \sim q_\phi(z|x)`, :math:`x' = G_\theta(z')`,
    :math:`z' \sim N(0, I)`. At α = 1 the first line is the reverse KL (7) alone. The first and
    the last line are those of :class:`~alpha_bridge.adversarial.Bridge`; another adversarial loss
    has others.

    Attributes:
        adversarial: The losses of θ and β.
        one_backward: Whether the networks share one backward pass where that is exact. θ's loss
            and the plain ELBO of φ have parallel gradients at each encoding, so that one pass
            through the generator serves both, where float32 can divide by the weights. θ's loss
            and that of β have parallel gradients at each fake sample, so that one pass through the
            discriminator serves both, where float32 can divide by β's slope in every logit (from
            −46 up in the logistic loss): with one fake below, each has a pass of its own in that
            update. A network with batch normalisation mixes samples, and is passed once for each;
            switch this off for one that mixes them in another way, and where an update is
            captured in a CUDA graph, which cannot look at the logits.

    Source:
        Zhao et al., AAAI 2020, Algorithm 1 and equations (3), (4), (15), (16).
    """

    adversarial: AdversarialLoss = field(default_factory=Bridge)
    one_backward: bool = ObjectiveConfig.one_backward

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
        outputs = _discriminate(model, x, noise, penalized, trains_generator=reverse)
        f_data, f_model = outputs.f_real, outputs.f_fake
        z, kl = _encode(model, x, noise.posterior)
        log_p = _log_likelihood(model, x, z)

        def theta(log_p: Tensor, f_model: Tensor) -> Tensor:
            return self.adversarial.generator(log_p, f_data, f_model, alpha, gamma)

        def beta(f_model: Tensor) -> Tensor:
            return self.adversarial.discriminator(f_data, f_model)

        values: dict[NetworkName, Tensor] = {
            "generator": theta(log_p, f_model),
            "encoder": -elbo(log_p, kl),
            "discriminator": beta(f_model),
        }
        losses, joined = dict(values), list[NetworkName](["generator"])
        if self.one_backward:
            of_likelihood, of_theta = slopes(theta, log_p, f_model)
            (of_beta,) = slopes(beta, f_model)
            by_likelihood, by_beta = divisible(of_likelihood, of_beta)
            if by_likelihood and not mixes_samples(model.generator):
                rescale_gradient(z, -1 / of_likelihood)
                losses["encoder"] = kl
                joined.append("encoder")
            if (by_beta or not reverse) and not mixes_samples(model.discriminator):
                rescale_gradient(outputs.fake, of_theta / of_beta)
                losses["generator"] = theta(log_p, f_model.detach())
                joined.append("discriminator")
        size = math.prod(x.shape[model.batch_ndim :])
        error = mean_squared_error(log_p.detach(), model.sigma.detach(), size)
        diagnostics = {
            **self.adversarial.diagnostics(f_data.detach(), f_model.detach(), alpha),
            MSE: error.mean(-1),
        }
        return Losses(summed(losses, joined), (outputs,), values, diagnostics)

    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        outputs = _discriminate(model, x, noise, penalized, trains_generator=False)
        loss = self.adversarial.discriminator(outputs.f_real, outputs.f_fake)
        return Losses({("discriminator",): loss}, (outputs,))

    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        f_data, f_model = model.log_ratio(x), model.log_ratio(model.decode(noise.prior))
        z, _ = _encode(model, x, noise.posterior)
        forward = self.adversarial.forward(_log_likelihood(model, x, z), f_data, alpha)
        return forward, self.adversarial.reverse(f_model, alpha)


def _discriminate(
    model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool, trains_generator: bool
) -> DiscriminatorOutputs:
    """Logits of data and fakes; the fakes have a graph only where it is of use."""
    real = x.detach().requires_grad_(penalized)
    f_real = model.log_ratio(real)
    with torch.set_grad_enabled(torch.is_grad_enabled() and trains_generator):
        fake = model.decode(noise.prior)
    return DiscriminatorOutputs(model.log_ratio, real, f_real, fake, noise.penalty)


def _encode(model: AlphaBridge, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """A draw from the encoder and its divergence from the prior."""
    mean, log_variance = model.posterior(x)
    kl = kl_to_prior(mean, log_variance, mean.ndim - model.batch_ndim)
    return reparameterize(mean, log_variance, noise), kl


def _log_likelihood(model: AlphaBridge, x: Tensor, z: Tensor) -> Tensor:
    return log_likelihood(x, model.decode(z), model.sigma, x.ndim - model.batch_ndim)
