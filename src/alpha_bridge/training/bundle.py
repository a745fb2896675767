"""An update in a folder: the state before it, what it was given, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..files.bundle_content import CONTENT, DRAWS, RESTORE, encoded, unknown
from ..files.manifest import ENDING
from ..objective import Noise
from .checkpoint import read_tensors, write
from .processes import gathered
from .update import Draw

if TYPE_CHECKING:
    from accelerate import Accelerator

Tensors = Mapping[str, Mapping[str, Tensor]]

NAMES = ("x", *(field.name for field in fields(Noise)))
"""Of the tensors of a draw: data, and the fields of its noise."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}
"""Of the numbers of a model."""

BITS = {4: torch.int32, 8: torch.int64}
"""Integers by their size in bytes. Draws are kept as the bits of their numbers: one that is not
finite may be the culprit, and a checkpoint must have none."""


def write_bundle(
    folder: Path, tensors: Tensors, step: int, draws: Sequence[Draw], content: Mapping[str, Any]
) -> Path:
    """Write a bundle, whole or not at all.

    Args:
        folder: Where it is to be.
        tensors: The state before the update, as :meth:`TrainState.tensors` gives it.
        step: Updates done by then.
        draws: What the update was given: of the discriminator's own steps, then of the update, and
            last the held-out samples and noise that it was measured on, if it was.
        content: What else there is to know, as JSON takes it.
    """
    named = {
        f"{index}.{name}": value.detach().view(BITS[value.element_size()])
        for index, (x, noise) in enumerate(draws)
        for name, value in zip(NAMES, (x, *vars(noise).values()), strict=True)
        if value is not None
    }
    dtype = next(name for name, dtype in DTYPES.items() if dtype == draws[0][0].dtype)
    extra = {CONTENT: encoded({**content, "dtype": dtype})}
    return write({**tensors, DRAWS: named}, step, folder, extra)


def read_bundle(
    folder: Path, content: Mapping[str, Any], device: torch.device
) -> tuple[dict[str, dict[str, Tensor]], int, list[Draw]]:
    """What :func:`write_bundle` wrote of a bundle whose content has been read."""
    if (numbers := content.get("dtype")) not in [*DTYPES]:
        raise unknown(folder, "dtype", numbers)
    dtype = DTYPES[numbers]
    tensors, step = read_tensors(folder)
    found: dict[int, dict[str, Tensor]] = {}
    try:
        for key, value in tensors.pop(DRAWS).items():
            index, name = key.split(".")
            if value.dtype != BITS[dtype.itemsize]:  # whose bits would be other numbers
                raise ValueError(f"{key} is {value.dtype}")
            found.setdefault(int(index), {})[name] = _placed(value.view(dtype), device)
        draws = [
            (draw["x"], Noise(*(draw.get(name) for name in NAMES[1:])))  # type: ignore[arg-type]
            for _, draw in sorted(found.items())
        ]
    except (LookupError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{folder} is no whole bundle ({DRAWS}{ENDING} has no draws of {numbers}): {RESTORE}"
        ) from error
    return tensors, step, draws


def _placed(value: Tensor, device: torch.device) -> Tensor:
    """A tensor on the device, with images in the order that networks have them in."""
    order = torch.channels_last if value.ndim == 4 else torch.contiguous_format
    return value.to(device, memory_format=order)


def whole(draws: Sequence[Draw], batch_dim: int, accelerator: Accelerator) -> list[Draw]:
    """Draws of all processes, which every process must ask for."""
    if accelerator.num_processes == 1:
        return list(draws)

    def together(value: Tensor) -> Tensor:
        return gathered(value.movedim(batch_dim, 0), accelerator).movedim(0, batch_dim)

    return [
        (
            together(x),
            Noise(*(None if of is None else together(of) for of in vars(noise).values())),  # type: ignore[arg-type]
        )
        for x, noise in draws
    ]
