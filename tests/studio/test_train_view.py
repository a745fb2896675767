"""What the view asks of the trainings, and offers afterwards."""

import subprocess
from types import SimpleNamespace

import gradio as gr
import pytest

from alpha_bridge.runs.folder import Run
from alpha_bridge.studio.train_view import train_view
from alpha_bridge.studio.trainings import Trainings


@pytest.fixture
def acts(empty, monkeypatch, in_a_loop):
    """The handlers of the view by name; no process is started."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: SimpleNamespace(poll=lambda: None))
    found = {}
    handlers = SimpleNamespace(
        on=lambda _, act, *__, **___: found.update({act.__name__: act}),
        follow=lambda *_: None,
    )

    def lay_out():
        with gr.Blocks() as blocks:
            train_view(empty, Trainings(empty), handlers, gr.Dropdown(), blocks.load)

    in_a_loop(lay_out)
    return found


def test_the_run_that_is_started_is_chosen_by_its_name_behind_all_others(acts, empty):
    for name in "bdac":
        Run.create(empty.folder / name, {"steps": 1}).append({"step": 1})
    update = acts["begin"](" bb ", "digits", "", "", 0)
    assert (update["choices"], update["value"]) == (["a", "b", "c", "d", "bb"], "bb")
