r"""What of a sample has a logit of its own: all of it, or patches of an image, one by one.

A convolutional discriminator without a dense layer has a logit for each of the M patches of an
image. They are one function of what a patch u holds: where it lies the network cannot know, unless
padding shows it. So the best logit is a log ratio of means over places, of the patches' marginals
:math:`q_k` and :math:`p_k`, and the bridge follows

.. math:: \frac{M}{N} D_\alpha[\bar p \| \bar q], \qquad
    \bar q = \frac1M \sum_k q_k, \quad \bar p = \frac1M \sum_k p_k, \quad
    f = \log \bar q - \log \bar p

with patches of r × r pixels, s apart, of which :math:`N = r^2 / s^2` cover each pixel. It is at
most :math:`\frac1N \sum_k D_\alpha[p_k \| q_k]`, and equal where patches are alike at all places.

The reverse twin, a patch in place of a sample, has exactly this gradient. The forward one has
:math:`e^{-\alpha f(u_k)} \log p_k(u_k)`, which falls on the patch's own pixels: places are latents,

.. math:: \log \bar p(u) \ge E_{r(k|u)}[\log p_k(u)] - KL[r(k|u) \| 1/M], \qquad
    r(k|u) = \frac{q_k(u)}{\sum_j q_j(u)}

and θ has no part in the last term. So the likelihood also asks for patches at their own places,
which the divergence does not.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checks import at_least
from ..gaussian import log_likelihood

__all__ = ["WHOLE", "Patches", "Scope", "Whole"]


class Scope(ABC):
    """What of a sample has a logit of its own."""

    @abstractmethod
    def log_likelihood(self, x: Tensor, mean: Tensor, sigma: Tensor, event_dim: int) -> Tensor:
        r"""Log-likelihood (13) of what has a logit, of the shape of the logits.

        Args:
            x: Samples, shape ``(*trials, batch, *event)``.
            mean: :math:`G_\theta(z)`, the same shape.
            sigma: σ, shape ``(*trials, 1)``.
            event_dim: Dimensions of one sample.
        """

    @abstractmethod
    def of_pixels(self, terms: Tensor) -> Tensor:
        """The same from log-likelihoods of single pixels, ``(*trials, batch, height, width)``."""

    @abstractmethod
    def total(self, values: Tensor) -> Tensor:
        """One number for each sample, ``(*trials, batch)``, from one for each logit."""

    @staticmethod
    @abstractmethod
    def numbers(event_shape: Sequence[int]) -> int:
        """d, the numbers by which a dial weighs the likelihood of a sample against its logits."""


class Whole(Scope):
    """A sample as a whole, which has one logit.

    Example:
        >>> Whole().of_pixels(torch.ones(2, 3, 3))
        tensor([9., 9.])
    """

    def log_likelihood(self, x: Tensor, mean: Tensor, sigma: Tensor, event_dim: int) -> Tensor:
        return log_likelihood(x, mean, sigma, event_dim)

    def of_pixels(self, terms: Tensor) -> Tensor:
        return terms.sum((-2, -1))

    def total(self, values: Tensor) -> Tensor:
        return values

    @staticmethod
    def numbers(event_shape: Sequence[int]) -> int:
        return prod(event_shape)


WHOLE = Whole()

SIDE = 32
"""Pixels of a side at which the dial was measured with patches."""


@dataclass(frozen=True)
class Patches(Scope):
    r"""Squares of pixels, evenly spaced, as the logits of a convolutional network see them.

    A patch at the border has pixels outside of the image, which are the same in all images and
    play no part. So pixels near the border are in fewer patches than the N of others, and by
    themselves would count less. A pixel in n patches has the variance :math:`\sigma^2 n / N`
    instead: then the totals of all likelihoods are the likelihood (13) of the whole image, and α =
    0 is the plain autoencoder.

    Attributes:
        size: r, pixels of a side.
        stride: s, pixels from one to the next, at most r.
        padding: By how many pixels the first one begins outside of the image, at most r / 2.

    Raises:
        ValueError: A number is out of its range.

    Example:
        >>> patches = Patches(size=4, stride=2, padding=1)
        >>> patches.of_pixels(torch.ones(8, 8)).shape, patches.total(torch.ones(4, 4))
        (torch.Size([4, 4]), tensor(4.))
    """

    size: int
    stride: int
    padding: int = 0

    def __post_init__(self) -> None:
        at_least(1, "size", self.size)
        at_least(1, "stride", self.stride)
        if self.stride > self.size or not 0 <= 2 * self.padding <= self.size:
            raise ValueError(
                f"patches of {self.size} pixels must lie at most that far apart, with a padding of "
                f"at most half of it, got a stride of {self.stride} and a padding of {self.padding}"
            )

    @property
    def overlap(self) -> float:
        """N, patches that cover a pixel far from the border."""
        return (self.size / self.stride) ** 2

    def log_likelihood(self, x: Tensor, mean: Tensor, sigma: Tensor, event_dim: int) -> Tensor:
        assert event_dim == 3
        colours_last = x.movedim(-3, -1), mean.movedim(-3, -1)
        return self.of_pixels(log_likelihood(*colours_last, sigma[..., None, None]))

    def of_pixels(self, terms: Tensor) -> Tensor:
        r"""Of each patch the sum over its pixels, :math:`N \sum_u \ell_u / n_u`."""
        *lead, height, width = terms.shape
        covered = self._covered(height)[:, None] * self._covered(width)
        shares = terms / covered.to(terms) * self.overlap
        images = shares.reshape(-1, 1, height, width)
        sums = F.avg_pool2d(images, self.size, self.stride, self.padding, divisor_override=1)
        return sums.reshape(*lead, *sums.shape[-2:])

    def total(self, values: Tensor) -> Tensor:
        r"""The sum over all patches, over N."""
        return values.sum((-2, -1)) / self.overlap

    @staticmethod
    def numbers(event_shape: Sequence[int]) -> int:
        """Those of 32 × 32 pixels, whatever the image has: the gradients of the patches' total and
        of the likelihood grow alike with the side, so that neither gains on the other."""
        return event_shape[-3] * SIDE**2

    def _covered(self, length: int) -> Tensor:
        """n along a side of so many pixels: in how many patches each of them is."""
        return _covered(length, self.size, self.stride, self.padding)


@cache
def _covered(length: int, size: int, stride: int, padding: int) -> Tensor:
    patches = (length + 2 * padding - size) // stride + 1
    begin = torch.arange(max(patches, 0))[:, None] * stride - padding
    pixel = torch.arange(length)
    covered = ((begin <= pixel) & (pixel < begin + size)).sum(0)
    if not covered.all():
        raise ValueError(
            f"patches of {size} pixels, {stride} apart, leave out pixels of an image of {length}: "
            "give larger images, or smaller patches"
        )
    return covered
