"""The page: five views on the runs of a folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from . import markup
from .bridge_view import bridge_view
from .compare_view import compare_view
from .encode_view import encode_view
from .handling import Handlers
from .train_view import train_view
from .trainings import Trainings
from .uncovered_view import uncovered_view
from .workspace import Workspace

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
RED, DARK_RED = "#b42318", "#912018"
CSS = (Path(__file__).parent / "studio.css").read_text("utf-8")


def theme() -> Any:
    """Colours with enough contrast, and fonts that the reader has: none is fetched."""
    found = gr.themes.Default(
        primary_hue="blue", font=FONTS, font_mono=["ui-monospace", "Menlo", "monospace"]
    )
    return found.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        button_cancel_background_fill=RED,
        button_cancel_background_fill_dark=RED,
        button_cancel_background_fill_hover=DARK_RED,
        button_cancel_background_fill_hover_dark=DARK_RED,
        button_cancel_text_color="white",
        button_cancel_text_color_dark="white",
    )


def page(workspace: Workspace) -> gr.Blocks:
    """The page on a workspace."""
    trainings = Trainings(workspace)
    with gr.Blocks(title="alpha_bridge studio", analytics_enabled=False) as blocks:
        gr.HTML(f"<h1>alpha_bridge studio</h1><p>{markup.text(workspace.folder.name)}</p>")
        run = gr.Dropdown([], label="Run", info="that all views but Compare show", elem_id="run")
        handlers = Handlers()
        current = gr.State("Train")
        with gr.Tabs(overflow_behavior="wrap"):  # a menu would hide some
            with gr.Tab("Train") as train:
                train_view(workspace, trainings, handlers, run, blocks.load)
            with gr.Tab("Bridge") as bridge:
                bridge_view(workspace, handlers, run, bridge, current)
            with gr.Tab("Encode and edit") as encode:
                encode_view(workspace, handlers, run, encode, current)
            with gr.Tab("Missed and invented") as uncovered:
                uncovered_view(workspace, handlers, run)
            with gr.Tab("Compare") as compare:
                compare_view(workspace, handlers, compare)

        def first() -> Any:
            names = workspace.run_names()
            return gr.update(choices=names, value=names[0] if names else None)

        def offer() -> Any:
            return gr.update(choices=workspace.run_names())  # what is chosen meanwhile stays

        for tab in (train, bridge, encode, uncovered, compare):
            handlers.on(tab.select, partial(str, tab.label), [], [current], show_progress="hidden")
        handlers.on(blocks.load, first, [], [run], show_progress="hidden")
        handlers.on(run.focus, offer, [], [run], show_progress="hidden")
    return blocks
