r"""Both marginals bridged: :math:`D_\alpha[p_\theta(x)\|q(x)] + D_\alpha[q_\phi(z)\|p(z)]`."""

from dataclasses import dataclass

from torch import Tensor

from ..model import AlphaBridge
from ..penalty import DiscriminatorOutputs
from .base import Noise
from .mutual import JointSamples, MutualBridge

__all__ = ["MarginalBridge"]


@dataclass(frozen=True)
class MarginalBridge(MutualBridge):
    r"""The first generalisation of section 3.3, which resembles CycleGAN.

    .. math::
        f_\theta = f = \log q(x) - \log p_\theta(x), \qquad
        f_\phi = g = \log p(z) - \log q_\phi(z)

    f at data and at model samples, g at latents of the prior and at encodings, each from a
    discriminator of its own. p(z) is N(0, I), or a second domain of data: the model then
    translates between the two. Where the encoder's noise is :math:`\sigma^2 I`,
    :math:`-\log q_\phi(z'|x')` is the paper's :math:`\|z' - E_\phi(x')\|^2 / 2\sigma^2`, but for a
    constant.

    The reverse halves follow these divergences. The forward halves follow a bound: φ's, for fakes
    with the noise of (13), has the gradient of

    .. math::
        D_\alpha[q_\phi(z) \| p(z)]
        + \tfrac{1}{1-\alpha} E_{r_\alpha(z)} KL[p_\theta(x|z) \| q_\phi(x|z)],
        \qquad r_\alpha = q_\phi(z)^\alpha p(z)^{1-\alpha} \text{ held constant}

    and θ's likewise with the gap :math:`KL[q_\phi(z|x) \| p_\theta(z|x)]` of the evidence bound. At
    α = 0 they are :math:`KL[p_\theta(x, z) \| q_\phi(x, z)]` and its mirror image, as in the joint
    bridge; they are exact where the arms are each other's posterior. The paper has ≈ there.

    The model's discriminator is one for both spaces, such as
    :class:`~alpha_bridge.networks.Marginals`.

    Source:
        Zhao et al., AAAI 2020, section 3.3; Zhu et al., Unpaired Image-to-Image Translation using
        Cycle-Consistent Adversarial Networks, ICCV 2017.
    """

    def discriminate(
        self, model: AlphaBridge, samples: JointSamples, noise: Noise, penalized: bool
    ) -> tuple[DiscriminatorOutputs, ...]:
        f, g = model.log_ratio, model.latent_log_ratio
        x, prior = (data.detach().requires_grad_(penalized) for data in (samples.x, samples.prior))
        return (
            DiscriminatorOutputs(f, x, f(x), samples.fake, noise.penalty),
            DiscriminatorOutputs(g, prior, g(prior), samples.z, noise.penalty),
        )

    def ratios(
        self, outputs: tuple[DiscriminatorOutputs, ...]
    ) -> tuple[tuple[Tensor, Tensor], ...]:
        return tuple((space.f_data, space.f_model) for space in outputs)
