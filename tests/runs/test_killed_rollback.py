"""A run that is killed while it goes back after an incident ends as the one that is not."""

import json

import pytest

from alpha_bridge.cli import main
from alpha_bridge.runs import recording, trials
from alpha_bridge.runs.folder import Run

pytestmark = pytest.mark.usefixtures("pages_without_figures")

SMALL = [
    *("--steps=40", "--batch-size=8", "--model.hidden=8", "--evaluation.samples=40"),
    *("--path.ml=0.1", "--path.transfer=0.5", "--path.adversarial=0.4"),
    *("--record-every=2", "--checkpoint-every=4", "--seed=3"),
]
COLLAPSING = ["--watch.every=2", "--watch.patience=10", "--watch.spread=1e9"]
BACK = ["--watch.answer=roll-back", "--watch.rollbacks=2"]
COMMAND = ["train", "gaussians25", *SMALL, *COLLAPSING, *BACK]


class Killed(BaseException):
    """In place of a signal that no process can handle."""


def killed_before(patch, owner, name, at=1):
    """End the process when it is about to call a function for the ``at``-th time."""
    killed_around(patch, owner, name, at, first=False)


def killed_after(patch, owner, name, at=1):
    """End the process when it has called a function for the ``at``-th time."""
    killed_around(patch, owner, name, at, first=True)


def killed_around(patch, owner, name, at, first):
    function, calls = getattr(owner, name), []

    def dying(*of, **by_name):
        calls.append(of)
        if len(calls) < at:
            return function(*of, **by_name)
        if first:
            function(*of, **by_name)
        raise Killed

    patch.setattr(owner, name, dying)


KILLS = {
    "the incident is written": lambda patch: killed_before(patch, recording, "back_to"),
    "no checkpoint is removed": lambda patch: killed_before(patch, trials, "discard"),
    "one checkpoint is removed": lambda patch: killed_after(patch, trials, "discard"),
    "the configuration is written": lambda patch: killed_after(patch, trials.TrialRuns, "go_back"),
    "later records are removed": lambda patch: killed_after(patch, Run, "forget"),
    "a second incident is written": lambda patch: killed_before(patch, recording, "back_to", 2),
    "it went back twice": lambda patch: killed_after(patch, trials.TrialRuns, "go_back", 2),
}


def killed(folder, patch, kill, *words):
    """A run that was killed once, and resumed."""
    with patch.context() as during, pytest.raises(Killed):
        kill(during)
        main([*COMMAND, *words, "--out", str(folder)])
    assert main(["train", str(folder), "--resume"]) == 1
    return Run.open(folder)


def left(run):
    """What a run has at its end, without times and identities."""
    checkpoints = {
        path.relative_to(run.folder).as_posix(): path.read_bytes()
        for path in run.folder.glob("checkpoints/*/*.safetensors")
    }
    records = [
        {key: value for key, value in record.items() if key != "seconds"} for record in run.records
    ]
    return checkpoints, records, run.incidents, [*run.samples], run.config, run.gone_back


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that went back twice, and then stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main([*COMMAND, "--out", str(folder)]) == 1
    run = Run.open(folder)
    assert [of["answer"] for of in run.incidents] == ["roll-back", "roll-back", "stop"]
    assert run.gone_back == 2
    return run


@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_a_run_that_is_killed_while_it_goes_back_ends_as_one_that_is_not(
    kill, whole, tmp_path, monkeypatch
):
    run = killed(tmp_path / "run", monkeypatch, kill)
    assert left(run) == left(whole)


STACKED = {
    "the incident is in the trial alone": lambda patch: killed_after(patch, Run, "append_incident"),
    "the incident is in both": lambda patch: killed_after(patch, Run, "append_incident", 2),
    "a checkpoint of a trial is removed": lambda patch: killed_after(patch, trials, "discard"),
    # after the three that the runs begin with
    "a trial has its configuration": lambda patch: killed_after(patch, Run, "write_config", 4),
    "the run has its configuration": lambda patch: killed_after(patch, Run, "write_config", 6),
}


@pytest.fixture(scope="module")
def stacked(tmp_path_factory):
    """Two trials that went back together."""
    folder = tmp_path_factory.mktemp("stacked") / "run"
    assert main([*COMMAND, "--trials=2", "--out", str(folder)]) == 1
    return Run.open(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kill", STACKED.values(), ids=STACKED)
def test_stacked_trials_that_are_killed_while_they_go_back_end_as_those_that_are_not(
    kill, stacked, tmp_path, monkeypatch
):
    run = killed(tmp_path / "run", monkeypatch, kill, "--trials=2")
    assert left(run) == left(stacked)
    for trial in ("trial-0", "trial-1"):
        ended, expected = (left(Run.open(of.folder / trial)) for of in (run, stacked))
        lines = ended[2][-len(expected[2]) :]  # an incident that is found anew has a line more
        assert (*ended[:2], lines, *ended[3:]) == expected


def test_a_roll_back_is_finished_with_what_is_given_anew(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as during, pytest.raises(Killed):
        KILLS["the incident is written"](during)
        main([*COMMAND, "--out", str(tmp_path / "run")])
    capsys.readouterr()
    main(["train", str(tmp_path / "run"), "--resume", "--optimization.generator=0.01"])
    out = " ".join(capsys.readouterr().out.split())
    assert "roll-back 1 of 2" in out
    assert "optimization.generator: 0.001 until update 4, now 0.005" in out


def test_how_often_a_run_went_back_is_a_number(tmp_path):
    run = Run.create(tmp_path / "run", {})
    run.config_path.write_text(json.dumps({"gone_back": "twice"}))
    with pytest.raises(ValueError, match="gone_back is 'twice', no number"):
        _ = run.gone_back
