"""Between the data's own units, in which they are stored, and those that the networks see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PixelUnits", "StandardUnits", "Units"]


class Units:
    """The networks see the data as they are."""

    def normalize(self, x: Tensor) -> Tensor:
        """From storage units to model units, on the device of ``x``."""
        return x

    def denormalize(self, x: Tensor) -> Tensor:
        """From model units to storage units, on the device of ``x``."""
        return x

    def stored(self, x: Tensor) -> NDArray[Any]:
        """Samples in model units as a run keeps them: uint8 (N, H, W, C) or float32 (N, D)."""
        kept = self.denormalize(x)
        channels_last = kept.permute(0, 2, 3, 1) if kept.ndim == 4 else kept
        array: NDArray[Any] = channels_last.contiguous().numpy()
        return array


class PixelUnits(Units):
    """Pixels in 0…255, which the networks see in [−1, 1].

    Example:
        >>> PixelUnits().normalize(torch.tensor([0, 255], dtype=torch.uint8))
        tensor([-1.,  1.])
    """

    def normalize(self, x: Tensor) -> Tensor:
        return x.float() / 127.5 - 1

    def denormalize(self, x: Tensor) -> Tensor:
        return ((x.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class StandardUnits(Units):
    """Vectors that the networks see with mean 0 and standard deviation 1.

    Attributes:
        mean: Mean of each feature, shape ``(D,)``.
        std: Standard deviation of each feature, positive, shape ``(D,)``.

    Example:
        >>> StandardUnits(torch.tensor([1.0]), torch.tensor([2.0])).normalize(torch.tensor([5.0]))
        tensor([2.])
    """

    mean: Tensor
    std: Tensor

    def normalize(self, x: Tensor) -> Tensor:
        return (x - self.mean.to(x)) / self.std.to(x)

    def denormalize(self, x: Tensor) -> Tensor:
        return x * self.std.to(x) + self.mean.to(x)
