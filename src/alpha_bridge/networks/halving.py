"""Convolutions that halve an image each: what networks of images share."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from ..checks import at_least, not_stacked


def require_sizes(trials: int | None, **sizes: int) -> None:
    """Raise ``ValueError`` for a size below 1, and for stacked trials, which images do not have."""
    for name, size in sizes.items():
        at_least(1, name, size)
    not_stacked(trials)


def widths(width: int, halvings: int) -> list[int]:
    """Channels after each of up to four halvings: they double.

    Example:
        >>> widths(32, 3)
        [32, 64, 128]
    """
    return [width * 2**level for level in range(halvings)]


def convolutions(channels: Sequence[int]) -> list[nn.Module]:
    """From channels to channels, halving the image each time: 4×4 kernels, leaky rectifiers.

    Example:
        >>> import torch
        >>> nn.Sequential(*convolutions([3, 8, 16]))(torch.zeros(5, 3, 32, 32)).shape
        torch.Size([5, 16, 8, 8])
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return layers
