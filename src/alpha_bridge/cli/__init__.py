"""The command line: it reads words, calls the library, and says how it went.

Exit codes: 0 done, 2 the user's input is wrong, 1 anything else. Nothing here imports torch
before a command needs it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from ..errors import Stopped
from .telling import Terminal, said, warnings_in_a_line
from .words import parse

__all__ = ["main"]

WRONG_PATH = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
"""What a path that the user gave can raise; any other trouble with files is not the user's."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The words after the program's name; by default those of this process.

    Returns:
        The exit code.
    """
    # torch's threads wait for each other awake; beside other work on the same cores they must
    # not do so for long, or an update takes ten times as long (read when torch is loaded)
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an α must not stop a run in an ASCII terminal
            stream.reconfigure(errors="replace")
    try:
        command = parse(words)
        with warnings_in_a_line():
            command(Terminal(stderr=getattr(command, "json", False)))
        sys.stdout.flush()
    except (ValueError, *WRONG_PATH) as error:
        return _say(error, 2)
    except BrokenPipeError:  # the reader has seen enough; nothing is left to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Stopped, OSError, MemoryError) as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return _say("interrupted", 1)
    return 0


def _say(message: object, code: int) -> int:
    print(said(message), file=sys.stderr)
    return code
