"""Trainings are those of the command line, in processes that are signalled by their runs' locks."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from alpha_bridge.cli.parsing import parse
from alpha_bridge.files.lock import locked
from alpha_bridge.recipe import read_config
from alpha_bridge.runs.folder import Run
from alpha_bridge.studio.trainings import Trainings, configuration, remaining, understood


@pytest.fixture
def started(monkeypatch):
    """Processes that were asked for, none of which is started; each has ended with ``code``."""
    found = SimpleNamespace(commands=[], options=[], code=None)

    def popen(command, **options):
        found.commands.append(command)
        found.options.append(options)
        return SimpleNamespace(pid=-1, returncode=found.code, poll=lambda: found.code)

    monkeypatch.setattr(subprocess, "Popen", popen)
    return found


@pytest.fixture
def signals(monkeypatch):
    found = []
    monkeypatch.setattr(os, "kill", lambda *of: found.append(of))
    return found


@pytest.fixture
def trainings(empty):
    return Trainings(empty)


@pytest.mark.parametrize(
    ("data", "options", "given"),
    [
        ("digits", [], {}),
        ("digits", ["--steps", "300", "--realism", "0.7"], {"steps": 300, "realism": 0.7}),
        ("people.csv", ["--snapshots", "4"], {"snapshots": 4}),
    ],
)
def test_the_configuration_is_that_of_the_command_line(data, options, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("a,b\n1,2\n")
    asked = parse(["train", data, *options]).arguments["config"]
    assert configuration(data, **given) == asked


def test_a_start_runs_the_command_line_in_a_session_of_its_own(trainings, started):
    trainings.start("first", configuration("digits", steps=300))
    (command,), (options,) = started.commands, started.options
    assert command[:5] == [sys.executable, "-m", "alpha_bridge", "train", "--config"]
    assert command[6:] == ["--out", str(trainings.workspace.folder / "first")]
    assert parse(command[3:]).arguments["config"].steps == 300
    assert options["start_new_session"]
    assert trainings.is_starting("first")


def test_a_folder_that_stands_is_not_trained_into(trainings, started):
    (trainings.workspace.folder / "first").mkdir()
    (trainings.workspace.folder / "first" / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="first is not empty"):
        trainings.start("first", configuration("digits"))
    assert started.commands == []


def test_a_run_is_not_started_twice(trainings, started):
    trainings.start("first", configuration("digits"))
    with pytest.raises(ValueError, match="first is being trained: pause it first"):
        trainings.start("first", configuration("digits"))
    assert len(started.commands) == 1


def test_a_run_is_resumed_by_the_command_line(place, ring, started):
    Trainings(place).resume("runs/ring")
    assert started.commands[0][3:] == ["train", str(ring.folder), "--resume"]


@pytest.mark.parametrize(("act", "number"), [("pause", signal.SIGTERM), ("stop", signal.SIGKILL)])
def test_the_process_that_holds_the_lock_is_signalled(trainings, signals, act, number):
    run = Run.create(trainings.workspace.folder / "first", {"steps": 9})
    with locked(run.folder):
        getattr(trainings, act)("first")
    assert signals == [(os.getpid(), number)]


def test_a_run_that_nobody_trains_is_not_signalled(trainings, signals):
    run = Run.create(trainings.workspace.folder / "first", {"steps": 9})
    with locked(run.folder):
        pass  # the number of this process stays in the file
    with pytest.raises(ValueError, match="first is not being trained on this machine"):
        trainings.pause("first")
    assert signals == []


@pytest.mark.parametrize(
    ("code", "complaint"),
    [(None, None), (0, None), (2, "no data"), (-9, "the training was killed")],
)
def test_the_last_line_of_a_training_that_failed_is_shown(trainings, started, code, complaint):
    trainings.start("first", configuration("digits"))
    (trainings.workspace.folder / ".studio" / "first.log").write_text("note\nalpha-bridge: no data")
    started.code = code
    process = trainings._started["first"]
    process.returncode = code
    assert trainings.complaint("first") == complaint


@pytest.mark.usefixtures("started")
def test_a_configuration_of_the_page_is_kept(trainings):
    asked = configuration("digits", steps=300)
    trainings.start("first", asked)
    assert read_config(trainings.workspace.folder / ".studio" / "first.json") == asked


def test_the_time_left_is_that_of_the_last_pace(tmp_path):
    run = Run.create(tmp_path / "run", {"steps": 100})
    assert remaining(run) is None
    run.append({"step": 20, "seconds": 10.0})
    run.append({"step": 40, "seconds": 20.0})
    assert remaining(run) == pytest.approx(30.0)
    run.append({"step": 50, "seconds": 1.0})  # in another process
    assert remaining(run) is None


def test_what_is_understood_is_what_training_prints():
    lines = understood(configuration("digits", steps=300, realism=0.7))
    assert lines[0] == "training samples: 1,438, each of shape 1 × 8 × 8"
    assert lines[-1].startswith("decided, where you give nothing else: --batch-size 64")
