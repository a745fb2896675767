"""Checkpoints: safetensors for every tensor, JSON for the rest, a manifest of SHA-256 sums."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialized
from torch import Tensor

from ..causes import one_line
from ..files import filling, read_json, sha256, within
from ..run import Run
from ..sharing.weights import own_memory
from ..units import StandardUnits, Units
from .state import UNITS, TrainState

__all__ = ["naming", "read_tensors", "read_units", "restore", "save", "write"]

MANIFEST = "manifest.json"
STATE = "state.json"
ENDING = ".safetensors"


def save(state: TrainState, folder: Path) -> Path:
    """Write ``state`` to ``folder``, whole or not at all.

    Args:
        state: A state with finite parameters.
        folder: ``checkpoints/step-…`` of a run; one that stands is replaced.

    Returns:
        ``folder``.

    Raises:
        Diverged: A parameter is not finite; nothing is written.
        PermissionError: The folder cannot be written.
        NotWritten: The disk is full or broken.
    """
    state.require_finite()
    return write(state.tensors(), state.step, folder)


def write(tensors: Mapping[str, Mapping[str, Tensor]], step: int, folder: Path) -> Path:
    """Write a state that is given by its tensors; :func:`read_tensors` gives it back.

    Args:
        tensors: By file and by name.
        step: Number of updates done.
        folder: ``checkpoints/step-…`` of a run; one that stands is replaced.

    Returns:
        ``folder``.

    Raises:
        PermissionError: The folder cannot be written.
        NotWritten: The disk is full or broken.
    """
    with filling(folder, replace=True) as partial:
        for file, named in tensors.items():
            # safetensors' own writing of files tells of a full disk by no OSError
            (partial / f"{file}{ENDING}").write_bytes(serialized(own_memory(named)))
        (partial / STATE).write_text(json.dumps({"step": step, "run": _run_of(folder)}))
        sums = {file.name: sha256(file) for file in sorted(partial.iterdir())}
        (partial / MANIFEST).write_text(json.dumps(sums, indent=2))
    return folder


def restore(state: TrainState, folder: Path) -> None:
    """Take over the state that :func:`save` wrote.

    Args:
        state: Changed in place.
        folder: The checkpoint.

    Raises:
        ValueError: The checkpoint is damaged, or is that of another model.
    """
    tensors, step = read_tensors(folder)
    with naming(folder):
        state.load(tensors, step)


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Tell whose tensors they were that did not fit.

    Raises:
        ValueError: Within the context, tensors of ``folder`` were missing or did not fit.
    """
    try:
        yield
    except (RuntimeError, LookupError, ValueError) as error:
        raise ValueError(
            f"{folder} is a checkpoint of another configuration ({one_line(error)}): "
            "use the config.json that the run began with"
        ) from error


def read_tensors(folder: Path) -> tuple[dict[str, dict[str, Tensor]], int]:
    """Read and verify a checkpoint.

    Args:
        folder: ``checkpoints/step-…`` of a run, or a checkpoint that lies elsewhere.

    Returns:
        The tensors by file and name, and the number of updates done.

    Raises:
        ValueError: A file is missing, does not have the sum that the manifest states, or holds
            numbers that are not finite; or the checkpoint is that of another update or run.
    """
    sums = _sums(folder)
    for name, sum_ in sums.items():
        _verify(folder, name, sum_)
    step = _step(folder)
    files = [name for name in sums if name.endswith(ENDING)]
    return {name.removesuffix(ENDING): _read(folder, name) for name in files}, step


def read_units(folder: Path) -> Units | None:
    """The data's units, from a checkpoint; None in one that was written without them.

    Args:
        folder: The checkpoint.

    Raises:
        ValueError: It is damaged.
    """
    name, sums = f"{UNITS}{ENDING}", _sums(folder)
    if name not in sums:
        return None
    _verify(folder, name, sums[name])
    found = _read(folder, name)
    if not found:
        return Units()
    with naming(folder):
        return StandardUnits(found["mean"], found["std"])


def _sums(folder: Path) -> dict[str, str]:
    """What the manifest states of each file."""
    try:
        sums = read_json(within(folder, folder / MANIFEST))
        for name in sums:
            if Path(name).name != name or name == "..":
                raise ValueError(f"{folder / MANIFEST} names {name!r}, which is no file of it")
            within(folder, folder / name)
    except ValueError as error:
        raise _not_whole(folder, error) from error
    return sums


def _verify(folder: Path, name: str, sum_: object) -> None:
    try:
        same = sha256(folder / name) == sum_
    except OSError as error:
        raise _not_whole(folder, error) from error
    if not same:
        raise _damaged(folder, name, "it has another sum than its manifest states")


def _step(folder: Path) -> int:
    """The number of updates done, which must be the folder's own, and the run's."""
    try:
        state: dict[str, Any] = read_json(folder / STATE)
    except ValueError as error:
        raise _not_whole(folder, error) from error
    step, run = state.get("step"), state.get("run")
    if type(step) is not int or step < 0:
        raise _damaged(folder, STATE, f"it has no number of updates, but {step!r}")
    if folder.absolute().parent.name == "checkpoints" and folder.name != Run.name_of(step):
        raise _damaged(folder, STATE, f"it is that of update {step}")
    own = _run_of(folder)
    if run is not None and own is not None and run != own:
        raise _damaged(folder, STATE, "it is that of another run")
    return step


def _run_of(folder: Path) -> str | None:
    """The identity of the run in which a checkpoint lies; None elsewhere."""
    place = folder.absolute().parent
    return Run(place.parent).identity if place.name == "checkpoints" else None


def _read(folder: Path, name: str) -> dict[str, Tensor]:
    try:
        tensors = load_file(folder / name)
    except (SafetensorError, OSError, LookupError, TypeError, ValueError) as error:
        raise _damaged(folder, name, one_line(error)) from error
    for key, value in tensors.items():
        if not value.isfinite().all():
            raise _damaged(folder, name, f"{key} is not finite")
    return tensors


def _not_whole(folder: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{folder} is not a whole checkpoint ({one_line(error)}): remove it to use the one before"
    )


def _damaged(folder: Path, name: str, reason: str) -> ValueError:
    return ValueError(
        f"{folder / name} is damaged ({reason}): remove {folder} to use the checkpoint before it"
    )
