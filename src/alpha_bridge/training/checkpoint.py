"""Checkpoints: safetensors for every tensor, JSON for the rest, a manifest of SHA-256 sums."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..data.units import StandardUnits, Units
from ..errors import one_line
from ..files import filling, require_room
from ..files.manifest import (
    ENDING,
    damaged,
    require_optimizers,
    verified,
    verified_file,
    write_manifest,
    write_state,
)
from ..files.tensors import write_tensors
from .state import UNITS, TrainState, require_alike


def save(state: TrainState, folder: Path) -> Path:
    """Write ``state`` to ``folder``, whole or not at all; one that stands is replaced.

    Nothing is written of a state that is not finite, which raises ``Diverged``.
    """
    state.require_finite()
    return write(state.tensors(), state.step, folder)


def write(
    tensors: Mapping[str, Mapping[str, Tensor]],
    step: int,
    folder: Path,
    beside: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a state that is given by its tensors, and other files ``beside`` them by name.

    :func:`read_tensors` gives the tensors back.
    """
    require_room(folder, size_of(tensors))
    with filling(folder, replace=True) as partial:
        for file, named in tensors.items():
            with (partial / f"{file}{ENDING}").open("wb") as stream:
                write_tensors(named, stream)
        for name, content in (beside or {}).items():
            (partial / name).write_bytes(content)
        write_state(partial, step, folder)
        write_manifest(partial)
    return folder


def size_of(tensors: Mapping[str, Mapping[str, Tensor]]) -> int:
    """Bytes of a checkpoint, about: those of the tensors, and a line on each."""
    return sum(value.nbytes + 128 for named in tensors.values() for value in named.values())


def restore(state: TrainState, folder: Path) -> None:
    """Change ``state`` to the one that :func:`save` wrote.

    Raises:
        ValueError: The checkpoint is damaged, is that of another model, or keeps the networks
            alone.
    """
    tensors, step = read_tensors(folder)
    require_optimizers(folder, tensors)
    with naming(folder):
        state.load(tensors, step)


def naming(folder: Path) -> AbstractContextManager[None]:
    """Name the checkpoint whose tensors did not fit, in a ``ValueError``."""
    return fitting(
        f"{folder} is a checkpoint of another configuration",
        f"use the config.json that the run began with, or remove {folder} to use the one before",
    )


@contextmanager
def fitting(what: str, remedy: str) -> Iterator[None]:
    """Refuse tensors that do not fit by a ``ValueError``: what is wrong, why, and what to do."""
    try:
        yield
    except torch.OutOfMemoryError:  # which the tensors' files have no part in
        raise
    except (RuntimeError, LookupError, ValueError) as error:
        raise ValueError(f"{what} ({one_line(error)}): {remedy}") from error


def read_tensors(folder: Path) -> tuple[dict[str, dict[str, Tensor]], int]:
    """The tensors of a checkpoint by file and name, verified, and the number of updates done."""
    files, step = verified(folder)
    return {file: _read(folder, f"{file}{ENDING}") for file in files}, step


def read_units(folder: Path) -> Units | None:
    """The data's units, from a checkpoint; None in one that was written without them."""
    file = verified_file(folder, UNITS)
    if file is None:
        return None
    found = _read(folder, file.name)
    if not found:
        return Units()
    with naming(folder):
        if "schema" in found:
            from ..data.tables import TableUnits

            return TableUnits.of(found)
        size = found["mean"].shape
        moments = {name: torch.zeros(size, dtype=torch.float64) for name in ("mean", "std")}
        require_alike(found, moments)
        return StandardUnits(found["mean"], found["std"])


def _read(folder: Path, name: str) -> dict[str, Tensor]:
    try:
        return load_file(folder / name)
    except (SafetensorError, OSError, LookupError, TypeError, ValueError) as error:
        raise damaged(folder, name, one_line(error)) from error
