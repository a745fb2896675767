"""Between the data's own units, in which they are stored, and those that the networks see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PixelUnits", "StandardUnits", "Units"]


class Units:
    """The networks see the data as they are; the other units are subclasses."""

    def normalize(self, x: Tensor) -> Tensor:
        """From storage units to model units."""
        return x

    def place(self, x: Tensor, device: torch.device) -> Tensor:
        """From storage units on the host to model units on ``device``."""
        return self.normalize(x.to(device, non_blocking=True))

    def denormalize(self, x: Tensor) -> Tensor:
        """From model units to storage units."""
        return x

    def tensors(self) -> dict[str, Tensor]:
        """Tensors of a checkpoint by name; none where nothing is scaled."""
        return {}

    def stored(self, x: Tensor) -> NDArray[Any]:
        """Samples in model units as a run keeps them: uint8 (N, H, W, C), or floats (N, D)."""
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
    """Vectors that the networks see with mean 0 and standard deviation 1, as float32.

    The arithmetic is float64, so that data far from 0 keep their digits. In storage units, samples
    are float32 if that tells apart a thousandth of every feature's deviation, else float64.

    Attributes:
        mean: Mean of each feature, float64, shape ``(D,)``.
        std: Standard deviation of each feature, positive, float64, shape ``(D,)``.

    Example:
        >>> x = torch.tensor([[1e9 - 2], [1e9 + 2]], dtype=torch.float64)
        >>> units = StandardUnits(x.mean(0), x.std(0, correction=0))
        >>> units.normalize(x).tolist(), torch.equal(units.denormalize(units.normalize(x)), x)
        ([[-1.0], [1.0]], True)
    """

    mean: Tensor
    std: Tensor

    @cached_property
    def dtype(self) -> torch.dtype:
        """Of samples in storage units."""
        mean, std, single = self.mean.double().abs(), self.std.double(), torch.finfo(torch.float32)
        resolved = single.eps * (mean + std) <= std / 1000
        in_range = (mean + std <= single.max / 1000) & (std >= single.tiny * 1000)
        return torch.float32 if (resolved & in_range).all() else torch.float64

    def normalize(self, x: Tensor) -> Tensor:
        mean, std = (moment.to(x.device, torch.float64) for moment in (self.mean, self.std))
        return ((x.double() - mean) / std).float()

    def place(self, x: Tensor, device: torch.device) -> Tensor:
        # on the host: not every accelerator has float64
        return self.normalize(x).to(device, non_blocking=True)

    def denormalize(self, x: Tensor) -> Tensor:
        mean, std = (moment.to(x.device, torch.float64) for moment in (self.mean, self.std))
        return (x.double() * std + mean).to(self.dtype)

    def tensors(self) -> dict[str, Tensor]:
        return {"mean": self.mean.double(), "std": self.std.double()}
