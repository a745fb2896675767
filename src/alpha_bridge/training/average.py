"""The exponential moving average of modules, and modules that are looked at while others train."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
Pairs = tuple[list[Tensor], list[Tensor]]


class MovingAverage:
    r"""Modules whose parameters follow those of others.

    .. math:: \bar\theta \leftarrow d \, \bar\theta + (1 - d) \, \theta

    The first update takes θ as it is, and buffers always are the others' own. torch's
    ``AveragedModel`` does the same, but reads its count from the device at each update, which
    halts the loop until the device has caught up.

    Attributes:
        module: The averages, without gradients and in evaluation mode.
        decay: d, in [0, 1).
    """

    def __init__(self, source: nn.Module, decay: float) -> None:
        """Begin where ``source`` is."""
        self.module = copy.deepcopy(source).requires_grad_(False).eval()
        self.decay = decay
        self._parameters: Pairs = [*self.module.parameters()], [*source.parameters()]
        self._buffers: Pairs = [*self.module.buffers()], [*source.buffers()]

    @torch.no_grad()
    def update(self, first: bool) -> None:
        """Follow the source by one update, the first of all or another."""
        torch._foreach_lerp_(*self._parameters, 1.0 if first else 1 - self.decay)
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
