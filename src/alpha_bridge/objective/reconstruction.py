r"""The bridge between reconstructions and the data, for an autoencoder whose prior is never drawn.

The model is :math:`p_\theta(x) = \int p_\theta(x|z) \, \bar q(z) \, dz` with the aggregated
posterior :math:`\bar q(z) = E_{q(x')}[q_\phi(z|x')]` in place of N(0, I).
"""

from dataclasses import dataclass

from torch import Tensor

from ..model import AlphaBridge
from .base import Noise
from .data import DataBridge, Passes, discriminate

__all__ = ["ReconstructionBridge"]


@dataclass(frozen=True)
class ReconstructionBridge(DataBridge):
    r"""What :class:`DataBridge` follows, with reconstructions in place of samples of the prior.

    The bound on its log-likelihood,

    .. math::
        \log p_\theta(x) \ge E_{q_\phi(z|x)}[\log p_\theta(x|z)] - KL[q_\phi(z|x) \| \bar q(z)],

    ends in a term in which θ has no part; its mean over the data is the mutual information of x
    and z. So θ's line stays that of the paper, with :math:`x' = G_\theta(z')`,
    :math:`z' \sim \bar q`: α = 0 is the autoencoder, and α = 1 the reverse KL of reconstructions,
    at any weight of φ's own divergence from N(0, I). Whose reconstruction x' is plays no part in
    any loss, so that those of the batch serve, and one pass through the generator is enough. φ may
    be frozen: then latents stay what they were.
    """

    @property
    def decodes_fakes_apart(self) -> bool:
        return False

    def fakes(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Tensor:
        z, _ = self._encode(model, x, noise.posterior)
        return model.decode(z.detach())

    def _pass(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool, reverse: bool
    ) -> Passes:
        z, kl = self._encode(model, x, noise.posterior)
        decoded = model.decode(z)
        fake = decoded.clone() if reverse else decoded.detach()
        return Passes(discriminate(model, x, fake, noise, penalized), kl, z, decoded)
