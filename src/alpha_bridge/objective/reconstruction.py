r"""The bridge between reconstructions and the data, for an autoencoder whose prior is never drawn.

The model is :math:`p_\theta(x) = \int p_\theta(x|z) \, \bar q(z) \, dz` with the aggregated
posterior :math:`\bar q(z) = E_{q(x')}[q_\phi(z|x')]` in place of N(0, I).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..model import AlphaBridge
from .base import Noise
from .data import DataBridge, Passes, discriminator_outputs

__all__ = ["ReconstructionBridge"]


@dataclass(frozen=True)
class ReconstructionBridge(DataBridge):
    r"""What :class:`DataBridge` follows, with reconstructions in place of samples of the prior.

    .. math::
        \theta:\ & -\kappa_\alpha e^{-\alpha f(x)} \log \tilde p_\theta(x|z)
                  - \gamma_\alpha \ln_{1-\alpha} e^{f(x')}, \qquad x' = G_\theta(z'), \
                    z' \sim \bar q \\
        \phi:\ & \text{the same} + w \, KL[q_\phi(z|x) \| N(0, I)]

    For the bound on the model's log-likelihood,

    .. math::
        \log p_\theta(x) \ge E_{q_\phi(z|x)}[\log p_\theta(x|z)] - KL[q_\phi(z|x) \| \bar q(z)],

    ends in a term in which θ has no part; its mean over the data is the mutual information of x
    and z. So θ's line is that of the paper: α = 0 is the autoencoder, and α = 1 the reverse KL of
    reconstructions, at any w. Samples of this model depend on φ as they do on θ, so that both
    follow one line: an encoder that is left to the likelihood alone takes the detail out of latents
    that the generator is asked for. Of the last term φ has the bound
    :math:`w \, KL[q_\phi(z|x) \| N(0, I)]`, which autoencoders of latent diffusion have with
    w = 1e-6. φ may also be frozen: then latents stay what they were.

    Whose reconstruction x' is plays no part in any loss, so that those of the batch serve, and one
    pass through both networks, forward and back, is enough.
    """

    one_line: ClassVar[bool] = True

    def fakes(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Tensor:
        z, _ = self._encode(model, x, noise.posterior)
        return model.decode(z)

    def _pass(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool, reverse: bool
    ) -> Passes:
        z, kl = self._encode(model, x, noise.posterior)
        decoded = model.decode(z)
        fake = decoded.clone() if reverse else decoded.detach()
        return Passes(discriminator_outputs(model, x, fake, noise, penalized), kl, z, decoded)
