"""The view of the encoder: reconstructions, edits, and rows of a table completed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from . import encodings
from .handling import SLOW, Handlers, scratch
from .workspace import Workspace


def encode_view(
    workspace: Workspace, handlers: Handlers, run: gr.Dropdown, tab: gr.Tab, current: gr.State
) -> None:
    """Lay out the view; ``run`` is that of all views, ``current`` the label of the tab shown."""
    with gr.Column() as images:
        attribute = _images(workspace, handlers, run)
    with gr.Column(visible=False) as rows:
        _rows(workspace, handlers, run)

    def choose(name: str | None) -> tuple[Any, ...]:
        own = workspace.run(name)
        table = bool(own.config.get("rows"))
        choices = [] if table else encodings.attributes(own)
        known = gr.update(choices=choices, value=choices[0] if choices else None)
        return gr.update(visible=not table), gr.update(visible=table), known

    def follow(name: str | None, current: str) -> tuple[Any, ...]:
        return choose(name) if current == tab.label else (gr.skip(),) * 3

    handlers.on(run.change, follow, [run, current], [images, rows, attribute], **SLOW)
    handlers.on(tab.select, choose, [run], [images, rows, attribute], **SLOW)


def _images(workspace: Workspace, handlers: Handlers, run: gr.Dropdown) -> gr.Dropdown:
    with gr.Row():
        first = gr.File(label="An image, or vectors as .npy", elem_id="first")
        second = gr.File(label="Another one, to go between", elem_id="second")
    with gr.Accordion("Or draw one", open=False):
        sketch = gr.Sketchpad(
            label="Drawing", type="numpy", layers=False, canvas_size=(280, 280), elem_id="sketch"
        )
    with gr.Row():
        refine = gr.Slider(0, 200, value=0, step=10, label="Steps of refinement")
        strength = gr.Slider(0.5, 5, value=2, step=0.5, label="Strength of an edit")
        attribute = gr.Dropdown([], label="Attribute", allow_custom_value=True, elem_id="attribute")
    with gr.Row():
        reconstruct = gr.Button("Reconstruct", variant="primary", elem_id="reconstruct")
        edit = gr.Button("Move along the attribute", elem_id="edit")
        between = gr.Button("Go between both", elem_id="between")
    shown = gr.HTML(elem_id="encoded")

    def given(name: str | None, path: str | None, sketch: Any, out: Path) -> Path:
        found = Path(path) if path else encodings.drawing(sketch, workspace.run(name), out)
        if found is None:
            raise ValueError("no image is given: drop one, or draw one")
        return found

    def decode(name: str | None, path: str | None, sketch: Any, refine: float) -> str:
        with scratch() as out:
            image = given(name, path, sketch, out)
            return encodings.reconstructed(workspace.run(name), image, int(refine), out)

    def move(
        name: str | None,
        path: str | None,
        sketch: Any,
        attribute: str | None,
        strength: float,
    ) -> str:
        if not attribute:
            raise ValueError("no attribute is chosen: choose one, of data that have labels")
        with scratch() as out:
            image = given(name, path, sketch, out)
            return encodings.edited(workspace.run(name), image, attribute, strength, out)

    def go(name: str | None, path: str | None, sketch: Any, other: str | None) -> str:
        if not other:
            raise ValueError("one image is given, and two are needed: drop another one")
        with scratch() as out:
            image = given(name, path, sketch, out)
            return encodings.between(workspace.run(name), image, Path(other), "slerp", out)

    images = [run, first, sketch]
    handlers.on(reconstruct.click, decode, [*images, refine], [shown], **SLOW)
    handlers.on(edit.click, move, [*images, attribute, strength], [shown], **SLOW)
    handlers.on(between.click, go, [*images, second], [shown], **SLOW)
    return attribute


def _rows(workspace: Workspace, handlers: Handlers, run: gr.Dropdown) -> None:
    shown = gr.HTML(render=False, elem_id="filled")

    @gr.render(inputs=[run])  # type: ignore[untyped-decorator]
    def fields(name: str | None) -> None:
        if not name or not workspace.is_there(name):
            return
        columns = encodings.columns(workspace.run(name))
        with gr.Row():
            cells = [
                gr.Dropdown(["", *values], value="", label=column, min_width=160)
                if values
                else gr.Textbox(label=column, min_width=160)
                for column, values in columns.items()
            ]
        draws = gr.Slider(1, 10, value=3, step=1, label="Draws")
        fill = gr.Button("Fill the empty cells", variant="primary", elem_id="fill")

        def complete(name: str | None, draws: float, *given: str | None) -> str:
            with scratch() as out:
                row = dict(zip(columns, given, strict=True))
                return encodings.completed(workspace.run(name), row, int(draws), out)

        handlers.on(fill.click, complete, [run, draws, *cells], [shown], **SLOW)

    gr.HTML("<p>An empty cell is a gap; without a gap, the row is reconstructed.</p>")
    shown.render()
