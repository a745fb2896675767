"""Checkpoints: safetensors for every tensor, JSON for the rest, a manifest of SHA-256 sums."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import load_file
from safetensors.torch import save as serialized
from torch import Tensor

from ..causes import one_line
from ..files import filling, sha256
from ..sharing.weights import own_memory
from .state import TrainState

__all__ = ["naming", "read_tensors", "restore", "save", "write"]

MANIFEST = "manifest.json"


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
            (partial / f"{file}.safetensors").write_bytes(serialized(own_memory(named)))
        (partial / "state.json").write_text(json.dumps({"step": step}))
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

    Returns:
        The tensors by file and name, and the number of updates done.

    Raises:
        ValueError: A file is missing or does not have the sum that the manifest states.
    """
    try:
        sums: dict[str, str] = json.loads((folder / MANIFEST).read_text())
        damaged = [name for name, sum_ in sums.items() if sha256(folder / name) != sum_]
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{folder} is not a whole checkpoint ({error}): remove it to use the one before"
        ) from error
    if damaged:
        raise ValueError(
            f"{folder / damaged[0]} is damaged: remove {folder} to use the checkpoint before it"
        )
    files = [folder / name for name in sums if name.endswith(".safetensors")]
    tensors = {file.stem: load_file(file) for file in files}
    return tensors, json.loads((folder / "state.json").read_text())["step"]
