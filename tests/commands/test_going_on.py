"""Runs that go on: by one process at a time, after divergence, and with other rates."""

import json
import os
import re
import shlex
import shutil
import signal
import time

import numpy as np
import pytest
from safetensors.torch import load_file

from alpha_bridge.cli import main
from alpha_bridge.files import LOCK
from alpha_bridge.files.lock import locked
from alpha_bridge.recipe import Config, changed, read_config
from alpha_bridge.recipe.resuming import resumed
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.opening import require_trainable

TINY = [
    "train",
    "gaussians25",
    "--batch-size=8",
    "--steps=20",
    "--path.ml=0.05",
    "--path.transfer=0.15",
    "--path.adversarial=0.8",
    "--model.hidden=8",
    "--evaluation.samples=40",
    "--evaluation.shown=6",
    "--record-every=2",
]
LAST_GOOD = 4
RATE = "optimization.generator"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main([*TINY, "--out", str(folder)]) == 0
    return Run.open(folder)


@pytest.fixture
def run(whole, tmp_path):
    """The same run, stopped after Step II."""
    shutil.copytree(whole.folder, tmp_path / "a run")
    run = Run.open(tmp_path / "a run")
    shutil.rmtree(run.checkpoint_folder(20))
    return run


def resume(run, *words):
    return main(["train", str(run.folder), "--resume", *words])


