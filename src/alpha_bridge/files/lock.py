"""One process at a time writes into a folder."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import printable
from .writing import LOCK, explained, within

HELD = "held"
"""In the lock's file, after who has it, until the lock is given back."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the lock of ``folder`` out of it.

    Its file stays there when the lock is given back, and names who had it last. The system takes
    the lock back when this process ends, however it ends; :func:`was_killed` says how. Readers need
    no lock.

    Raises:
        ValueError: Another process has the lock; one line with its number.
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
            _sign(path, HELD)
        yield
    finally:
        with suppress(OSError):
            _sign(path)
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a process has the lock of ``folder``: it is asked for, and given back at once."""
    path = within(folder, folder / LOCK)
    if not path.is_file():
        return False
    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # where nobody can write, nobody trains
        return False
    lock.release()
    return False


def holder(folder: Path) -> int | None:
    """The number of the process that has the lock of ``folder``; None if none on this machine."""
    if not is_locked(folder):
        return None
    process, host = _signature(within(folder, folder / LOCK))
    return int(process) if host == socket.gethostname() and process.isdecimal() else None


def was_killed(folder: Path) -> bool:
    """Whether the process that had the lock of ``folder`` last was ended before it gave it back."""
    path = within(folder, folder / LOCK)
    return not is_locked(folder) and HELD in _signed(path)


def _sign(path: Path, *more: str) -> None:
    """Say in the lock's file who has it."""
    handle = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "w") as file:
        print(os.getpid(), socket.gethostname(), *more, file=file)


def _holder(path: Path) -> str:
    """Which process has signed the lock's file, for people."""
    process, host = _signature(path)
    if not process:
        return "another process"
    here = host == socket.gethostname()
    return f"process {printable(process)}" + ("" if here else f" on {printable(host)}")


def _signature(path: Path) -> tuple[str, str]:
    """Process and host in the lock's file; empty if it has none."""
    process, host, *_ = [*_signed(path), "", ""]
    return (process, host) if host else ("", "")


def _signed(path: Path) -> list[str]:
    """What is written in the lock's file, which may be anybody's."""
    try:
        parts = path.read_text("utf-8").split()
    except (OSError, ValueError):
        return []
    return parts if len(parts) in (2, 3) else []
