"""How a run stands, from what lies in its folder."""

import pytest

from alpha_bridge.files.lock import locked
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.status import RunStatus, progression, runs_below, status_of
from tests.saving import at_a_glance

FRECHET, MODES = "frechet_distance/pixels/64", "modes/3std/64"


@pytest.fixture
def run(tmp_path):
    run = Run.create(tmp_path / "runs" / "mine", {"data": "ring8", "method": "ml", "steps": 100})
    run.append({"step": 40, MODES: 3.0, FRECHET: 2.0})
    run.append({"step": 60, MODES: 2.0, FRECHET: 5.0})
    run.append({"step": 80, MODES: 1.0, FRECHET: 4.0})
    return run


def test_a_run_with_fewer_updates_is_stopped_and_can_go_on(run):
    status = status_of(run)
    assert (status.state, status.step, status.steps) == ("stopped", 80, 100)
    assert (status.data, status.method) == ("ring8", "ml")
    assert status.command == run.resuming


@pytest.mark.parametrize(
    ("steps", "says"), [([], "stopped, no checkpoint"), ([40], "stopped, saved at 40")]
)
def test_a_run_whose_last_checkpoint_was_not_saved_has_not_finished(run, steps, says):
    run.write_config({"steps": 80})
    for step in steps:
        at_a_glance(run, step)
    status = status_of(run)
    assert (status.state, status.standing) == ("stopped", says)
    assert (status.step, status.saved) == (80, max([0, *steps]))
    assert status.command == run.resuming


def test_a_run_whose_lock_is_held_trains_now(run):
    with locked(run.folder):
        assert status_of(run).state == "training"
    assert status_of(run).state == "stopped"


@pytest.mark.parametrize(
    ("config", "command"),
    [
        ({}, "sample {}"),
        ({"trials": 2}, "sample {}/trial-0"),
        ({"prior": "other"}, "translate {} --images my/photos"),
        ({"objective": {"kind": "reconstruction"}}, "reconstruct {} --images my/photos"),
    ],
)
def test_what_a_finished_run_has_learned_can_be_shown(run, config, command):
    run.write_config({"steps": 80, **config})
    at_a_glance(run, 80)
    status = status_of(run)
    assert status.state == "finished"
    assert status.command == f"alpha-bridge {command.format(run.folder)}"


def cut_configuration(run):
    run.config_path.write_text('{"steps": ')


def no_steps(run):
    run.write_config({"steps": "many"})


def cut_records(run):
    run.metrics_path.write_text("{\n")


def empty_checkpoint(run):
    run.checkpoint_folder(80).mkdir(parents=True)


@pytest.mark.parametrize("damage", [cut_configuration, no_steps, cut_records, empty_checkpoint])
def test_what_cannot_be_read_is_damage_and_no_error(run, damage):
    damage(run)
    status = status_of(run)
    assert status.state == "damaged"
    assert str(run.folder) in status.damage
    assert status.command is None


def test_a_checkpoint_that_is_cut_off_is_damage(run):
    folder = run.checkpoint_folder(80)
    folder.mkdir(parents=True)
    names = [f"{name}.safetensors" for name in ("model", "average", "memory")]
    for name in names:
        (folder / name).write_bytes(b"\x10")
    (folder / "state.json").write_text('{"step": 80}')
    (folder / "manifest.json").write_text(
        "{" + ", ".join(f'"{name}": ""' for name in [*names, "state.json"]) + "}"
    )
    assert "model.safetensors is damaged" in status_of(run).damage


def test_the_best_value_of_a_metric_is_that_of_its_direction(run):
    found = progression(run.records)
    assert (found.metric, found.last, found.best, found.best_step) == (FRECHET, 4.0, 2.0, 40)
    found = progression(run.records, "modes")
    assert (found.metric, found.last, found.best, found.best_step) == (MODES, 1.0, 3.0, 40)


def test_runs_are_found_below_a_folder_and_not_in_one_another(run, tmp_path):
    Run.create(run.folder / "trial-0", {}).append({"step": 1})
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "config.json").write_text("{}")
    assert [found.folder for found in runs_below(tmp_path, 2)] == [run.folder]
    assert [*runs_below(tmp_path, 1)] == []


def test_a_run_without_metrics_has_none(tmp_path):
    run = Run.create(tmp_path / "new", {"steps": 10})
    run.append({"step": 0, "loss/encoder": 1.0})
    assert status_of(run) == RunStatus(
        run.folder, "stopped", step=0, saved=0, steps=10, command=run.resuming
    )
