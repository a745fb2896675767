r"""Both joints bridged: :math:`D_\alpha[p_\theta(x, z)\|q_\phi(x, z)]` and its mirror image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import AlphaBridge
from ..penalty import Judged
from .base import Noise
from .mutual import Ends, MutualBridge

__all__ = ["JointBridge", "pairs"]


@dataclass(frozen=True)
class JointBridge(MutualBridge):
    r"""The second generalisation of section 3.3, which resembles ALICE.

    .. math::
        f_\theta = h = \log q_\phi(x, z) - \log p_\theta(x, z), \qquad f_\phi = -h

    from one discriminator of pairs, of :func:`pairs`: θ meets the encoder's pairs (x, z) with its
    own (x', z'), and φ the other way round. So θ follows
    :math:`D_\alpha[p_\theta(x,z) \| q_\phi(x,z)]` and φ follows
    :math:`D_\alpha[q_\phi(x,z) \| p_\theta(x,z)]`; at α = 1 this is adversarially learned
    inference with reverse divergences.

    Source:
        Zhao et al., AAAI 2020, section 3.3; Dumoulin et al., Adversarially Learned Inference, ICLR
        2017; Li et al., ALICE: Towards Understanding Adversarial Learning for Joint Distribution
        Matching, NeurIPS 2017.
    """

    def judge(
        self, model: AlphaBridge, ends: Ends, noise: Noise, penalized: bool
    ) -> tuple[Judged, ...]:
        h = model.log_ratio
        encoded = pairs(ends.x.detach(), ends.z, model.batch_ndim)
        made = pairs(ends.fake, ends.prior, model.batch_ndim)
        if penalized:
            encoded.requires_grad_().retain_grad()
        return (Judged(h, encoded, h(encoded), made, noise.penalty),)

    def ratios(self, judged: tuple[Judged, ...]) -> tuple[tuple[Tensor, Tensor], ...]:
        (both,) = judged
        return (both.f_real, both.f_fake), (-both.f_fake, -both.f_real)


def pairs(x: Tensor, z: Tensor, batch_ndim: int = 1) -> Tensor:
    """Samples and their latents as a discriminator of pairs takes them.

    Args:
        x: Samples, shape ``(*trials, batch, *event)``.
        z: Latents, shape ``(*trials, batch, *latent_shape)``.
        batch_ndim: Number of leading dimensions that are not of one sample.

    Returns:
        Vectors of all numbers of x, followed by those of z, shape ``(*trials, batch, D)``.

    Example:
        >>> pairs(torch.zeros(5, 1, 8, 8), torch.zeros(5, 2)).shape
        torch.Size([5, 66])
    """
    return torch.cat([x.flatten(batch_ndim), z.flatten(batch_ndim)], -1)
