"""``python -m experiments``: what it takes, and what it says of what it does not take."""

import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from alpha_bridge.errors import Diverged, NotWritten
from experiments import EXPERIMENTS, reproduce
from experiments.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["figure9"], "there is no result 'figure9' to reproduce: did you mean"),
        (["figure2", "--trials", "0"], "trials must be at least 1, got 0"),
        (["figure2", "--seed", "-1"], "seed must be at least 0, got -1"),
        (["figure2", "--jobs", "2"], "figure2 has no runs to spread, got --jobs 2: leave it out"),
        (["figure2", "--cluster", "a:1"], "figure2 has no runs to spread, got --cluster a:1"),
        (["figure4", "--jobs", "0"], "jobs must be at least 1, got 0"),
        (["figure4", "--data", "digits"], "figure4 has data of its own, got --data digits"),
        (["figure2", "--python", "p"], "figure2 has nothing from other environments, got --python"),
        (["figure5", "--data", "./pictres"], "data path './pictres' does not exist"),
        (["figure2", "--frob"], "unrecognized arguments: --frob: see python -m experiments --help"),
        (["figure2", "--trials", "x"], "argument --trials: invalid int value: 'x'"),
        ([], "the following arguments are required: NAME"),
        (["\x1b[1m"], r"there is no result '\x1b[1m'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    found = capsys.readouterr()
    assert found.out == "" and found.err.count("\n") == 1
    assert expected in found.err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (KeyboardInterrupt, 130, "interrupted"),
        (NotWritten("cannot write a.json"), 1, "cannot write a.json"),
        (Diverged("a parameter is NaN"), 1, "a parameter is NaN"),
    ],
)
def test_an_experiment_that_is_stopped_says_why_and_that_it_goes_on(
    error, code, reason, capsys, monkeypatch
):
    def stopped(*_, **__):
        raise error

    monkeypatch.setattr("experiments.__main__.reproduce", stopped)
    assert main(["figure2"]) == code
    assert capsys.readouterr().err == f"experiments: {reason}; the same command goes on from here\n"


def test_help_lists_the_experiments_without_torch():
    code = (
        "import sys, contextlib\nfrom experiments.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("False\n")
    assert all(f"  {name} " in done.stdout for name in EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_takes_what_its_function_takes(name):
    experiment = import_module(f"experiments.{name.replace('-', '_')}")
    takes = [*signature(experiment.measure).parameters]
    assert takes in (
        ["seed", "trials", "quick"],
        ["study", "seed", "trials", "quick"],
        ["study", "seed", "trials", "quick", "data"],
        ["study", "seed", "trials", "quick", "data", "python"],
    )
    assert next(iter(signature(experiment.draw).parameters)) == "record"


def test_a_result_that_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "figure2.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"has figure2.json already: choose another with --o"):
        reproduce("figure2", tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(PermissionError, match="choose another folder with --out"):
        reproduce("figure2", tmp_path / "file" / "new")
