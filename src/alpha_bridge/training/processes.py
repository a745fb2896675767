"""What the processes of a run decide together, and how they notice that one of them is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, distributed, nn

from ..errors import Lost

if TYPE_CHECKING:
    from accelerate import Accelerator

Found = TypeVar("Found")

PATIENCE = timedelta(hours=6)
"""How long the others wait while the main process prepares data or evaluates."""


@contextmanager
def noticing_loss(accelerator: Accelerator) -> Iterator[None]:
    """Raise :class:`~alpha_bridge.errors.Lost` where torch reports a failed exchange."""
    try:
        yield
    except RuntimeError as error:
        rank, ranks = accelerator.process_index, accelerator.num_processes
        raise Lost(
            f"process {rank} of {ranks} lost another, whose output may say why ({_reason(error)})"
        ) from error


@contextmanager
def agreement(accelerator: Accelerator) -> Iterator[Callable[[bool], bool]]:
    """Let the processes decide together, whether any of them votes yes.

    The votes go from host to host by gloo whatever the device is. So no accelerator is waited
    for, and it is here, with patience, that the others wait while the main process evaluates;
    the gradients keep the short patience of their own exchange. Every process calls the function
    that this gives with its own vote: all get the same answer, or ``Lost`` if one is gone.
    """
    if accelerator.num_processes == 1:
        yield bool
        return
    group = distributed.new_group(backend="gloo", timeout=PATIENCE)

    def any_process(vote: bool) -> bool:
        votes = torch.tensor(int(vote))
        with noticing_loss(accelerator):
            distributed.all_reduce(votes, group=group)
        return bool(votes)

    try:
        yield any_process
    finally:  # those who wait for this process learn that it is gone
        distributed.destroy_process_group(group)


@contextmanager
def main_process_first(accelerator: Accelerator) -> Iterator[None]:
    """Let the main process do first what the others then find done."""
    with agreement(accelerator) as wait:
        if not accelerator.is_main_process:
            wait(False)
        yield
        if accelerator.is_main_process:
            wait(False)


def of_main_process(found: Found, accelerator: Accelerator) -> Found:
    """What the main process has found, in every process."""
    if accelerator.num_processes == 1:
        return found
    from accelerate.utils import broadcast_object_list

    with noticing_loss(accelerator):
        (shared,) = broadcast_object_list([found])
    return shared  # type: ignore[no-any-return]


def gathered(value: Tensor, accelerator: Accelerator) -> Tensor:
    """What all processes have, one after the other along the first dimension."""
    with noticing_loss(accelerator):
        found: Tensor = accelerator.gather(value.contiguous())
    return found


def mean_over_processes(value: Tensor, accelerator: Accelerator) -> Tensor:
    """The mean of what the processes have, each of its own share of the batch."""
    return gathered(value.unsqueeze(0), accelerator).mean(0)


def share_weights(model: nn.Module, accelerator: Accelerator) -> None:
    """Give every process the parameters and buffers of the main one."""
    if accelerator.num_processes == 1:
        return
    from accelerate.utils import broadcast

    with noticing_loss(accelerator):
        for tensor in chain(model.parameters(), model.buffers()):
            dense = tensor.detach().clone(memory_format=torch.contiguous_format)
            tensor.detach().copy_(broadcast(dense))


def share_buffers(model: nn.Module, accelerator: Accelerator) -> None:
    """Give every process the main one's buffers of its networks, such as running means.

    Each process has seen its own share of the batch, and a checkpoint keeps one set. The model's
    own buffer, σ, is the same in all of them: it is fixed, or follows what all of them measured.
    """
    if accelerator.num_processes == 1:
        return
    from accelerate.utils import broadcast

    of_dtype: dict[torch.dtype, list[Tensor]] = {}
    for buffer in chain.from_iterable(network.buffers() for network in model.children()):
        of_dtype.setdefault(buffer.dtype, []).append(buffer)
    with noticing_loss(accelerator):
        for buffers in of_dtype.values():
            flat = broadcast(torch._utils._flatten_dense_tensors(buffers))
            shared = torch._utils._unflatten_dense_tensors(flat, buffers)
            torch._foreach_copy_(buffers, list(shared))


def _reason(error: RuntimeError) -> str:
    """What torch says in short, without the place in its own source."""
    return str(error).split("] ", 1)[-1].split(". ")[0][:200]
