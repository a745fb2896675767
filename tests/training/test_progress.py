"""Bars in a terminal and a notebook, lines in a log, and nothing on a quiet console."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from alpha_bridge.training import progress
from alpha_bridge.training.progress import Bars


def shown(steps=4, clock=None, **options):
    console = Console(file=io.StringIO(), width=100, force_jupyter=False, **options)
    with Bars(console) as bars:
        for step in range(steps + 1):
            bars.show("decoding images", step, steps, "note")
            if clock is not None:
                clock.now += progress.LINE / 4
        assert not bars.drawing.tasks
    return console.file.getvalue()


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_a_log_has_a_line_now_and_then_with_the_time_left(clock):
    assert shown(10, clock=clock, force_terminal=False).splitlines() == [
        "decoding images  4 of 10  1:00, 1:30 left  note",
        "decoding images  8 of 10  2:00, 0:30 left  note",
    ]


def test_a_log_of_what_takes_no_time_is_empty():
    assert shown(force_terminal=False) == ""


def test_a_quiet_console_shows_nothing():
    assert shown(force_terminal=True, quiet=True) == ""


def test_a_terminal_has_a_bar_that_goes_away_when_the_work_is_done():
    assert "decoding images" in shown(force_terminal=True)


def test_bars_end_where_work_fails():
    console = Console(file=io.StringIO(), force_terminal=True, force_jupyter=False)
    bars = Bars(console)
    with pytest.raises(ValueError, match="broken"), bars:
        bars.show("evaluating", 1, 3)
        raise ValueError("broken")
    assert not bars.drawing.live.is_started


def test_a_notebook_shows_the_bars_without_widgets(monkeypatch):
    pictures = []

    class Handle:
        update = pictures.append

    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Handle)
    with Bars(Console(force_jupyter=True)) as bars:
        bars.show("update", 1, 3)
        bars.show("update", 2, 3)
    assert pictures == [bars.drawing, bars.drawing]
