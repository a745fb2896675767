"""One process at a time writes into a folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import printable
from .writing import LOCK, explained, within

__all__ = ["locked"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the lock of ``folder`` out of it.

    Its file stays there when the lock is given back, and says who had it last. The system
    takes the lock back when this process ends, however it ends, so that what a killed one leaves
    stands in nobody's way. Who only reads needs no lock.

    Args:
        folder: It is made if it is missing.

    Raises:
        ValueError: Another process has the lock; one line with its number.
        PermissionError: The folder cannot be written.
        NotWritten: The disk is full, or the file system has no locks.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with locked(folder):
        ...     (folder / LOCK).read_text().split()[0] == str(os.getpid())
        True
    """
    path = within(folder, folder / LOCK)
    lock = FileLock(path, blocking=False)
    with explained(path):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise ValueError(
                f"{_holder(path)} writes into {folder}: wait until it ends, or stop it"
            ) from None
    try:
        with suppress(OSError):  # the lock is held; the number is for people
            _sign(path)
        yield
    finally:
        lock.release()


def _sign(path: Path) -> None:
    """Say in the lock's file who has it."""
    handle = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "w") as file:
        file.write(f"{os.getpid()} {socket.gethostname()}\n")


def _holder(path: Path) -> str:
    """Which process has signed the lock's file; the file may be anybody's.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / LOCK
        >>> _ = path.write_text("4711 node2")
        >>> _holder(path)
        'process 4711 on node2'
    """
    try:
        process, host = path.read_text("utf-8").split()
    except (OSError, ValueError):
        return "another process"
    here = host == socket.gethostname()
    return f"process {printable(process)}" + ("" if here else f" on {printable(host)}")
