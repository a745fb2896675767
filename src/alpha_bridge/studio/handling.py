"""What all handlers of the page share: errors in one line, and a folder that goes when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from ..errors import printable

Handler = Callable[..., Any]

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
"""Of handlers that nobody waits for."""
SLOW = {"concurrency_id": "models", "concurrency_limit": 1, "api_visibility": "private"}
"""Of handlers that load a model: one at a time."""


def guarded(act: Handler) -> Handler:
    """``act``, whose errors are shown on the page, in one line each."""

    @wraps(act)
    def handle(*arguments: Any) -> Any:  # noqa: ANN401
        try:
            return act(*arguments)
        except gr.Error:
            raise
        except Exception as error:
            # that of a user is expected, and any other one is printed too, for whoever mends it
            expected = isinstance(error, ValueError | OSError)
            message = printable(" ".join(str(error).split())) or type(error).__name__
            raise gr.Error(
                message, duration=None, title="", print_exception=not expected
            ) from error

    return handle


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is written on the way."""
    with TemporaryDirectory(prefix="alpha-bridge-") as folder:
        yield Path(folder)
