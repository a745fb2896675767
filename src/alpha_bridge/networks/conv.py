"""Convolutional networks for square images of 8 to 64 pixels.

All three halve or double the image between its size and a base of 4 to 7 pixels. None of them
mixes samples: there is no batch normalisation.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..checks import at_least, halved_twice, times_halved
from ..settings import ModelConfig
from .blueprint import shareable
from .halving import convolutions, require_sizes, widths
from .surrogate import GaussianHead

__all__ = [
    "ConvDiscriminator",
    "ConvEncoder",
    "ConvGenerator",
    "ConvPairDiscriminator",
    "ConvTranslator",
]


class _Flatten(nn.Module):
    """Images ``(batch, channels, size, size)`` to vectors, channels innermost.

    That is their order in memory, in which nothing has to be moved, backward or forward.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class _Unflatten(nn.Module):
    """Vectors to images of ``size`` pixels, channels innermost in both."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        images: Tensor = x.unflatten(-1, (self.size, self.size, -1))
        return images.permute(0, 3, 1, 2)


class _ConvBody(nn.Sequential):
    """Images to features ``(batch, outputs)``."""

    def __init__(
        self, size: int, channels: int, width: int, hidden: int, outputs: int, trials: int | None
    ) -> None:
        require_sizes(trials, channels=channels, width=width, hidden=hidden, outputs=outputs)
        halvings = times_halved(size)
        base, each = size >> halvings, [channels, *widths(width, halvings)]
        super().__init__(
            *convolutions(each),
            _Flatten(),
            nn.Linear(each[-1] * base**2, hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden, outputs),
        )


@shareable
class ConvDiscriminator(_ConvBody):
    """Discriminator of images: ``(batch, channels, size, size)`` to logits ``(batch, 1)``."""

    def __init__(
        self,
        size: int,
        channels: int,
        width: int = ModelConfig.width,
        hidden: int = ModelConfig.hidden[-1],
        trials: int | None = None,
    ) -> None:
        """Draw the first weights, for images of one size.

        Args:
            size: Pixels of a side: base · 2ᵏ with a base of 4 to 7, such as 8, 28 or 64.
            channels: Colours, one to three.
            width: Channels of the layer next to the image; deeper ones have more.
            hidden: Size of the fully connected layer.
            trials: None; images have no stacked trials.
        """
        super().__init__(size, channels, width, hidden, 1, trials)


@shareable
class ConvEncoder(_ConvBody):
    """Encoder of images: ``(batch, channels, size, size)`` to two ``(batch, latent)``."""

    def __init__(
        self,
        latent: int,
        size: int,
        channels: int,
        width: int = ModelConfig.width,
        hidden: int = ModelConfig.hidden[-1],
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; as for :class:`ConvDiscriminator`, with a latent's size."""
        super().__init__(size, channels, width, hidden, 2 * latent, trials)
        self.append(GaussianHead())


@shareable
class ConvGenerator(nn.Sequential):
    """Generator of images: latents ``(batch, latent)`` to images in [−1, 1].

    Example:
        >>> ConvGenerator(latent=2, size=8, channels=1)(torch.zeros(5, 2)).shape
        torch.Size([5, 1, 8, 8])
    """

    def __init__(
        self,
        latent: int,
        size: int,
        channels: int,
        width: int = ModelConfig.width,
        hidden: int = ModelConfig.hidden[-1],
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; arguments as of :class:`ConvEncoder`."""
        require_sizes(trials, latent=latent, channels=channels, width=width, hidden=hidden)
        halvings = times_halved(size)
        base = size >> halvings
        each = [*reversed(widths(width, halvings)), channels]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(each):
            layers += [
                nn.LeakyReLU(0.2, inplace=True),
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1),
            ]
        super().__init__(
            nn.Linear(latent, hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden, each[0] * base**2),
            _Unflatten(base),
            *layers,
            nn.Tanh(),
        )
        self.latent_shape = (latent,)


@shareable
class ConvPairDiscriminator(nn.Module):
    """Discriminator of pairs: images and their latents, as vectors, to logits ``(batch, 1)``.

    A pair is what :func:`~alpha_bridge.objective.pairs` makes, ``(batch, channels · size² +
    latent)``; the latent joins the features of the image before the fully connected layers.
    """

    def __init__(
        self,
        latent: int,
        size: int,
        channels: int,
        width: int = ModelConfig.width,
        hidden: int = ModelConfig.hidden[-1],
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; arguments as of :class:`ConvEncoder`."""
        super().__init__()
        self.image = (channels, size, size)
        self.features = _ConvBody(size, channels, width, hidden, hidden, trials)
        self.head = nn.Sequential(
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden + latent, hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden, 1),
        )

    def forward(self, pairs: Tensor) -> Tensor:
        numbers = math.prod(self.image)
        features = self.features(pairs[:, :numbers].unflatten(-1, self.image))
        logits: Tensor = self.head(torch.cat([features, pairs[:, numbers:]], -1))
        return logits


class _Residual(nn.Module):
    """What two convolutions add to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.added = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = x + self.added(x)
        return total


@shareable
class ConvTranslator(nn.Module):
    r"""From images of one domain to those of another, of one size: :math:`P x + \text{CNN}(x)`.

    Two halvings, residual layers and two doublings, so that an output sees a good part of the image
    around it and keeps its place. P takes over as many colours as both domains have, so that a
    translation begins near what they share; nothing bounds its pixels, which learn to stay in
    [−1, 1].

    Example:
        >>> ConvTranslator(size=8, channels=1, outputs=3)(torch.zeros(5, 1, 8, 8)).shape
        torch.Size([5, 3, 8, 8])

    Source:
        Johnson, Alahi and Fei-Fei, Perceptual Losses for Real-Time Style Transfer and
        Super-Resolution, ECCV 2016, as in CycleGAN; without normalisation, and smaller.
    """

    shared: Tensor

    def __init__(
        self,
        size: int,
        channels: int,
        outputs: int,
        width: int = ModelConfig.width,
        depth: int = 2,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights, for images of one size.

        Args:
            size: Pixels of a side, a multiple of four.
            channels: Colours of the images that it takes.
            outputs: Colours of those that it makes.
            width: Channels of the layer next to the image; further in there are twice as many.
            depth: Residual layers, zero or more.
            trials: None; images have no stacked trials.
        """
        super().__init__()
        require_sizes(trials, channels=channels, outputs=outputs, width=width)
        at_least(0, "depth", depth)
        halved_twice(size)
        self.moved = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            *(_Residual(2 * width) for _ in range(depth)),
            nn.LeakyReLU(0.2, inplace=True),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.ConvTranspose2d(width, outputs, 4, stride=2, padding=1),
        )
        self.latent_shape = (channels, size, size)
        kernel = torch.eye(outputs, channels)[..., None, None]
        self.register_buffer("shared", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        translated: Tensor = nn.functional.conv2d(x, self.shared) + self.moved(x)
        return translated
