"""The middle squares of the images of a source, as a source of their own."""

import numpy as np
import torch
from torch import Tensor

from ..checks import require_crop
from .source import Source

PART = 250
"""Images that are held whole at once."""


class MiddleSquares(Source):
    """Of each image the square in its middle, for networks that take no larger images.

    Example:
        >>> from alpha_bridge.data import ImageSource
        >>> source = ImageSource(np.zeros((10, 8, 8, 1), dtype=np.uint8))
        >>> MiddleSquares(source, side=4).training(3).shape
        torch.Size([3, 1, 4, 4])
    """

    def __init__(self, source: Source, side: int) -> None:
        """Take squares of ``side`` pixels, which every image must have."""
        self.side = require_crop(side, source.event_shape)
        self.source, self.event_shape = source, (source.event_shape[0], side, side)
        self.size, self.units, self.class_names = source.size, source.units, source.class_names

    def batch(self, seed: int, step: int, size: int, rank: int = 0, ranks: int = 1) -> Tensor:
        return self._middle(self.source.batch(seed, step, size, rank, ranks))

    def training(self, count: int) -> Tensor:
        count = count if self.size is None else min(count, self.size)
        places = np.arange(count)
        parts = [places[begin : begin + PART] for begin in range(0, count, PART)]
        return torch.cat([self._middle(self.source.chosen(count, part)) for part in parts])

    def held_out(self, count: int) -> Tensor:
        return self._middle(self.source.held_out(count))

    def training_labels(self, count: int) -> Tensor | None:
        return self.source.training_labels(count)

    def held_out_labels(self, count: int) -> Tensor | None:
        return self.source.held_out_labels(count)

    def _middle(self, x: Tensor) -> Tensor:
        """A copy, so that what lies around is given free."""
        top, left = ((pixels - self.side) // 2 for pixels in x.shape[-2:])
        return x[..., top : top + self.side, left : left + self.side].clone()
