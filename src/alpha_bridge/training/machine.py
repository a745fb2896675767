"""The machine that trains: its accelerator, its compiler, and the memory of its processor."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..model import NETWORKS, AlphaBridge

if TYPE_CHECKING:
    from accelerate import Accelerator

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""glibc's names for them in ``mallopt``."""


def available_accelerator(precision: str = "no") -> Accelerator:
    """The machine's accelerator, shared by the processes of ``torchrun``, or its processors."""
    from accelerate import Accelerator  # takes a tenth as long to import as torch

    return Accelerator(cpu=not torch.accelerator.is_available(), mixed_precision=precision)


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for the tensors of the next update.

    By default glibc may give large blocks back to the system, which hands them out again page by
    page, each cleared. With this the process holds its highest use until it ends, so it is for a
    program, not for a library. False where the C library does not know these settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(
        mallopt(TRIM_THRESHOLD, 2**31 - 1) and mallopt(MMAP_THRESHOLD, 2**25)
    )


def compile_networks(model: AlphaBridge) -> None:
    """Compile each network's forward and backward pass, and leave double backward passes eager.

    The names of the parameters stay as they are, and a copy of a network is eager again. A call
    is eager where its input is a leaf that asks for a gradient, or keeps its own: that is how a
    gradient penalty differentiates, and torch.compile has no double backward. The networks must be
    final, spectral norm included, and in the mode in which they train: in the other one, in which
    parts of a batch are looked at, calls are eager.
    """
    for network in NETWORKS:
        _compile(model.get_submodule(network))


def _compile(network: nn.Module) -> None:
    from torch._functorch import config  # part of the compiler, and slow to import

    # ``Module.compile`` leaves a network without a ``forward`` of its own eager, as nn.Sequential
    # is: dynamo passes over frames of torch.nn. So the frame that it starts from is this one.
    def call(*inputs: Tensor) -> object:
        return network._call_impl(*inputs)

    # the compiler keeps at most eight graphs of one code object
    call.__code__ = call.__code__.replace()
    mode = network.training

    # several networks may go back through one pass
    config.donated_buffer = False
    compiled = torch.compile(call, dynamic=False)

    def choose(*inputs: Tensor) -> object:
        eager = network.training != mode or any(map(_is_penalized, inputs))
        return (call if eager else compiled)(*inputs)

    network._compiled_call_impl = choose


def _is_penalized(x: Tensor) -> bool:
    return torch.is_grad_enabled() and x.requires_grad and (x.is_leaf or x.retains_grad)
