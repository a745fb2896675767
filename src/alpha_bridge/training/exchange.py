"""The mean of gradients over processes, exchanged while backward passes go on."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed
from torch.nn import Parameter

from .processes import noticing_loss

if TYPE_CHECKING:
    from accelerate import Accelerator


class Exchange:
    """Replaces the gradients of one step by their means over the processes.

    A part of them leaves as soon as they and those of all parts before it are final. So every
    process sends the parts in the same order, by which torch tells them apart, even if gradients
    become final in another order, or in other backward passes, than in the other processes.
    """

    def __init__(self, parts: Iterable[list[Parameter]], accelerator: Accelerator) -> None:
        """Prepare the exchange; one process has nothing to exchange.

        Args:
            parts: Parameters whose gradients leave together, in the order in which they leave.
            accelerator: Knows how many processes there are.
        """
        self.accelerator = accelerator
        self.waiting = deque(parts if accelerator.num_processes > 1 else ())
        networks_with = Counter(chain.from_iterable(self.waiting))
        self.unfinished = set(networks_with)
        self.tied = {p for p, networks in networks_with.items() if networks > 1}
        self.sent: list[tuple[list[Tensor], Tensor, distributed.Work]] = []

    @contextmanager
    def during(self, parameters: list[Parameter]) -> Iterator[None]:
        """Send what becomes final in a backward pass: the one that ``parameters`` have."""
        if not self.waiting:
            yield
            return
        own = [p for p in parameters if p not in self.tied]  # others may have several passes
        hooks = [p.register_post_accumulate_grad_hook(self._finish) for p in own]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
        self._finish(*own)  # those without a gradient, too, which no hook sees

    def _finish(self, *parameters: Parameter) -> None:
        self.unfinished.difference_update(parameters)
        while self.waiting and self.unfinished.isdisjoint(self.waiting[0]):
            self._send(self.waiting.popleft())

    def _send(self, part: list[Parameter]) -> None:
        gradients = [p.grad for p in part if p.grad is not None]
        if gradients:
            flat = torch._utils._flatten_dense_tensors(gradients)
            with noticing_loss(self.accelerator):
                work = distributed.all_reduce(flat, async_op=True)
            assert work is not None
            self.sent.append((gradients, flat, work))

    def wait(self) -> None:
        """Send what is left, and put the means in the place of all gradients."""
        self._finish(*self.unfinished)
        for gradients, flat, work in self.sent:
            with noticing_loss(self.accelerator):
                work.wait()
            flat /= self.accelerator.num_processes
            means = torch._utils._unflatten_dense_tensors(flat, gradients)
            torch._foreach_copy_(gradients, list(means))
