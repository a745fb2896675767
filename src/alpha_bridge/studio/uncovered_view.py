"""The view of what the generator does not cover, and of what the data never had."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from . import markup, uncovered
from .handling import SLOW, Handlers, scratch
from .workspace import Workspace


def uncovered_view(workspace: Workspace, handlers: Handlers, run: gr.Dropdown) -> None:
    """Lay out the view; ``run`` is the run that all views show."""
    with gr.Row():
        count = gr.Slider(50, 2000, value=500, step=50, label="Held-out samples to rank")
        n = gr.Slider(4, 48, value=12, step=4, label="Samples to show")
    find = gr.Button("Find them", variant="primary", elem_id="find")
    missed, invented = gr.HTML(elem_id="missed"), gr.HTML(elem_id="invented")
    archive = gr.DownloadButton("Download both", visible=False, elem_id="archive")

    def search(name: str | None, count: float, n: float) -> tuple[Any, ...]:
        own = workspace.run(name)
        with scratch() as out:
            real = uncovered.missed_samples(own, int(count), int(n), out)
        made = uncovered.invented_samples(own, int(n))
        path = Path(mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR"))) / "missed-and-invented.zip"
        uncovered.export([("missed", real), ("invented", made)], path)
        of = f"<p>Of {markup.text(name)}:</p>"  # they stay when another run is chosen
        return of + real.html, made.html, gr.update(value=str(path), visible=True)

    handlers.on(find.click, search, [run, count, n], [missed, invented, archive], **SLOW)
