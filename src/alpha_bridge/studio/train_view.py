"""The view in which a run is started, seen, paused, stopped and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from . import live, markup
from .handling import QUIET, SLOW, guarded
from .trainings import Trainings, configuration, understood
from .workspace import Workspace

EVERY = 3.0
"""Seconds from one look at a run to the next."""


def train_view(workspace: Workspace, trainings: Trainings, run: gr.Dropdown) -> None:
    """Lay out the view; ``run`` is the run that all views show."""
    with gr.Accordion("Start a training", open=not workspace.run_names()):
        _start(workspace, trainings, run)
    line = gr.HTML(elem_id="where")
    with gr.Row():
        buttons = {
            gr.Button("Pause", elem_id="pause"): trainings.pause,
            gr.Button("Resume", elem_id="resume"): trainings.resume,
            gr.Button("Stop", variant="stop", elem_id="stop"): trainings.stop,
        }
    gr.Markdown(
        "Pause writes a checkpoint first. Stop ends the training at once: what came after the last "
        "checkpoint is lost. A training goes on when this page is closed."
    )
    figures = gr.HTML(elem_id="live")
    seen = gr.State(())

    def look(name: str | None, before: tuple[Any, ...]) -> tuple[Any, ...]:
        if not name:
            return "", "", ()
        there = workspace.is_there(name)
        version = (name, *live.version(workspace.run(name))) if there else ()
        changed = version != before
        drawn = (live.shown(workspace.run(name)) if there else "") if changed else gr.skip()
        return f"<p>{markup.text(live.where(trainings, name))}</p>", drawn, version

    shown: dict[str, Any] = {"inputs": [run, seen], "outputs": [line, figures, seen], **QUIET}
    run.change(guarded(look), **shown)
    gr.Timer(EVERY).tick(guarded(look), **shown, trigger_mode="once")
    for button, act in buttons.items():

        def press(name: str | None, act: Any = act) -> None:
            if not name:
                raise ValueError("no run is chosen: choose one")
            act(name)

        button.click(guarded(press), [run], None, **QUIET).success(guarded(look), **shown)


def _start(workspace: Workspace, trainings: Trainings, run: gr.Dropdown) -> None:
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
        steps = gr.Number(None, label="Updates", info="empty: as usual", precision=0)
        realism = gr.Number(
            None, label="Realism, 0 to 1", info="empty: as usual", minimum=0, maximum=1, step=0.1
        )
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
            return gr.skip()
        kept = workspace.keep([Path(path) for path in paths])
        return gr.update(choices=workspace.data_names(), value=kept)

    def configured(data: str | None, *settings: Any) -> Any:
        realism, steps, snapshots = settings
        return configuration(workspace.data(data), realism, steps, snapshots or 0)

    def describe(*settings: Any) -> str:
        return markup.lines(understood(configured(*settings)))

    def begin(name: str, *settings: Any) -> Any:
        trainings.start(name.strip(), configured(*settings))
        return gr.update(choices=[*{*workspace.run_names(), name}], value=name)

    files.upload(guarded(keep), [files], [data], api_visibility="private")
    look.click(guarded(describe), settings, [notes], **SLOW)
    start.click(guarded(begin), [name, *settings], [run], api_visibility="private")
