"""Verifying by oneself that a killed run ends as the one that was not killed."""

import json
import shutil
from importlib import import_module
from types import SimpleNamespace

import pytest

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.errors import Diverged, Halted, Stopped, Unequal
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


def ended(code, said, which=0):
    """What is raised of a child that ended with a code and a line."""

    def of(place):
        pair = module._Pair(place, 0, 30, fetch=False)
        (place / "errors").write_text(said)
        child = SimpleNamespace(wait=lambda: code)
        with pytest.raises((ValueError, Stopped, Unequal)) as caught:
            module._end(pair, pair.runs[which], child)
        return caught

    return of


def test_what_a_child_refuses_is_told(run, tmp_path, capsys):
    found = begun(run.folder, tmp_path, 100)
    weights = Run(found.runs[0]).checkpoint_folder(18) / "model.safetensors"
    weights.unlink()
    with pytest.raises(SystemExit) as refusal:
        module.go_on(str(found.runs[0]), "20", "")
    said = capsys.readouterr().err
    assert "18 is not a whole checkpoint" in said
    caught = ended(refusal.value.code, said)(tmp_path)
    assert (caught.type, str(caught.value)) == (ValueError, said.strip())


def diverged():
    try:
        raise Diverged("training diverged by update 2: loss is not finite")
    except Diverged as error:
        raise Diverged(f"{error}, and begin again: alpha-bridge train /gone --resume") from error


def halted():
    error = Halted("stopped after an incident, update 2: so")
    error.add_note("go on with alpha-bridge train /gone --resume")
    raise error


@pytest.mark.parametrize("train", [diverged, halted])
def test_a_child_that_ends_by_itself_names_no_folder_that_will_be_gone(
    run, tmp_path, monkeypatch, train
):
    found = begun(run.folder, tmp_path, 100)
    monkeypatch.setattr("alpha_bridge.runs.recording.train_run", lambda *_: train())
    with pytest.raises(SystemExit, match=r"update 2: .*; verify fewer --steps, or a run") as ending:
        module.go_on(str(found.runs[0]), "20", "")
    assert "alpha-bridge train" not in ending.value.code


@pytest.mark.parametrize(
    ("code", "said", "which", "kind", "part"),
    [
        (1, "diverged by update 2", 0, Stopped, "so nothing was compared: diverged by update 2"),
        (1, "diverged by update 2", 1, Unequal, "and the other one did not: diverged by update 2"),
        (-9, "", 0, Stopped, "so nothing was compared: its code was -9"),
    ],
)
def test_a_child_that_ends_before_its_last_update_is_no_mistake_of_the_user(
    tmp_path, code, said, which, kind, part
):
    caught = ended(code, said, which)(tmp_path)
    assert caught.type is kind
    assert part in str(caught.value)
    assert "ended by itself before update 30" in str(caught.value)


@pytest.mark.slow
def test_a_run_that_diverges_is_not_compared(tmp_path, capsys):
    wild = SMALL | {"optimization.generator": 1e30}
    with pytest.raises(Diverged):
        commands.train(changed(PRESETS["gaussians25"], wild), tmp_path / "run")
    assert main(["verify", str(tmp_path / "run"), "--steps=10", "--kills=1"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "so nothing was compared: training diverged by update" in line
    assert "alpha-bridge train" not in line


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
