"""Stacked trials on disk: a run for each, the means above them."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from alpha_bridge.cli import main
from alpha_bridge.metrics import definition
from alpha_bridge.recipe import read_config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.trials import TrialRuns, mean_over_trials

pytestmark = pytest.mark.usefixtures("pages_without_figures")

SMALL = [
    "--steps",
    "60",
    "--evaluation.samples",
    "200",
    "--record-every",
    "10",
    "--batch-size",
    "32",
]


TRIALS = ["--trials", "3", "--seed", "4", "--keep", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stacked") / "run"
    assert main(["train", "gaussians25", *TRIALS, *SMALL, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "run"
    assert main(["train", "gaussians25", "--seed", "6", *SMALL, "--out", str(folder)]) == 0
    return folder


def test_each_trial_is_a_run_with_its_own_seed_and_report(folder):
    for trial in range(3):
        run = Run.open(folder / f"trial-{trial}")
        config = read_config(run.config_path)
        assert (config.seed, config.trials) == (4 + trial, 1)
        assert run.report_path.exists() and run.checkpoint_steps[-1] == 60
        assert set(run.samples) == {3, 12, 60}


def test_each_trial_keeps_the_moments_of_its_latest_checkpoints(folder):
    for run in [Run.open(folder), *(Run.open(folder / f"trial-{trial}") for trial in range(3))]:
        assert run.checkpoint_steps == [3, 12, 60]
        whole = [
            (run.checkpoint_folder(s) / "optimizers.safetensors").exists() for s in (3, 12, 60)
        ]
        assert whole == [False, True, True]


def test_a_trial_has_the_records_of_the_single_run(folder, alone):
    stacked, single = Run.open(folder / "trial-2").records, Run.open(alone).records
    assert [record["step"] for record in stacked] == [record["step"] for record in single]
    # later, float32 rounding grows: tests/recipe/test_methods.py compares whole runs in float64
    for one, other in list(zip(stacked, single, strict=True))[:3]:
        assert one.keys() == other.keys()
        for name in one.keys() - {"seconds", "phase"}:
            assert one[name] == pytest.approx(other[name], rel=1e-2, abs=1e-4), name


def test_a_trial_can_be_used_like_any_run(folder, tmp_path, capsys):
    out = tmp_path / "points.npy"
    assert main(["sample", str(folder / "trial-1"), "-n", "5", "--out", str(out)]) == 0
    assert main(["evaluate", str(folder / "trial-1"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    last = Run.open(folder / "trial-1").records[-1]
    assert found == pytest.approx({k: v for k, v in last.items() if definition.is_metric(k)})


def test_the_run_above_keeps_the_means(folder):
    means = Run.open(folder).records[-1]
    parts = [Run.open(folder / f"trial-{trial}").records[-1] for trial in range(3)]
    for name in ("log_likelihood/kde-0.1/200-held-out", "loss/discriminator", "twins/cosine"):
        assert means[name] == pytest.approx(sum(part[name] for part in parts) / 3)


def test_the_spread_is_that_of_a_sample_of_trials(folder):
    run, name = Run.open(folder), "log_likelihood/kde-0.1/200-held-out"
    trials = [Run.open(folder / f"trial-{trial}").records[-1][name] for trial in range(3)]
    (found,) = TrialRuns(run, read_config(run.config_path)).spread([name]).values()
    assert found == pytest.approx(float(torch.tensor(trials, dtype=torch.float64).std()))


def test_the_run_above_names_its_trials_to_who_asks_for_a_model(folder, capsys):
    assert main(["sample", str(folder)]) == 2
    assert "holds 3 trials: name one of them" in capsys.readouterr().err


@pytest.mark.slow
def test_stacked_trials_resume_to_the_same_weights(folder, tmp_path):
    part = tmp_path / "run"
    shutil.copytree(folder, part)
    last = Run.open(part).checkpoint_folder(60)
    for file in last.iterdir():
        file.unlink()
    last.rmdir()
    again = ["train", "gaussians25", *TRIALS, *SMALL, "--out", str(part)]
    assert main([*again, "--resume"]) == 0
    for name in ("model", "average", "memory"):
        before = load_file(Run.open(folder).checkpoint_folder(60) / f"{name}.safetensors")
        after = load_file(last / f"{name}.safetensors")
        assert all(torch.equal(before[key], value) for key, value in after.items())


DIAL = [
    *("--trials=2", "--realism=0.9", "--steps=20", "--batch-size=8", "--model.hidden=8"),
    *("--path.ml=0.2", "--path.transfer=0.5", "--path.adversarial=0.3", "--control.every=2"),
    *("--evaluation.samples=40", "--evaluation.every=5", "--checkpoint-every=5"),
]


@pytest.fixture(scope="module")
def dialled(tmp_path_factory):
    """Stacked trials along an adaptive path, with a γ that follows σ, evaluated on the way."""
    folder = tmp_path_factory.mktemp("dialled") / "run"
    assert main(["train", "gaussians25", *DIAL, "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_an_evaluation_leaves_what_all_trials_remember_together(dialled):
    for folder in (dialled, dialled / "trial-0"):
        memory = load_file(Run.open(folder).checkpoint_folder(20) / "memory.safetensors")
        assert memory["gamma/sigma"].shape == ()
        assert memory["path/state"].shape == (21,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "trial-0"])
def test_a_run_with_a_dial_goes_on_and_so_does_each_of_its_trials(dialled, tmp_path, name):
    run = Run.open(shutil.copytree(dialled / name, tmp_path / "run"))
    before = load_file(run.checkpoint_folder(20) / "memory.safetensors")
    shutil.rmtree(run.checkpoint_folder(20))
    assert main(["train", str(run.folder), "--resume"]) == 0
    after = load_file(run.checkpoint_folder(20) / "memory.safetensors")
    assert {key: value.shape for key, value in after.items()} == {
        key: value.shape for key, value in before.items()
    }
    if not name:  # a trial that goes on alone follows its own readings
        assert all(torch.equal(before[key], value) for key, value in after.items())


def test_means_are_taken_of_lists_alone():
    record = {"step": 3, "phase": "ml", "modes/3std/9": [1.0, 3.0]}
    assert mean_over_trials(record) == {"step": 3, "phase": "ml", "modes/3std/9": 2.0}
