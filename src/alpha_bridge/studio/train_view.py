"""The view in which a run is started, seen, paused, stopped and resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from . import live, markup
from .handling import SLOW, Handlers
from .trainings import Trainings, configuration, understood
from .workspace import Workspace

EVERY = 3.0
"""Seconds from one look at a run to the next."""


PAUSE = 0.1
"""Seconds from one look at which run is chosen to the next."""


@dataclass
class Followed:
    """The run that a page shows, the one whose line it shows already, and what is drawn of it."""

    name: str | None = None
    shown: str | None = None
    version: tuple[int, ...] | None = None


def train_view(
    workspace: Workspace,
    trainings: Trainings,
    handlers: Handlers,
    run: gr.Dropdown,
    load: Callable[..., Any],
) -> None:
    """Lay out the view.

    Args:
        workspace: Of the page.
        trainings: In it.
        handlers: Of the page.
        run: The run that all views show.
        load: The event of a page that is shown.
    """
    with gr.Accordion("Start a training", open=not workspace.run_names()):
        _start(workspace, trainings, handlers, run)
    line = gr.HTML(elem_id="where")
    with gr.Row():
        buttons = {
            gr.Button("Pause", elem_id="pause"): trainings.pause,
            gr.Button("Resume", elem_id="resume"): trainings.resume,
            gr.Button("Stop", variant="stop", elem_id="stop"): trainings.stop,
        }
    gr.HTML(
        "<p>Pause writes a checkpoint first. Stop ends the training at once: what came after the "
        "last checkpoint is lost. A training goes on when this page is closed.</p>"
    )
    figures = gr.HTML(elem_id="live")
    followed, drawings = gr.State(Followed()), live.Drawings()

    def choose(name: str | None, followed: Followed) -> None:
        followed.name = name

    def look(followed: Followed) -> Iterator[tuple[Any, Any]]:
        name, another = followed.name, followed.name != followed.shown
        followed.shown = name
        if not name:
            yield "", ""
            return
        yield f"<p>{markup.text(live.where(trainings, name))}</p>", "" if another else gr.skip()
        there = workspace.is_there(name)
        version = live.version(workspace.run(name)) if there else None
        if not another and version == followed.version:
            return
        followed.version = version
        drawn = ""
        for drawn in drawings.of(workspace.run(name)) if there else ():
            if followed.name != name:  # which is the next one to look at
                return
            if another:  # the figures that are shown stay until all are drawn
                yield gr.skip(), drawn
        yield gr.skip(), drawn

    async def rest(followed: Followed) -> None:
        for _ in range(round(EVERY / PAUSE)):
            if followed.name != followed.shown:
                break
            await asyncio.sleep(PAUSE)

    handlers.on(run.change, choose, [run, followed], [], show_progress="hidden")
    handlers.follow(load, look, rest, [followed], [line, figures])
    for button, act in buttons.items():

        def press(name: str | None, act: Any = act) -> None:
            if not name:
                raise ValueError("no run is chosen: choose one")
            act(name)

        handlers.on(button.click, press, [run])


def _start(
    workspace: Workspace, trainings: Trainings, handlers: Handlers, run: gr.Dropdown
) -> None:
    files = gr.File(
        label="Drop images, a table or an .npy file", file_count="multiple", elem_id="files"
    )
    data = gr.Dropdown(
        workspace.data_names(),
        value=None,
        label="Data in the folder, or built in",
        allow_custom_value=True,
        elem_id="data",
    )
    with gr.Row():
        name = gr.Textbox("first", label="Name of the run", elem_id="name")
        steps = gr.Textbox(label="Updates", info="empty: as usual", elem_id="steps")
        realism = gr.Textbox(label="Realism, 0 to 1", info="empty: as usual")
        snapshots = gr.Number(
            8,
            label="Snapshots along α",
            info="for the view Bridge; with 0 the pace of α adapts",
            precision=0,
            minimum=0,
        )
    settings = [data, realism, steps, snapshots]
    with gr.Row():
        look = gr.Button("Look at the data", elem_id="look")
        start = gr.Button("Start", variant="primary", elem_id="start")
    notes = gr.HTML(elem_id="understood")

    def keep(paths: list[str] | None) -> Any:
        if not paths:
            return gr.skip(), gr.skip()
        kept = workspace.keep([Path(path) for path in paths])
        return gr.update(choices=workspace.data_names(), value=kept), None

    def configured(data: str | None, *settings: Any) -> Any:
        realism, steps, snapshots = settings
        numbers = _number("realism", realism, float), _number("updates", steps, int)
        return configuration(workspace.data(data), *numbers, snapshots or 0)

    def describe(*settings: Any) -> str:
        return markup.lines(understood(configured(*settings)))

    def begin(name: str, *settings: Any) -> Any:
        name = name.strip()
        trainings.start(name, configured(*settings))
        names = workspace.run_names()
        return gr.update(choices=names if name in names else [*names, name], value=name)

    def offer() -> Any:
        return gr.update(choices=workspace.data_names())

    handlers.on(data.focus, offer, [], [data], show_progress="hidden")
    handlers.on(files.upload, keep, [files], [data, files])
    handlers.on(look.click, describe, settings, [notes], **SLOW)
    handlers.on(start.click, begin, [name, *settings], [run])


def _number(name: str, given: str, kind: type[Any]) -> Any:
    """The number that is written in a field; None for an empty one."""
    try:
        return kind(given) if given.strip() else None
    except ValueError:
        raise ValueError(f"{name} must be a number, got {given!r}: give one, or none") from None
