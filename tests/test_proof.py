"""The proof that a refactoring owes sees the last digit of every loss."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

spec = spec_from_file_location("proof", Path(__file__).with_name("proof.py"))
proof = module_from_spec(spec)
spec.loader.exec_module(proof)

LOSSES = {"digits": [{"loss/generator": 1.0, "alpha": 0.0}, {"loss/generator": 2.0, "alpha": 0.5}]}


def test_equal_losses_differ_nowhere():
    assert proof.differences(LOSSES, LOSSES) == []


def test_the_first_update_whose_last_digit_differs_is_named():
    after = {"digits": [LOSSES["digits"][0], {"loss/generator": 2.0000000000000004, "alpha": 0.5}]}
    (line,) = proof.differences(LOSSES, after)
    assert line.startswith(
        "digits: differs from update 2 on: loss/generator 2.0 → 2.00000000000000"
    )
    assert "alpha" not in line


@pytest.mark.parametrize(
    ("after", "part"),
    [({}, "digits: not measured"), ({"digits": LOSSES["digits"][:1]}, "2 updates, now 1")],
)
def test_what_is_missing_is_named(after, part):
    (line,) = proof.differences(LOSSES, after)
    assert part in line


@pytest.mark.slow
def test_a_run_gives_its_losses_at_every_update(children, tmp_path, monkeypatch):
    def forked(command, **_):
        program, words = command[:3], command[3:]
        assert program == [sys.executable, "-m", "alpha_bridge"]
        done = children.run(words, tmp_path)
        assert done.code == 0, done.err

    monkeypatch.setattr(subprocess, "run", forked)  # the interpreter would take seconds to start
    losses = proof.train("gaussians25", 12, None)
    assert len(losses) == 12
    assert all(record.keys() == set(proof.LOSSES) for record in losses)
