"""What all handlers of the page share: errors in one line, and a folder that goes when they end."""

from __future__ import annotations

import traceback
from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from . import markup

SLOW: Mapping[str, Any] = {
    "concurrency_id": "models",
    "concurrency_limit": 1,
    "trigger_mode": "always_last",
}
"""Of handlers that load a model: one at a time; what is asked for meanwhile comes afterwards."""


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
        anew: bool = False,
        **options: Any,
    ) -> Any:
        """Let ``act`` handle an event: it gives a value for each output, as a tuple if several.

        With ``show_progress="hidden"`` nobody waits for it, and the error of another stays shown.
        Where another run is shown ``anew``, an error takes away the pictures of the one before.
        """
        unasked = options.get("show_progress") == "hidden"
        kept = ["" if anew and isinstance(of, gr.HTML) else gr.skip() for of in outputs]

        def handle(*arguments: Any) -> Any:
            try:
                found = act(*arguments)
            except Exception as error:
                return [*kept, _explained(error)]
            values = found if len(outputs) > 1 else [found][: len(outputs)]
            return [*values, gr.skip() if unasked else ""]

        settings = {"inputs": [*inputs], "outputs": [*outputs, self.problem]}
        return event(handle, **settings, api_visibility="private", **options)

    def follow(
        self,
        event: Callable[..., Any],
        look: Callable[..., Iterator[Sequence[Any]]],
        rest: Callable[..., Awaitable[None]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
    ) -> Any:
        """Let ``look`` give values again and again, each time after a ``rest``.

        It ends with the page. gradio ends its stream of answers when no event is pending, and what
        is asked for at that moment has no answer until somebody asks again: an event that does not
        end keeps the stream open.
        """
        nothing = [gr.skip()] * len(outputs)

        async def handle(*arguments: Any) -> AsyncIterator[list[Any]]:
            shown = ""
            while True:
                values, problem = look(*arguments), ""
                try:
                    while (found := await to_thread(next, values, None)) is not None:
                        yield [*found, gr.skip()]
                except Exception as error:
                    problem = _explained(error)
                # an error that stays is shown once, and that of another event stays shown; a yield
                # is also where gradio ends what a closed page has left
                yield [*nothing, problem if problem not in ("", shown) else gr.skip()]
                shown = problem
                await rest(*arguments)

        settings = {"inputs": [*inputs], "outputs": [*outputs, self.problem]}
        hidden = {"show_progress": "hidden", "concurrency_limit": None}
        return event(handle, **settings, api_visibility="private", **hidden)


def _explained(error: Exception) -> str:
    if not isinstance(error, ValueError | OSError):
        traceback.print_exception(error)  # for whoever mends it
    return markup.alert(error)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is written on the way."""
    with TemporaryDirectory(prefix="alpha-bridge-") as folder:
        yield Path(folder)
