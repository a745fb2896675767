"""The view of a run along α: a slider over its checkpoints."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..runs.snapshots import snapshots
from . import along_alpha, markup
from .handling import SLOW, Handlers
from .workspace import Workspace


def bridge_view(
    workspace: Workspace, handlers: Handlers, run: gr.Dropdown, tab: gr.Tab, current: gr.State
) -> None:
    """Lay out the view; ``run`` is that of all views, ``current`` the label of the tab shown."""
    slider = gr.Slider(1, 2, value=1, step=1, label="Snapshot along α", elem_id="along")
    place = gr.HTML(elem_id="snapshot")
    figures = gr.HTML(elem_id="bridge")
    measure = gr.Button("Measure likelihood against realism", elem_id="frontier")
    gr.HTML("<p>Every snapshot is evaluated anew, which can take minutes.</p>")
    curve = gr.HTML(elem_id="curve")

    def show(name: str | None, at: float) -> tuple[str, str]:
        own = workspace.run(name)
        found = snapshots(own)
        number = max(1, min(int(at), len(found)))
        step, alpha, *_ = found[number - 1]
        where = f"snapshot {number} of {len(found)}: update {step:,}, α = {alpha:.2f}"
        panels, rows = along_alpha.shown_at(own, step)
        below = markup.table(rows, "Rows of the same latents") if rows else ""
        return f"<p>{where}</p>", markup.figures(panels) + below

    def choose(name: str | None) -> tuple[Any, ...]:
        own = workspace.run(name)
        count = len(snapshots(own))
        known = along_alpha.known_frontier(own)
        drawn = "" if known is None else markup.figures(along_alpha.frontier_panels(known))
        slide = gr.update(maximum=max(2, count), value=count)
        return slide, *show(name, count), drawn

    def evaluate(name: str | None) -> str:
        from ..commands import frontier

        return markup.figures(along_alpha.frontier_panels(frontier(workspace.run(name))))

    everything = [slider, place, figures, curve]

    def follow(name: str | None, current: str) -> tuple[Any, ...]:
        return choose(name) if current == tab.label else (gr.skip(),) * 4

    handlers.on(run.change, follow, [run, current], everything, anew=True, **SLOW)
    handlers.on(tab.select, choose, [run], everything, anew=True, **SLOW)
    # by the pointer or by keys
    handlers.on(slider.input, show, [run, slider], [place, figures], **SLOW)
    handlers.on(measure.click, evaluate, [run], [curve], **SLOW)
