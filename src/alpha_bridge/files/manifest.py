"""What a checkpoint says of itself, read without torch: its files and sums, its update, its run."""

import json
import shutil
from collections.abc import Collection, Container, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ..errors import one_line
from .json_object import read_json
from .run_folder import CHECKPOINTS, CONFIG
from .writing import IDENTITY, discard, filling, sha256, within

MANIFEST = "manifest.json"
STATE = "state.json"
ENDING = ".safetensors"
OPTIMIZERS = f"optimizers{ENDING}"
NEEDED = (f"model{ENDING}", f"average{ENDING}", f"memory{ENDING}", STATE)
"""What every checkpoint has had since the first version."""


class Damaged(ValueError):
    """A checkpoint that is not what was written.

    Attributes:
        what: What is the matter with which file; the message has the remedy beside it.
        reason: The same without the word checkpoint, for a folder that is something else.
    """

    def __init__(self, what: str, reason: str | None = None) -> None:
        super().__init__(f"{what}: restore it from a copy, or use another checkpoint")
        self.what, self.reason = what, reason or what


def step_name(step: int) -> str:
    """Name of what belongs to ``step`` updates, such as ``step-00001000``."""
    return f"step-{step:08d}"


def verified(folder: Path) -> tuple[list[str], int]:
    """The files of tensors of a checkpoint, without their ending, and the number of updates done.

    A file that has not changed since is not read again.

    Raises:
        Damaged: A file is missing, does not have the sum that the manifest states, is none of
            tensors or has one that is not finite; or the checkpoint is that of another update or
            run.
    """
    sums = _sums(folder)
    for name, sum_ in sums.items():
        _verify(folder, name, sum_)
    step = _step(folder)
    files = [name for name in sums if name.endswith(ENDING)]
    for name in files:
        _require_tensors(folder, name)
    return [name.removesuffix(ENDING) for name in files], step


def require_readable(folder: Path) -> None:
    """See what is damaged in a checkpoint without reading its numbers, which takes long.

    Raises:
        Damaged: A file is missing or cut off, or it is the checkpoint of another update or run.
    """
    for name in _sums(folder):
        try:
            if name.endswith(ENDING):
                with safe_open(folder / name, framework="np"):
                    pass
            else:
                (folder / name).stat()
        except (SafetensorError, OSError) as error:
            raise damaged(folder, name, one_line(error)) from error
    _step(folder)


def verified_file(folder: Path, file: str) -> Path | None:
    """A file of tensors of a checkpoint, verified; None where the manifest names none."""
    name, sums = f"{file}{ENDING}", _sums(folder)
    if name not in sums:
        return None
    _verify(folder, name, sums[name])
    _require_tensors(folder, name)
    return folder / name


def require_optimizers(folder: Path, files: Container[str]) -> None:
    """Refuse a checkpoint whose files of tensors are those of the networks alone."""
    if OPTIMIZERS.removesuffix(ENDING) not in files:
        raise ValueError(
            f"{folder} has only the networks, so training cannot go on from it: restore a later "
            "checkpoint from a copy, or begin a new run"
        )


def last_whole(folders: Sequence[Path], resume: bool = False) -> tuple[Path, tuple[str, ...]]:
    """The last of one or more checkpoints, in order, that can be used, and why later ones cannot.

    Args:
        folders: Of the checkpoints.
        resume: Whether training is to go on from it, which needs more than the networks.

    Raises:
        ValueError: None can be used; one line that names the last.
    """
    passed: list[str] = []
    for folder in reversed(folders):
        try:
            files, _ = verified(folder)
        except Damaged as damage:
            passed.append(damage.what)
            continue
        if resume and not passed:
            require_optimizers(folder, files)
        if not resume or OPTIMIZERS.removesuffix(ENDING) in files:
            return folder, tuple(passed)
    before = "can be gone on from" if resume else "is whole"
    raise ValueError(
        f"{passed[0]}, and no checkpoint before it {before}: restore one from a copy, or begin a "
        "new run"
    )


def retain(folders: Mapping[int, Path], marked: Collection[int], keep: int) -> None:
    """Leave the last ``keep`` checkpoints, from which training can go on, and the marked ones.

    Of those that are marked before the last, the networks alone stay.

    Args:
        folders: Of all checkpoints, by the number of updates done.
        marked: Numbers of updates at which a checkpoint stays.
        keep: How many of the last stay whatever they are, one or more.
    """
    earlier = sorted(folders)[:-keep]
    for step in earlier:
        if step not in marked:
            discard(folders[step])
    for step in earlier:
        if step in marked and (folders[step] / OPTIMIZERS).is_file():
            _drop_optimizers(folders[step])


def _drop_optimizers(folder: Path) -> None:
    try:
        verified(folder)
    except Damaged:  # it is left to whoever reads it
        return
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


def damaged(folder: Path, name: str, reason: str) -> Damaged:
    """The refusal of a file of a checkpoint."""
    return Damaged(f"{folder / name} is damaged ({reason})")


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


@lru_cache(maxsize=512)
def _sum(file: Path, *_: int) -> str:
    """The sum of a file, which is read once for each of its states."""
    return sha256(file)


def _require_tensors(folder: Path, name: str) -> None:
    """Refuse a file that has no tensors, or one that no training could have left."""
    found = (folder / name).stat()
    wrong = _wrong(folder / name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if wrong:
        raise damaged(folder, name, wrong)


@lru_cache(maxsize=512)
def _wrong(file: Path, *_: int) -> str:
    """What is wrong with the tensors of a file, which is read once for each of its states."""
    import numpy as np

    try:
        with safe_open(file, framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (it is no mapping)
                value = tensors.get_tensor(name)
                if np.iscomplexobj(value):
                    return f"{name} is {value.dtype}, and nothing here is complex"
                if not np.isfinite(value).all():
                    return f"{name} is not finite"
    except (SafetensorError, OSError, LookupError, TypeError, ValueError) as error:
        return one_line(error)
    return ""


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
    config = place.parent / CONFIG
    if place.name != CHECKPOINTS or not within(place.parent, config).is_file():
        return None
    return read_json(config).get(IDENTITY)


def _not_whole(folder: Path, error: Exception) -> Damaged:
    reason = one_line(error)
    return Damaged(f"{folder} is not a whole checkpoint ({reason})", reason)
