"""Where training runs: the accelerator that the machine has, or its processors."""

import torch
from accelerate import Accelerator

__all__ = ["available_accelerator"]


def available_accelerator(precision: str = "no") -> Accelerator:
    """The machine's accelerator, shared by the processes that ``torchrun`` started.

    Args:
        precision: Mixed precision of the networks, ``no`` or ``bf16``.

    Returns:
        On a machine without an accelerator, the processors: several processes then exchange
        gradients by gloo, which accelerate does not do unless it is told to stay on the CPU.
    """
    return Accelerator(cpu=not torch.accelerator.is_available(), mixed_precision=precision)
