r"""The likelihood of an image's features, beside that of its pixels.

What is observed of an image is then also :math:`h(x)`, with Gaussian noise of its own:
:math:`h(x) \sim N(h(G_\theta(z)), \sigma_h^2 I)`. It joins the surrogate (13) and its bound (3).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..gaussian import LOG_TWO_PI

__all__ = ["FeatureDistance", "FeatureLikelihood"]

LEAST = 1e-12
"""Of a mean squared error: that of features that are equal."""


@dataclass(frozen=True)
class FeatureLikelihood:
    r"""Log-likelihood of features under those of what a latent is decoded to.

    :math:`\sigma_h^2` is the mean squared error of the batch, at which the likelihood is largest;
    each layer has its own. It is a constant to the gradient.

    Attributes:
        network: h, frozen and in evaluation mode: from images ``(batch, C, H, W)`` in [−1, 1] to
            features, a tensor or several, each ``(batch, F)`` or ``(batch, F, h, w)``. No module
            has it as a part, and it follows the images to their device.

    Example:
        >>> likelihood = FeatureLikelihood(nn.AvgPool2d(2))
        >>> x = torch.zeros(2, 3, 8, 8)
        >>> likelihood(x, x + 1).shape
        torch.Size([2, 8, 8])
    """

    network: nn.Module

    def __call__(self, x: Tensor, decoded: Tensor) -> Tensor:
        """Nats for each pixel, ``(batch, H, W)``, the features' spread over the pixels they see.

        Args:
            x: Images, ``(batch, C, H, W)``.
            decoded: What their latents are decoded to, with its graph.
        """
        with torch.no_grad():
            features = _several(self.network, x)
        of_pixels = [
            _spread(_log_likelihood(true, made), x.shape[-2:])
            for true, made in zip(features, _several(self.network, decoded), strict=True)
        ]
        return torch.stack(of_pixels).sum(0)


@dataclass(frozen=True)
class FeatureDistance:
    r"""Mean squared difference of features of unit length, summed over layers.

    It is the learned perceptual distance with equal weights of all channels.

    Attributes:
        network: As of :class:`FeatureLikelihood`.

    Source:
        Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR
        2018.
    """

    network: nn.Module

    def __call__(self, x: Tensor, decoded: Tensor) -> Tensor:
        """The distance of each image and what its latent is decoded to, ``(batch,)``."""
        with torch.no_grad():
            features = [F.normalize(one) for one in _several(self.network, x)]
        made = [F.normalize(one) for one in _several(self.network, decoded)]
        of_layers = [
            (true - other).square().sum(1).flatten(1).mean(1)
            if true.ndim > 2
            else (true - other).square().sum(1)
            for true, other in zip(features, made, strict=True)
        ]
        return torch.stack(of_layers).sum(0)


def _several(network: nn.Module, x: Tensor) -> list[Tensor]:
    """The features of images, by a network that is moved to where they are."""
    features = network.to(x.device)(x)
    return [features] if isinstance(features, Tensor) else [*features]


def _log_likelihood(true: Tensor, made: Tensor) -> Tensor:
    """Of each place, ``(batch, h, w)``, or ``(batch, 1, 1)`` for features without places."""
    squared = (true - made).square()
    variance = squared.detach().mean().clamp_min(LEAST)
    nats = -(squared / variance + variance.log() + LOG_TWO_PI).sum(1) / 2
    return nats if nats.ndim == 3 else nats[:, None, None]


def _spread(nats: Tensor, size: torch.Size) -> Tensor:
    """The same nats, over the pixels of an image of that size: each place's over those below it."""
    rows, columns = (_shares(*of).to(nats) for of in zip(nats.shape[1:], size, strict=True))
    return rows @ nats @ columns.mT


def _shares(places: int, pixels: int) -> Tensor:
    """What each of the pixels along a line has of each place, ``(pixels, places)``.

    Both divide the line evenly, and a place's shares are as long as its parts in the pixels.

    Example:
        >>> _shares(3, 2)
        tensor([[1.0000, 0.5000, 0.0000],
                [0.0000, 0.5000, 1.0000]])
    """
    place = torch.arange(places + 1) * pixels  # where they end, in whole numbers
    pixel = torch.arange(pixels + 1).unsqueeze(-1) * places
    common = torch.minimum(place[1:], pixel[1:]) - torch.maximum(place[:-1], pixel[:-1])
    return common.clamp_min(0) / pixels
