"""What was decoded once: filled by one process at a time, cleared of what killed ones left."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..files import filling

DAY = 24 * 60 * 60


def cached(target: Path, fill: Callable[[Path], None]) -> Path:
    """Return a folder two levels below the cache's own, which one process fills if it is missing.

    ``fill`` is called with an empty folder, which becomes ``target`` when it is complete.
    """
    if not target.exists():
        with _locked(target):
            if not target.exists():
                _clear(target.parent)
                with filling(target) as folder:
                    fill(folder)
    return target


@contextmanager
def _locked(target: Path, blocking: bool = True) -> Iterator[None]:
    """Keep other processes from filling a folder; the system frees it when this one ends."""
    cache = target.parent.parent
    lock = FileLock(cache / "locks" / f"{target.name}.lock", blocking=blocking)
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(exist_ok=True)
        lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        raise PermissionError(
            f"cache folder '{cache}' cannot be written ({error.strerror}): set ALPHA_BRIDGE_CACHE "
            "to a folder that can"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _clear(folder: Path) -> None:
    """Remove what no process fills any more."""
    for partial in folder.glob(".*.partial"):
        target = folder / partial.name.removeprefix(".").rsplit(".", 2)[0]
        with suppress(Timeout), _locked(target, blocking=False):
            shutil.rmtree(partial, ignore_errors=True)
    # earlier versions had no lock
    for scratch in folder.glob("decoding-*"):
        if time.time() - scratch.stat().st_mtime > DAY:
            shutil.rmtree(scratch, ignore_errors=True)
