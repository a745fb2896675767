"""Command lines in processes of their own: run, watched, limited and killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

__all__ = ["Child", "Children", "Said"]

TIMEOUT = 120.0
"""Seconds after which a command is taken to hang; the longest here takes a few."""


ROOT = str(Path(__file__).parents[2])
"""Where the experiments lie, which train the VAEs."""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said.

    Attributes:
        code: Its exit code; that of the signal, negative, if it was killed.
        out: Standard output.
        err: Standard error.
        late: Whether it did not end in time.
        operations: How often it did something to a file of its place, if it lived to its end.
        calls: How often it called a machine, this one or another.
        at: The file that it was about to change when it was killed, where that was asked for.
    """

    code: int
    out: bytes
    err: bytes
    late: bool
    operations: int = 0
    calls: int = 0
    at: str = ""

    @property
    def lines(self) -> list[str]:
        """What it said of what went wrong, by line."""
        return self.err.decode(errors="backslashreplace").split("\n")[:-1]


@dataclass
class Children:
    """Processes forked from one that has imported the package; a context.

    Attributes:
        drawn: Whether their reports have figures, which take longer than tiny trainings.
    """

    drawn: bool = True

    def __enter__(self) -> "Children":
        self._server = subprocess.Popen(
            [
                sys.executable,
                Path(__file__).with_name("server.py"),
                *(() if self.drawn else ("undrawn",)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "COLUMNS": "200",
                "HF_DATASETS_OFFLINE": "0",
                "HF_ENDPOINT": "http://127.0.0.1:9",  # nobody answers there
                "HF_HUB_OFFLINE": "0",
                "MPLBACKEND": "Agg",
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")])),
            },
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()

    def start(
        self,
        words: Sequence[str],
        place: Path,
        largest: int | None = None,
        die_beyond: bool = False,
        die_at: int | None = None,
        **settings: str,
    ) -> "Child":
        """Start a command.

        Args:
            words: After the program's name; or ``from_pretrained`` and a folder.
            place: The working folder, whose ``cache`` is that of the command.
            largest: Bytes that a file may have; a larger one is an error, as on a full disk.
            die_beyond: Whether to be killed in the middle of writing a larger one instead.
            die_at: Before which operation on a file below ``place`` it is killed.
            settings: Further variables of its environment.
        """
        settings = {"ALPHA_BRIDGE_CACHE": str(place / "cache")} | settings
        request = {
            "words": [str(word) for word in words],
            "place": str(place),
            "settings": settings,
            "largest": largest,
            "die_beyond": die_beyond,
            "die_at": die_at,
        }
        return Child(self._ask(request), self)

    def run(self, words: Sequence[str], place: Path, **how: object) -> Said:
        """Run a command to its end; the arguments are those of :meth:`start`."""
        return self.start(words, place, **how).wait()

    def _ask(self, request: object) -> object:
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


@dataclass(frozen=True)
class Child:
    """A command that has been started.

    Attributes:
        pid: Its process.
        children: Those that it is of.
    """

    pid: int
    children: Children

    def kill(self) -> None:
        """End it at once, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float = TIMEOUT) -> Said:
        """Wait for its end."""
        reply = self.children._ask({"pid": self.pid, "timeout": timeout})
        out, err = (reply.pop(name).encode("latin-1") for name in ("out", "err"))
        return Said(out=out, err=err, **reply)
