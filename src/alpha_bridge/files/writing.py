"""Files and folders that appear complete or not at all, and stay after a power cut.

Everything that is written elsewhere in the package goes through :func:`writing` or
:func:`filling`. Each writes beside its goal, to ``.name.process.partial``; waits until the disk has
it; and renames it. A folder that is replaced is called ``.name.replaced`` until the new one stands.
:func:`recover` ends what a kill interrupted.
"""

import errno
import glob
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import NotWritten, one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOCK = ".lock"
"""The file by which a process keeps others out of a folder, which is no content of it."""

IDENTITY = "run"
"""The key of a run's configuration that is no setting, but what its checkpoints carry too."""

GONE_BACK = "gone_back"
"""Another that is none: how often the run went back after an incident."""

REFUSED = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
"""What is the matter with the place that the user chose, not with the disk."""


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears complete, or leave the one that stood there.

    Folders above it are made. A link is replaced, never followed. Errors are :func:`explained`.
    """
    partial = _partial(path)
    with explained(path):
        _make(path.parent)
        recover(path)
        try:
            # "x" follows no link that somebody left under this name
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync(path.parent)
        except BaseException:
            with suppress(OSError):
                _remove(partial)
            raise


@contextmanager
def filling(folder: Path, replace: bool = False) -> Iterator[Path]:
    """Fill an empty folder that appears complete, or leave the one that stood there.

    That one raises ``FileExistsError`` unless it is empty, or to be replaced when the new one is
    complete. Folders above it are made. Errors are :func:`explained`.
    """
    folder = folder.absolute()
    if not replace:
        require_free(folder)
    partial = _partial(folder)
    with explained(folder):
        _make(folder.parent)
        recover(folder)
        try:
            partial.mkdir()
            yield partial
            for place, _, files in os.walk(partial, topdown=False):
                for file in files:
                    _sync(Path(place, file))
                _sync(Path(place))
            _take_place(partial, folder)
        except BaseException:
            with suppress(OSError):
                _remove(partial)
            raise


def recover(path: Path) -> None:
    """End what a kill interrupted while ``path`` was written.

    A folder that was to be replaced and has no successor comes back; all other leftovers go, but
    for those of a process that is at work.
    """
    replaced = _replaced(path)
    if replaced.is_dir() and not path.exists():
        replaced.rename(path)
        _sync(path.parent)
    _remove(replaced)
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        process = partial.name.split(".")[-2]
        if process == str(os.getpid()) or not _is_alive(process):
            _remove(partial)


def recover_all(folder: Path) -> None:
    """End what kills interrupted while anything that lies in ``folder`` was written."""
    for leftover in [*folder.glob(".*.partial"), *folder.glob(".*.replaced")]:
        parts = 2 if leftover.suffix == ".partial" else 1
        recover(folder / leftover.name[1:].rsplit(".", parts)[0])


def discard(folder: Path) -> None:
    """Remove a folder that is whole or not there for whoever looks."""
    with explained(folder):
        partial = _partial(folder)
        folder.rename(partial)
        _sync(folder.parent)
        _remove(partial)


def append_line(path: Path, line: bytes) -> None:
    """Add a line, with its end, to a file that is made if it is missing.

    What a killed process left of a line is cut off: the file is read from its end, no further than
    to the last line's.
    """
    with explained(path), path.open("ab+") as file:
        end = _end_of_lines(file)
        file.truncate(end)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        if not end:  # its name may be as new as it is
            _sync(path.parent)


def require_room(folder: Path, needed: int) -> None:
    """Refuse to begin writing so many bytes into a new ``folder`` of a disk that has fewer.

    Raises:
        NotWritten: The disk has less room; as many bytes more may be taken by others meanwhile.
    """
    place = next((place for place in folder.absolute().parents if place.is_dir()), Path())
    try:
        free = shutil.disk_usage(place).free
    except OSError:  # writing itself will show
        return
    if free < needed:
        raise NotWritten(
            f"cannot write {folder} (it needs {_megabytes(needed)}, and {_megabytes(free)} are "
            "free): what was there before is unchanged; make room and try again"
        ) from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.{0 if size >= 1e8 else 3}f} MB"


def require_free(folder: Path) -> Path:
    """Return ``folder`` if it is new or empty, but for a lock; else raise ``FileExistsError``."""
    if folder.is_file() or (
        folder.exists() and any(path.name != LOCK for path in folder.iterdir())
    ):
        raise FileExistsError(f"{folder} is not empty: choose another folder")
    return folder


def within(root: Path, path: Path) -> Path:
    """Return ``path`` if it lies in ``root``, also after every link in it is followed.

    Raises:
        ValueError: It leads outside, or nowhere.
    """
    try:
        place, inside = path.resolve(), root.resolve()
    except (OSError, RuntimeError) as error:  # Python 3.13 no longer raises of a loop
        raise ValueError(f"{path} is a broken link ({one_line(error)}): remove it") from error
    if not place.is_relative_to(inside):
        raise ValueError(f"{path} leads out of {root}, to {place}: it is not read or written")
    return path


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Name what could not be written, ``path``: the system's own message often does not.

    Of several contexts the outer one has the name: it is what the user asked for.

    Raises:
        PermissionError: The place cannot be written.
        NotWritten: The disk is full or broken.
    """
    try:
        yield
    except OSError as error:
        cause: BaseException = error
        while isinstance(cause.__cause__, OSError):
            cause = cause.__cause__
        assert isinstance(cause, OSError)
        if cause.errno is None and type(cause) is not OSError:  # it is not the system's
            raise
        reason = cause.strerror or str(cause)
        if cause.errno in REFUSED:
            raise PermissionError(
                f"cannot write {path} ({reason}): choose another place, or make it writable"
            ) from error
        raise NotWritten(
            f"cannot write {path} ({reason}): what was there before is unchanged; make room and "
            "try again"
        ) from error


def save_array(array: "NDArray[Any]", path: Path) -> None:
    """Write an array of numbers as ``.npy``."""
    import numpy as np

    with writing(path) as file:
        # into a true file numpy writes by itself, and is silent where a disk is full
        np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)


def sha256(file: Path) -> str:
    """The SHA-256 sum of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where decoded images and classifiers are kept: ``$ALPHA_BRIDGE_CACHE``, or the user's."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("ALPHA_BRIDGE_CACHE") or user_cache_path("alpha_bridge"))


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _replaced(path: Path) -> Path:
    return path.with_name(f".{path.name}.replaced")


def _end_of_lines(file: BinaryIO, block: int = 4096) -> int:
    """Where the last whole line of a file ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - block)
        file.seek(begin)
        if found := file.read(end - begin).rfind(b"\n") + 1:
            return begin + found
        end = begin
    return 0


def _is_alive(process: str) -> bool:
    if not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def _take_place(partial: Path, folder: Path) -> None:
    replaced = _replaced(folder)
    if folder.exists():
        folder.rename(replaced)
    partial.rename(folder)
    _sync(folder.parent)
    _remove(replaced)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make a folder and those above it, and wait until the disk has their names."""
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in new:
        _sync(place.parent)


def _sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        # some file systems have no such wait for folders; a file that the disk refuses is lost
        with suppress(OSError) if path.is_dir() else nullcontext():
            os.fsync(handle)
    finally:
        os.close(handle)
