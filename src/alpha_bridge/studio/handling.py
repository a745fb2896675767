"""What all handlers of the page share: errors in one line, and a folder that goes when they end."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from . import markup

SLOW: Mapping[str, Any] = {"concurrency_id": "models", "concurrency_limit": 1}
"""Of handlers that load a model: one at a time."""


class Handlers:
    """Handlers of a page, and the line that shows the last error of one."""

    def __init__(self) -> None:
        self.problem = gr.HTML(elem_id="problem")

    def on(
        self,
        event: Callable[..., Any],
        act: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        **options: Any,
    ) -> Any:
        """Let ``act`` handle an event: it gives a value for each output, as a tuple if several.

        With ``show_progress="hidden"`` nobody waits for it, and the error of another stays shown.
        """
        unasked = options.get("show_progress") == "hidden"

        def handle(*arguments: Any) -> Any:
            try:
                found = act(*arguments)
            except Exception as error:
                if not isinstance(error, ValueError | OSError):
                    traceback.print_exc()  # for whoever mends it
                return [*[gr.skip()] * len(outputs), markup.alert(error)]
            values = found if len(outputs) > 1 else [found][: len(outputs)]
            return [*values, gr.skip() if unasked else ""]

        settings = {"inputs": [*inputs], "outputs": [*outputs, self.problem]}
        return event(handle, **settings, api_visibility="private", **options)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is written on the way."""
    with TemporaryDirectory(prefix="alpha-bridge-") as folder:
        yield Path(folder)