def said(capsys):
    """The only line of standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("alpha-bridge: ")


def tensors(run, step=20):
    checkpoint = run.checkpoint_folder(step)
    return {file.name: file.read_bytes() for file in checkpoint.glob("*.safetensors")}


def history(run):
    return [(of.step, of.key, of.before, of.after) for of in read_config(run.config_path).changes]


# One process at a time


def test_a_run_that_another_process_trains_is_not_resumed(run, capsys):
    before = run.records
    with locked(run.folder):
        assert resume(run) == 2
    assert said(capsys).startswith(f"process {os.getpid()} writes into {run.folder}: wait")
    assert run.records == before
    assert not run.checkpoint_folder(20).exists()


@pytest.mark.slow
def test_a_folder_that_another_process_is_about_to_train_in_is_not_taken(tmp_path, capsys):
    with locked(tmp_path):
        assert main([*TINY, "--out", str(tmp_path)]) == 2
    assert said(capsys).startswith(f"process {os.getpid()} writes into {tmp_path}")
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    assert main([*TINY, "--out", str(tmp_path)]) == 0


@pytest.mark.slow
def test_a_stacked_trial_that_another_process_trains_is_not_resumed(tmp_path, capsys):
    words = [*TINY, "--trials=2", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    capsys.readouterr()
    with locked(tmp_path / "run" / "trial-1"):
        assert main([*words, "--resume"]) == 2
    assert said(capsys).startswith(f"process {os.getpid()} writes into {tmp_path / 'run'}/trial-1")


def start(children, folder, steps=20):
    return children.start([*TINY, "--out", str(folder), f"--steps={steps}"], folder.parent)


@pytest.mark.slow
def test_a_run_is_read_but_not_trained_beside_its_training_and_goes_on_after_a_kill(
    children, tmp_path, capsys
):
    folder = tmp_path / "run"
    first = start(children, folder, steps=1000)
    deadline = time.monotonic() + 60
    while not Run(folder).checkpoint_steps:
        assert time.monotonic() < deadline, first.wait(0)
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGSTOP)
    assert main([*TINY, "--out", str(folder), "--steps=1000", "--resume"]) == 2
    assert said(capsys).startswith(f"process {first.pid} writes into {folder}")
    assert main(["report", str(folder)]) == 0
    assert main(["sample", str(folder), "--out", str(tmp_path / "drawn.npy")]) == 0
    assert main(["evaluate", str(folder)]) == 0
    first.kill()
    assert first.wait().code == -signal.SIGKILL
    assert main([*TINY, "--out", str(folder), "--steps=1000", "--resume"]) == 0
    assert Run.open(folder).checkpoint_steps[-1] == 1000


@pytest.mark.slow
def test_of_two_processes_that_begin_a_run_at_once_one_trains_it(children, tmp_path):
    both = [start(children, tmp_path / "run") for _ in range(2)]
    ends = [process.wait() for process in both]
    refused, _ = sorted(ends, key=lambda end: -end.code)
    assert sorted(end.code for end in ends) == [0, 2], ends
    (line,) = refused.lines
    assert "writes into" in line or "is not empty" in line
    assert Run.open(tmp_path / "run").checkpoint_steps[-1] == 20


# Divergence, and other rates


def test_divergence_names_the_last_good_checkpoint_and_a_command_that_ends_well(run, whole, capsys):
    assert resume(run, f"--{RATE}=1e30") == 1
    line = said(capsys)
    assert "diverged by update" in line
    assert f"the last good checkpoint, {run.checkpoint_folder(LAST_GOOD)}: alpha-bridge" in line
    assert history(run) == [(LAST_GOOD, RATE, 1e-3, 1e30)]
    program, *words = shlex.split(line.partition("4: ")[2])
    assert program == "alpha-bridge"
    assert [*words[:3], *words[3::2]] == [
        *("train", str(run.folder), "--resume"),
        *(f"--optimization.{name}" for name in ("generator", "encoder", "discriminator")),
    ]
    assert main([*words[:3], f"--{RATE}=1e-3"]) == 0
    assert history(run) == []
    assert tensors(run) == tensors(whole)


@pytest.mark.slow
def test_divergence_before_the_first_checkpoint_begins_again(tmp_path, capsys):
    words = [*TINY, "--path.ml=0.9", "--path.transfer=0", "--path.adversarial=0.1"]
    assert main([*words, f"--{RATE}=1e30", "--out", str(tmp_path / "run")]) == 1
    assert "and begin again: alpha-bridge train" in said(capsys)
    run = Run.open(tmp_path / "run")
    assert resume(run, f"--{RATE}=1e-3") == 0
    assert history(run) == [(0, RATE, 1e30, 1e-3)]
    assert run.checkpoint_steps[-1] == 20


@pytest.mark.slow
def test_what_is_given_anew_is_what_trains_and_is_recorded(run, capsys):
    still = [f"--optimization.{name}=1e-30" for name in ("generator", "encoder", "discriminator")]
    assert resume(run, *still, "--regularizer.weight=5") == 0
    before = load_file(run.checkpoint_folder(LAST_GOOD) / "model.safetensors")
    after = load_file(run.checkpoint_folder(20) / "model.safetensors")
    assert all(before[name].equal(after[name]) for name in before)
    assert history(run) == [
        (LAST_GOOD, "regularizer.weight", 0.3, 5),
        *((LAST_GOOD, words[2:-6], 1e-3, 1e-30) for words in still),
    ]
    assert f"{RATE}: 0.001 until update 4, now 1e-30" in capsys.readouterr().out
    assert main(["report", str(run.folder)]) == 0
    page = run.report_path.read_text("utf-8")
    assert "<td>optimization › generator</td><td>0.001</td><td>1e-30</td>" in page


@pytest.mark.slow
def test_what_was_trained_otherwise_is_not_kept_among_the_records(run):
    assert {2, 4, 6} <= {record["step"] for record in run.records}
    assert resume(run, "--record-every=5", "--evaluation.every=15") == 0
    assert [record["step"] for record in run.records] == [1, 2, 4, 5, 10, 15, 20]
    assert [*run.samples] == [1, 4, 15, 20]


@pytest.mark.slow
@pytest.mark.parametrize("moved", [True, False])
def test_a_run_goes_on_with_its_data_where_they_have_moved_to(tmp_path, capsys, moved):
    for name in ("x", "y"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(50, 2)))
    words = [*TINY, "--data", str(tmp_path / "x.npy"), "--out", str(tmp_path / "run")]
    assert main(words) == 0
    if moved:
        (tmp_path / "x.npy").unlink()
    run = Run.open(tmp_path / "run")
    shutil.rmtree(run.checkpoint_folder(20))
    capsys.readouterr()
    if moved:
        assert resume(run) == 2
        assert f"data file '{tmp_path / 'x.npy'}' does not exist: give" in said(capsys)
    code = resume(run, "--data", str(tmp_path / "y.npy"))
    assert code == (0 if moved else 2)
    assert Run.open(run.folder).config["data"].endswith("y.npy" if moved else "x.npy")


def test_a_run_whose_data_have_moved_goes_on_again_also_where_others_took_their_place(tmp_path):
    before = Config(data=str(tmp_path / "x.npy"))
    moved = changed(before, {"data": str(tmp_path / "y.npy")})
    first = resumed(before, moved, 20)
    (tmp_path / "x.npy").touch()
    assert resumed(first, first, 20) == first


@pytest.mark.slow
def test_a_run_that_goes_on_unchanged_keeps_its_configuration_untouched(run, whole):
    before = run.config_path.stat().st_mtime_ns
    assert resume(run) == 0
    assert run.config_path.stat().st_mtime_ns == before
    assert tensors(run) == tensors(whole)


@pytest.mark.slow
def test_each_stacked_trial_knows_what_was_changed(tmp_path):
    words = [*TINY, "--trials=2", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    run = Run.open(tmp_path / "run")
    shutil.rmtree(run.checkpoint_folder(20))
    assert resume(run, f"--{RATE}=1e-4") == 0
    for trial in (run, Run.open(run.folder / "trial-0"), Run.open(run.folder / "trial-1")):
        assert history(trial) == [(LAST_GOOD, RATE, 1e-3, 1e-4)]


# Damage


def damage(run, *steps):
    """Checkpoints whose weights are not those that were written; the file of the last."""
    for step in steps:
        weights = run.checkpoint_folder(step) / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    return weights


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_goes_on(run, whole, capsys):
    weights = damage(run, LAST_GOOD)
    assert resume(run) == 0
    out = capsys.readouterr().out
    assert (
        f"{weights} is damaged (its SHA-256 sum is not the one in its manifest): training goes "
        in out
    )
    assert "on from update 1, and replaces it when it has come so far" in out
    assert tensors(run) == tensors(whole)
    assert tensors(run, LAST_GOOD) == tensors(whole, LAST_GOOD)
    assert history(run) == []


def test_what_was_recorded_after_the_checkpoint_before_a_damaged_one_is_forgotten(run, monkeypatch):
    damage(run, LAST_GOOD)
    left = []
    monkeypatch.setattr(
        "alpha_bridge.training.update.update",
        lambda *_: left.append([r["step"] for r in run.records]),
    )
    with pytest.raises(TypeError):
        resume(run)
    assert left == [[1]]
    assert [*run.samples] == [1]


def test_where_all_checkpoints_are_damaged_nothing_is_changed(run, capsys):
    weights = damage(run, 1, LAST_GOOD)
    before = run.config_path.read_bytes(), run.records
    assert resume(run, f"--{RATE}=1e-4") == 2
    assert (run.config_path.read_bytes(), run.records) == before
    assert said(capsys) == (
        f"{weights} is damaged (its SHA-256 sum is not the one in its manifest), and no checkpoint "
        "before it can be gone on from: restore one from a copy, or begin a new run"
    )


def test_a_run_without_checkpoints_says_that_it_begins_again(run, whole, capsys):
    shutil.rmtree(run.inside("checkpoints"))
    assert resume(run) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"{run.folder} has no checkpoint: training begins again from update 0" in out
    assert tensors(run) == tensors(whole)


def test_a_run_that_trains_and_has_no_checkpoint_yet_is_waited_for(run, capsys):
    shutil.rmtree(run.inside("checkpoints"))
    with locked(run.folder):
        assert main(["sample", str(run.folder)]) == 2
    assert said(capsys) == f"{run.folder} has no checkpoint: it trains now, wait"


def test_records_that_are_missing_are_named(run, capsys):
    run.metrics_path.unlink()
    assert resume(run) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"{run.metrics_path} is missing: records and report begin after update 4" in out
    assert min(record["step"] for record in run.records) > LAST_GOOD


def test_what_a_run_that_goes_on_has_is_not_missing(run, capsys):
    assert resume(run) == 0
    out = capsys.readouterr().out
    assert "missing" not in out
    assert "begins again" not in out


@pytest.mark.parametrize(
    "words",
    [["train", "{}", "--resume"], ["train", "{}"], ["sample", "{}"]],
    ids=["resume", "train", "sample"],
)
def test_a_run_whose_configuration_is_gone_is_named(words, run, capsys):
    run.config_path.unlink()
    assert main([word.format(run.folder) for word in words]) == 2
    assert said(capsys) == (
        f"{run.folder} has no config.json: restore it from a copy, or give another run"
    )


@pytest.mark.parametrize("file", ["metrics_path", "incidents_path"])
def test_a_damaged_line_is_found_before_training(file, run, capsys, monkeypatch):
    def loaded(*_):
        raise AssertionError

    monkeypatch.setattr("alpha_bridge.runs.recording.train_run", loaded)
    path = getattr(run, file)
    path.write_bytes(b'{"step": \n')
    assert resume(run) == 2
    line = said(capsys)
    assert line.startswith(f"line 1 of {path} is")
    assert "--resume" not in line


def test_a_damaged_line_of_a_stacked_trial_is_found_before_training(tmp_path):
    run = Run.create(tmp_path / "run", Config(trials=2, event_shape=(2,)).model_dump(mode="json"))
    trial = Run.create(run.folder / "trial-1", {})
    trial.metrics_path.write_bytes(b"{\n")
    with pytest.raises(ValueError, match=f"line 1 of {trial.metrics_path}"):
        require_trainable(read_config(run.config_path), run.folder, resume=True)


def test_other_commands_name_a_damaged_checkpoint_and_use_the_one_before(run, tmp_path):
    right, out = tmp_path / "right.npy", tmp_path / "drawn.npy"
    assert main(["sample", str(run.folder), "--step=1", "--out", str(right)]) == 0
    weights = damage(run, LAST_GOOD)
    line = (
        f"{weights} is damaged (its SHA-256 sum is not the one in its manifest): update 1 is used"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(line)} instead$"):
        assert main(["sample", str(run.folder), "--out", str(out)]) == 0
    assert out.read_bytes() == right.read_bytes()


def test_a_damaged_checkpoint_that_is_asked_for_is_refused(run, capsys):
    weights = damage(run, LAST_GOOD)
    assert main(["sample", str(run.folder), f"--step={LAST_GOOD}"]) == 2
    line = said(capsys)
    assert line.startswith(f"{weights} is damaged (")
    assert line.endswith("restore it from a copy, or use another checkpoint")


# What is kept


@pytest.mark.slow
def test_the_best_by_a_metric_is_kept_and_told(tmp_path, capsys):
    folder, metric = tmp_path / "run", "log_likelihood/kde-0.1/40-held-out"
    words = ["--best=log_likelihood", "--evaluation.every=2", "--keep=1", "--out", str(folder)]
    assert main([*TINY, *words, "--json"]) == 0
    run, best = Run.open(folder), json.loads(capsys.readouterr().out)["best"]
    values = {record["step"]: record[metric] for record in run.records if metric in record}
    assert best == {
        "step": max(values, key=values.get),
        "metric": metric,
        "value": max(values.values()),
    }
    assert run.checkpoint_steps == sorted({1, 4, best["step"], 20})
    assert f"at update {best['step']}" in run.report_path.read_text("utf-8")


@pytest.mark.parametrize(
    ("best", "says"),
    [
        (
            "loss/generator",
            "best must be the name of a metric, or how it begins: frechet_distance, ",
        ),
        (
            "ess/forward",
            "missed_mass, invented_mass, reconstruction_error, ",
        ),
        (
            "modes/5std",
            "best must be what this run measures, or how it begins: inception_score/post",
        ),
        ("frechet_distance", "got 'frechet_distance'"),
    ],
)
def test_the_best_by_what_is_not_measured_is_refused_before_training(best, says, tmp_path, capsys):
    assert main([*TINY, f"--best={best}", "--out", str(tmp_path / "run")]) == 2
    assert says in said(capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_more_may_be_kept_when_a_run_goes_on(run):
    assert resume(run, "--keep=5", "--checkpoint-every=5") == 0
    assert run.checkpoint_steps == [1, 4, 5, 10, 15, 20]
    assert history(run)[-1] == (LAST_GOOD, "keep", 3, 5)


@pytest.mark.slow
def test_a_new_run_from_a_changed_one_has_no_history(run, tmp_path):
    assert resume(run, f"--{RATE}=1e-4") == 0
    assert main(["train", str(run.config_path), "--out", str(tmp_path / "again")]) == 0
    again = json.loads((tmp_path / "again" / "config.json").read_text())
    assert "changes" not in again
    assert again["optimization"]["generator"] == 1e-4
