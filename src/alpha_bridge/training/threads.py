"""How many threads of the processor updates are worth."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

CHOSEN = "OMP_NUM_THREADS"
"""The variable by which users choose for themselves."""

MANY = 5e7
"""Multiplications of a batch for which more threads than one are worth while.

An update of small networks is hundreds of operations, most of them too short to be shared. On two
threads of one core those of 25 Gaussians (13 million, by autograd) took 11 ms, on one 7, those of
the digits (28 million) 17 and 11, those of Adult (160 million) and of MNIST (480 million) as long
on either.
"""


class Multiplications:
    """A count of the multiplications of modules with weights.

    Attributes:
        count: So far.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, module: nn.Module, given: tuple[object, ...], made: object) -> None:
        """Those of one call, as a forward hook."""
        weight, x = getattr(module, "weight", None), next(iter(given), None)
        if not (isinstance(weight, Tensor) and isinstance(x, Tensor) and isinstance(made, Tensor)):
            return
        if isinstance(module, nn.modules.conv._ConvNd):  # a transposed one goes the other way
            places = min(math.prod(of.shape[2:]) for of in (x, made))
            self.count += len(x) * places * weight.numel()
        elif weight.ndim > 1:
            self.count += x.numel() // x.shape[-1] * weight.shape[-1] * weight.shape[-2]


@contextmanager
def multiplications() -> Iterator[Multiplications]:
    """Counts those of all modules that are called meanwhile."""
    counted = Multiplications()
    hook = register_module_forward_hook(counted.add)
    try:
        yield counted
    finally:
        hook.remove()


@contextmanager
def threads_for(count: int) -> Iterator[None]:
    """One thread where a batch has so few multiplications, unless the user has chosen.

    0 is of networks without modules that are known, which keep what they have.
    """
    before = torch.get_num_threads()
    few = 0 < count < MANY and CHOSEN not in os.environ
    if few:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if few:
            torch.set_num_threads(before)
