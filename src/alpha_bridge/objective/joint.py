r"""Both joints bridged: :math:`D_\alpha[p_\theta(x, z)\|q_\phi(x, z)]` and its mirror image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import AlphaBridge
from ..penalty import DiscriminatorOutputs
from .base import Noise
from .mutual import JointSamples, MutualBridge

__all__ = ["JointBridge", "pairs"]


@dataclass(frozen=True)
class JointBridge(MutualBridge):
    r"""The second generalisation of section 3.3, which resembles ALICE.

    .. math::
        f_\theta = h = \log q_\phi(x, z) - \log p_\theta(x, z), \qquad f_\phi = -h

    from one discriminator of :func:`pairs`: the data of θ are the encoder's pairs (x, z) and its
    samples are (x', z'), and for φ the other way round. So θ follows
    :math:`D_\alpha[p_\theta(x,z) \| q_\phi(x,z)]` and φ follows
    :math:`D_\alpha[q_\phi(x,z) \| p_\theta(x,z)]`; at α = 1 this is adversarially learned
    inference with reverse divergences.

    Source:
        Zhao et al., AAAI 2020, section 3.3; Dumoulin et al., Adversarially Learned Inference, ICLR
        2017; Li et al., ALICE: Towards Understanding Adversarial Learning for Joint Distribution
        Matching, NeurIPS 2017.
    """

    def discriminate(
        self, model: AlphaBridge, samples: JointSamples, noise: Noise, penalized: bool
    ) -> tuple[DiscriminatorOutputs, ...]:
        h = model.log_ratio
        encoded = pairs(samples.x.detach(), samples.z, model.batch_ndim)
        made = pairs(samples.fake, samples.prior, model.batch_ndim)
        if penalized:
            encoded.requires_grad_().retain_grad()
        return (DiscriminatorOutputs(h, encoded, h(encoded), made, noise.penalty),)

    def ratios(
        self, outputs: tuple[DiscriminatorOutputs, ...]
    ) -> tuple[tuple[Tensor, Tensor], ...]:
        (both,) = outputs
        return (both.f_data, both.f_model), (-both.f_model, -both.f_data)


def pairs(x: Tensor, z: Tensor, batch_ndim: int = 1) -> Tensor:
    """Samples ``(*trials, batch, *event)`` with their latents, as a discriminator takes them.

    Returns:
        Vectors of all numbers of x, followed by those of z, shape ``(*trials, batch, D)``.

    Example:
        >>> pairs(torch.zeros(5, 1, 8, 8), torch.zeros(5, 2)).shape
        torch.Size([5, 66])
    """
    return torch.cat([x.flatten(batch_ndim), z.flatten(batch_ndim)], -1)
