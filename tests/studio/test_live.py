"""Where a training stands is read from its folder."""

import pytest

from alpha_bridge.files import LOCK
from alpha_bridge.files.lock import locked
from alpha_bridge.runs.folder import Run
from alpha_bridge.studio import live
from alpha_bridge.studio.trainings import Trainings


@pytest.fixture
def trainings(empty):
    return Trainings(empty)


@pytest.fixture
def run(trainings):
    run = Run.create(trainings.workspace.folder / "first", {"steps": 100})
    run.append({"step": 20, "seconds": 10.0})
    run.append(
        {"step": 40, "seconds": 20.0, "phase": "transfer", "alpha": 0.5, "ess/forward": 0.8125}
    )
    return run


def test_a_line_says_where_a_training_stands(trainings, run):
    with locked(run.folder):
        line = live.where(trainings, "first")
    assert line == (
        "first: training · update 40 of 100 · transfer · α = 0.50 · "
        "effective sample size (forward) 0.81 · 0:00:30 left"
    )


def test_a_run_that_was_killed_is_stopped_and_says_so(trainings, run):
    with locked(run.folder):
        held = (run.folder / LOCK).read_text()
    stopped = live.where(trainings, "first")
    (run.folder / LOCK).write_text(held)  # a process that is killed changes nothing
    assert stopped.startswith("first: stopped, no checkpoint · update 40 of 100")
    assert live.where(trainings, "first") == f"{stopped} · the training was killed"


def test_a_run_that_cannot_be_read_is_damaged(trainings, run):
    run.config_path.write_text("{")
    assert live.where(trainings, "first").startswith("first: damaged: ")


def test_a_run_that_is_gone_is_named(trainings):
    assert live.where(trainings, "first") == "first: there is no such run"


def test_figures_are_drawn_anew_after_a_record(run):
    before = live.version(run)
    assert live.version(run) == before
    run.append({"step": 60})
    assert live.version(run) != before


def test_figures_are_drawn_once_for_all_pages(digits, monkeypatch):
    drawings = live.Drawings()
    *_, drawn = drawings.of(digits)
    monkeypatch.setattr(live, "shown", None)
    assert [*drawings.of(digits)] == [drawn]


def test_the_figures_are_those_of_the_report(digits):
    shown = "".join(live.shown(digits))
    titles = ("Schedule", "Metrics", "Samples through time", "Losses", "Diagnostics")
    assert all(f"<h2>{title}</h2>" in shown for title in titles)
