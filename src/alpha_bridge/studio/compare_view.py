"""The view of several runs side by side."""

from __future__ import annotations

from typing import Any

import gradio as gr

from . import side_by_side
from .handling import SLOW, Handlers
from .workspace import Workspace


def compare_view(workspace: Workspace, handlers: Handlers, tab: gr.Tab) -> None:
    """Lay out the view."""
    chosen = gr.Dropdown([], label="Runs", multiselect=True, elem_id="runs")
    compare = gr.Button("Compare", variant="primary", elem_id="compare")
    shown = gr.HTML(elem_id="compared")

    def offer() -> Any:
        return gr.update(choices=workspace.run_names())

    def show(names: list[str]) -> str:
        return side_by_side.compared({name: workspace.run(name) for name in names})

    handlers.on(tab.select, offer, [], [chosen])
    handlers.on(compare.click, show, [chosen], [shown], **SLOW)
