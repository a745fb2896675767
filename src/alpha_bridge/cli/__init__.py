"""The command line: it parses the arguments, calls the library, and prints the result.

Exit codes: 0 done, 2 the user's input is wrong, 1 anything else, such as a failed check
of ``doctor``. Nothing here imports torch before a command needs it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence
from inspect import signature

from ..commands import Diagnosis
from ..errors import FULL, Stopped, Unequal
from .parsing import FUNCTIONS, Request, parse
from .printing import Terminal, one_line_message, warnings_in_a_line
from .results import print_result

__all__ = ["main"]

WRONG_PATH = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
"""What a path that the user gave can raise; any other trouble with files is not the user's."""

UNWRITABLE = (errno.EBADF, *FULL)
"""What is the matter with a disk that is full or a stream that is closed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of ``argv``, by default of this process, and return the exit code."""
    # torch's threads wait for each other awake; beside other work on the same cores they must
    # not do so for long, or an update takes ten times as long (read when torch is loaded)
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    arguments = sys.argv[1:] if argv is None else argv
    # where a stream is closed, the next file to open would get its number
    sys.stdout = sys.stdout or open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an α must not stop a run in an ASCII terminal
            stream.reconfigure(errors="replace")
    try:
        with warnings_in_a_line():
            code = _run(parse(arguments))
        sys.stdout.flush()
    except (ValueError, *WRONG_PATH) as error:
        return _report(error, 2)
    except BrokenPipeError:  # the reader has seen enough
        _flush()
        return 1
    except (Stopped, Unequal, OSError, MemoryError) as error:
        return _report(error, 1)
    except KeyboardInterrupt as error:
        return _report(error, 1)
    return code


def _run(request: Request) -> int:
    """Do and print what is asked for, and give the exit code back."""
    console, function = Terminal(stderr=request.json), FUNCTIONS[request.command]
    progress = {"console": console} if "console" in signature(function).parameters else {}
    result = function(**request.arguments, **progress)
    print_result(request.command, result, request.arguments, console, request.json)
    return int(isinstance(result, Diagnosis) and not result.healthy)


def _report(error: BaseException, code: int) -> int:
    """Print an error in one line, and give the exit code back."""
    _flush()
    reason = str(error) or "interrupted"
    if isinstance(error, OSError) and error.errno in UNWRITABLE and error.filename is None:
        # what writes files names them: this came from printing
        reason = f"cannot write to standard output ({error.strerror}): choose another place for it"
    with contextlib.suppress(OSError):
        print(
            one_line_message("; ".join([reason, *getattr(error, "__notes__", ())])), file=sys.stderr
        )
    return code


def _flush() -> None:
    """Write out what was printed, or let it go, so that nothing is left to fail at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
