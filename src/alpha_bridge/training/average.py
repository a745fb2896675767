"""The exponential moving average of modules."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["MovingAverage"]


class MovingAverage:
    r"""Modules whose parameters follow those of others.

    .. math:: \bar\theta \leftarrow d \, \bar\theta + (1 - d) \, \theta

    The first update takes θ as it is, and buffers always are the others' own. torch's
    ``AveragedModel`` does the same, but reads its count from the device at each update, which
    halts the loop until the device has caught up.

    Attributes:
        module: The averages, without gradients.
        decay: d, in [0, 1).
    """

    def __init__(self, source: nn.Module, decay: float) -> None:
        """Begin where ``source`` is.

        Args:
            source: The modules to follow; they must keep their tensors.
            decay: d, in [0, 1).
        """
        self.module = copy.deepcopy(source).requires_grad_(False)
        self.decay = decay
        self._parameters = _pairs(self.module.parameters(), source.parameters())
        self._buffers = _pairs(self.module.buffers(), source.buffers())

    @torch.no_grad()
    def update(self, first: bool) -> None:
        """Follow the source by one update.

        Args:
            first: Whether there was none before.
        """
        torch._foreach_lerp_(*self._parameters, 1.0 if first else 1 - self.decay)
        for own, other in zip(*self._buffers, strict=True):
            own.copy_(other)


def _pairs(own: Iterable[Tensor], others: Iterable[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    return list(own), list(others)
