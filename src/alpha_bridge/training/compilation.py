"""The networks of a model through torch.compile, in place, where that is possible."""

import torch
from torch import Tensor, nn

from ..model import NETWORKS, AlphaBridge

__all__ = ["compile_networks"]


def compile_networks(model: AlphaBridge) -> None:
    """Compile each network's forward and backward pass, and leave double backward passes eager.

    The names of the parameters stay as they are, and a copy of a network is eager again. A call
    is eager where its input is a leaf that asks for a gradient, or keeps its own: that is how a
    gradient penalty differentiates, and torch.compile has no double backward.

    Args:
        model: Changed in place; call it when the networks are final, spectral norm included.
    """
    for network in NETWORKS:
        _compile(model.get_submodule(network))


def _compile(network: nn.Module) -> None:
    # ``Module.compile`` leaves a network without a ``forward`` of its own eager, as nn.Sequential
    # is: dynamo passes over frames of torch.nn. So the frame that it starts from is this one.
    def call(*inputs: Tensor) -> object:
        return network._call_impl(*inputs)

    # several networks may go back through one pass
    torch._functorch.config.donated_buffer = False
    compiled = torch.compile(call, dynamic=False)

    def choose(*inputs: Tensor) -> object:
        return (call if any(map(_is_penalized, inputs)) else compiled)(*inputs)

    network._compiled_call_impl = choose


def _is_penalized(x: Tensor) -> bool:
    return torch.is_grad_enabled() and x.requires_grad and (x.is_leaf or x.retains_grad)
