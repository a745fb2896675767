"""What networks draw by themselves, as dropout does: a function of seed, update and process too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator

from ..data import stream

__all__ = ["networks_draws"]

NETWORKS = 2**16
"""Purpose of the numbers that torch's generators begin an update with."""


@contextmanager
def networks_draws(seed: int, accelerator: Accelerator) -> Iterator[Callable[[int], None]]:
    """Let torch's generators, of the host and of the device, begin each update as the seed says.

    So no state of theirs has to be kept to go on from a checkpoint, on any device and in any
    number of processes. Afterwards they are where the caller left them.

    Yields:
        A function to call with the number of each update before it.
    """
    device, rank = accelerator.device, accelerator.process_index
    kinds = [torch] if device.type == "cpu" else [torch, torch.get_device_module(device)]
    before = [kind.get_rng_state() for kind in kinds]

    def begin(step: int) -> None:
        number = int(stream(seed, step, NETWORKS).integers(2**63, size=rank + 1)[rank])
        torch.default_generator.manual_seed(number)  # torch.manual_seed is slow where CUDA sleeps
        for kind in kinds[1:]:
            kind.manual_seed(number)

    try:
        yield begin
    finally:
        for kind, state in zip(kinds, before, strict=True):
            kind.set_rng_state(state)
