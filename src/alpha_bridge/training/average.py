"""The exponential moving average of modules, and modules that are looked at while others train."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
Pairs = tuple[list[Tensor], list[Tensor]]

SHARE = 10
"""A memory that grows holds about one in so many of the updates so far."""


class MovingAverage:
    r"""Modules whose parameters follow those of others.

    .. math:: \bar\theta \leftarrow d \, \bar\theta + (1 - d) \, \theta

    The first update takes θ as it is, and buffers always are the others' own. A memory that grows
    has d = n / (n + 10) after n earlier updates, as long as that is less: a run of 200 updates then
    shows its last twenty or so, where with d = .995 two fifths are what the first update left.
    torch's ``AveragedModel`` does the same, but reads its count from the device at each update,
    which halts the loop until the device has caught up.

    Attributes:
        module: The averages, without gradients and in evaluation mode.
        decay: d, in [0, 1).
        growing: Whether the memory grows.
    """

    def __init__(self, source: nn.Module, decay: float, growing: bool = False) -> None:
        """Begin where ``source`` is."""
        self.module = copy.deepcopy(source).requires_grad_(False).eval()
        self.decay, self.growing = decay, growing
        self._parameters: Pairs = [*self.module.parameters()], [*source.parameters()]
        self._buffers: Pairs = [*self.module.buffers()], [*source.buffers()]

    @torch.no_grad()
    def update(self, earlier: int) -> None:
        """Follow the source by one update, after so many ``earlier`` ones."""
        most = earlier / (earlier + SHARE) if self.growing else float(earlier > 0)
        torch._foreach_lerp_(*self._parameters, 1 - min(self.decay, most))
        for own, other in zip(*self._buffers, strict=True):
            own.copy_(other)


def at_rest(network: Network) -> Network:
    """The same network in evaluation mode and without gradients, beside the one that trains.

    It has a mode of its own and shares its memory, so that it is always as far as the other is.
    """
    seen = object.__new__(type(network))  # copy.copy refuses layers with parametrizations
    vars(seen).update({k: v for k, v in vars(network).items() if k != "_compiled_call_impl"})
    seen._parameters = {
        name: None if parameter is None else nn.Parameter(parameter.detach(), requires_grad=False)
        for name, parameter in network._parameters.items()
    }
    seen._modules = {
        name: None if module is None else at_rest(module)
        for name, module in network._modules.items()
    }
    seen.training = False
    return seen
