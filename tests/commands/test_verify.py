"""Verifying by oneself that a killed run ends as the one that was not killed."""

import json
import shutil
from importlib import import_module

import pytest

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.errors import Unequal
from alpha_bridge.recipe import changed, read_config
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.folder import Run
from tests.breaking.asking import contents

module = import_module("alpha_bridge.commands.verify")  # the function has its name
SMALL = {
    "steps": 20,
    "batch_size": 8,
    "model.hidden": (4,),
    "evaluation.samples": 40,
    "checkpoint_every": 6,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run that has come to its end."""
    config = changed(PRESETS["gaussians25"], SMALL)
    return commands.train(config, tmp_path_factory.mktemp("verify") / "run").run


def begun(name, place, steps):
    return module._begin(str(name), place, steps)


def test_a_run_goes_on_with_copies_of_its_last_checkpoint_before_its_end(run, tmp_path):
    found = begun(run.folder, tmp_path, 100)
    assert (found.begin, found.end, found.fetch) == (18, 20, False)
    for copied in map(Run, found.runs):
        assert copied.checkpoint_steps == [18]
        assert contents(copied.checkpoint_folder(18)) == contents(run.checkpoint_folder(18))
    assert read_config(tmp_path / "config.json").checkpoint_every == 10


def test_a_run_that_kept_one_checkpoint_to_go_on_from_is_trained_from_its_beginning(tmp_path):
    config = changed(PRESETS["gaussians25"], SMALL | {"keep": 1})
    run = commands.train(config, tmp_path / "run").run
    assert len(run.checkpoint_steps) > 1  # those of the ends of Steps I and II
    (place := tmp_path / "place").mkdir()
    found = begun(run.folder, place, 100)
    assert (found.begin, found.end) == (0, 20)
    assert not any(run.exists() for run in found.runs)


def test_a_preset_is_its_whole_path(tmp_path):
    found = begun("gaussians25", tmp_path, 50)
    assert (found.begin, found.end, found.fetch) == (0, 50, True)
    config = read_config(tmp_path / "config.json")
    assert (config.steps, config.checkpoint_every) == (50, 5)
    assert not any(run.exists() for run in found.runs)


@pytest.mark.slow
def test_a_child_trains_up_to_an_update_and_goes_on_where_it_was_killed(run, tmp_path, capsys):
    before = contents(run.folder)
    found = begun(run.folder, tmp_path, 100)
    shutil.rmtree(found.runs[0])  # one begins anew, the other goes on
    for place, end in zip((*found.runs, found.runs[0]), (9, 20, 20), strict=True):
        module.go_on(str(place), str(end), "")
        assert capsys.readouterr().out.split() == ["resuming", "training", "trained"]
        assert Run(place).checkpoint_steps[-1] == end
    assert module._compare(found) > 50
    assert contents(run.folder) == before


@pytest.mark.slow
def test_tensors_that_differ_are_named(run, tmp_path):
    found = begun(run.folder, tmp_path, 100)
    for place, seed in zip(found.runs, (0, 1), strict=True):
        shutil.rmtree(place)
        commands.train(changed(PRESETS["gaussians25"], SMALL | {"seed": seed}), place)
    with pytest.raises(Unequal, match=r"^\d+ of \d+ tensors differ after update 20: average/"):
        module._compare(found)


def test_what_a_child_refuses_is_told(run, tmp_path):
    found = begun(run.folder, tmp_path, 100)
    weights = Run(found.runs[0]).checkpoint_folder(18) / "model.safetensors"
    weights.unlink()
    with pytest.raises(SystemExit, match="18 is not a whole checkpoint"):
        module.go_on(str(found.runs[0]), "20", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing"], "there is no preset and no run 'nothing': give one of gaussians25, ring8"),
        (["gaussians25", "--steps=0"], "steps must be at least 1, got 0"),
        (["gaussians25", "--kills=0"], "kills must be at least 1, got 0"),
        (["gaussians25", "--steps=2"], "2 steps leave a share of the path"),
    ],
)
def test_what_cannot_be_verified_is_refused(words, says, capsys):
    assert main(["verify", *words]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_is_killed_is_verified(run, capsys):
    assert main(["verify", str(run.folder), "--steps=40", "--kills=1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kills"], found["begin"], found["end"]) == (1, 18, 20)


def test_a_run_that_ends_otherwise_has_exit_code_1(monkeypatch, capsys):
    def unequal(_):
        raise Unequal("1 of 2 tensors differ")

    monkeypatch.setattr(module, "_whole", lambda _: (0.0, 0.0, 0.0))
    monkeypatch.setattr(module, "_killed", lambda *_: (1, 0))
    monkeypatch.setattr(module, "_compare", unequal)
    assert main(["verify", "gaussians25"]) == 1
    assert capsys.readouterr().err == "alpha-bridge: 1 of 2 tensors differ\n"
