"""What a checkpoint says of itself, read without torch: its files and sums, its update, its run."""

import json
import shutil
from collections.abc import Container, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ..errors import one_line
from .json_object import read_json
from .writing import IDENTITY, filling, sha256, within

CHECKPOINTS = "checkpoints"
"""The folder of a run that holds them."""

MANIFEST = "manifest.json"
STATE = "state.json"
ENDING = ".safetensors"
OPTIMIZERS = f"optimizers{ENDING}"
NEEDED = (f"model{ENDING}", f"average{ENDING}", f"memory{ENDING}", STATE)
"""What every checkpoint has had since the first version."""


def step_name(step: int) -> str:
    """Name of what belongs to ``step`` updates, such as ``step-00001000``."""
    return f"step-{step:08d}"


def verified(folder: Path) -> tuple[list[str], int]:
    """The files of tensors of a checkpoint, without their ending, and the number of updates done.

    All is verified but the numbers. A file that has not changed since is not read again.

    Raises:
        ValueError: A file is missing, does not have the sum that the manifest states, or is none
            of tensors; or the checkpoint is that of another update or run.
    """
    sums = _sums(folder)
    for name, sum_ in sums.items():
        _verify(folder, name, sum_)
    step = _step(folder)
    files = [name for name in sums if name.endswith(ENDING)]
    for name in files:
        _require_header(folder, name)
    return [name.removesuffix(ENDING) for name in files], step


def verified_file(folder: Path, file: str) -> Path | None:
    """A file of tensors of a checkpoint, verified; None where the manifest names none."""
    name, sums = f"{file}{ENDING}", _sums(folder)
    if name not in sums:
        return None
    _verify(folder, name, sums[name])
    return folder / name


def require_optimizers(folder: Path, files: Container[str]) -> None:
    """Refuse a checkpoint whose files of tensors are those of the networks alone."""
    if OPTIMIZERS.removesuffix(ENDING) not in files:
        raise ValueError(
            f"{folder} has only the networks, so training cannot go on from it: restore a later "
            "checkpoint from a copy, or begin a new run"
        )


def thin(folders: Sequence[Path]) -> None:
    """Keep the networks alone of all checkpoints, in order, but the last two.

    Training can go on from either of these, whatever happens to the other.
    """
    for folder in folders[:-2]:
        if (folder / OPTIMIZERS).is_file():
            with suppress(ValueError):  # a damaged one is left to whoever reads it
                verified(folder)
                _drop_optimizers(folder)


def _drop_optimizers(folder: Path) -> None:
    sums = {name: sum_ for name, sum_ in _sums(folder).items() if name != OPTIMIZERS}
    with filling(folder, replace=True) as partial:
        for name in sums:
            shutil.copyfile(folder / name, partial / name)
        _write_sums(partial, sums)


def write_state(folder: Path, step: int, checkpoint: Path) -> None:
    """Write the number of updates, and the run that ``checkpoint``, the final place, lies in."""
    (folder / STATE).write_text(json.dumps({"step": step, "run": _run_of(checkpoint)}))


def write_manifest(folder: Path) -> None:
    """Sum up all files of a folder."""
    _write_sums(folder, {file.name: sha256(file) for file in sorted(folder.iterdir())})


def damaged(folder: Path, name: str, reason: str) -> ValueError:
    """The refusal of a file of a checkpoint."""
    return ValueError(
        f"{folder / name} is damaged ({reason}): remove {folder} to use the checkpoint before it"
    )


def _write_sums(folder: Path, sums: dict[str, str]) -> None:
    (folder / MANIFEST).write_text(json.dumps(sums, indent=2))


def _sums(folder: Path) -> dict[str, str]:
    """What the manifest states of each file."""
    manifest = folder / MANIFEST
    try:
        sums = read_json(within(folder, manifest))
        for name in sums:
            if Path(name).name != name or name == "..":
                raise ValueError(f"{manifest} names {name!r}, which is not in its folder")
            within(folder, folder / name)
        if missing := [name for name in NEEDED if name not in sums]:
            raise ValueError(f"{manifest} does not name {missing[0]}")
    except ValueError as error:
        raise _not_whole(folder, error) from error
    return sums


def _verify(folder: Path, name: str, sum_: object) -> None:
    file = folder / name
    try:
        found = file.stat()
        same = _sum(file, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) == sum_
    except OSError as error:
        raise _not_whole(folder, error) from error
    if not same:
        raise damaged(folder, name, "its SHA-256 sum is not the one in its manifest")


@cache
def _sum(file: Path, *_: int) -> str:
    """The sum of a file, which is read once for each of its states."""
    return sha256(file)


def _require_header(folder: Path, name: str) -> None:
    try:
        with safe_open(folder / name, framework="np"):
            pass
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(folder, name, one_line(error)) from error


def _step(folder: Path) -> int:
    """The number of updates done, which must be the folder's own, and the run's."""
    try:
        state: dict[str, Any] = read_json(folder / STATE)
    except ValueError as error:
        raise _not_whole(folder, error) from error
    step, run = state.get("step"), state.get("run")
    if type(step) is not int or step < 0:
        raise damaged(folder, STATE, f"it has no number of updates, but {step!r}")
    if folder.absolute().parent.name == CHECKPOINTS and folder.name != step_name(step):
        raise damaged(folder, STATE, f"it is that of update {step}")
    own = _run_of(folder)
    if run is not None and own is not None and run != own:
        raise damaged(folder, STATE, "it is that of another run")
    return step


def _run_of(folder: Path) -> str | None:
    """The identity of the run in which a checkpoint lies; None elsewhere."""
    place = folder.absolute().parent
    config = place.parent / "config.json"
    if place.name != CHECKPOINTS or not within(place.parent, config).is_file():
        return None
    return read_json(config).get(IDENTITY)


def _not_whole(folder: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{folder} is not a whole checkpoint ({one_line(error)}): remove it to use the one before"
    )
