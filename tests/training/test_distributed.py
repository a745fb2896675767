"""Two processes are one with the same global batch, and end together whatever happens to one.

This file is also what each of two processes does. They are forked, with what torchrun would put
into their environments, and torchrun itself, whose processes take seconds to start, runs once.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from alpha_bridge.cli import main
from alpha_bridge.control import AdaptivePath, OnlineGamma, RealismGamma
from alpha_bridge.data import normal
from alpha_bridge.errors import Stopped
from alpha_bridge.metrics.modes import kde_log_likelihood
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import R1, SpectralNorm
from alpha_bridge.runs.folder import Run
from alpha_bridge.settings import ControlConfig, WatchConfig
from alpha_bridge.training import (
    Callback,
    Checkpoints,
    FlightRecorder,
    Optimization,
    Records,
    StopOnSignal,
    available_accelerator,
    fit,
)
from alpha_bridge.training.checkpoint import read_tensors, save
from alpha_bridge.training.decoder_noise import GammaOfNoise, MeasuredNoise
from alpha_bridge.training.exchange import Exchange

pytestmark = pytest.mark.slow

PATH = AlphaPath.three_steps(ml=7, transfer=6, adversarial=7)
METRIC = "log_likelihood/kde-0.5/100"


def vectors(trials=None):
    sizes = {"hidden": (16, 16), "trials": trials}
    return AlphaBridge(
        MLPGenerator(2, 2, **sizes), MLPEncoder(2, 2, **sizes), MLPDiscriminator(2, **sizes)
    )


def images():
    sizes = {"size": 8, "channels": 1, "width": 4, "hidden": 8}
    return AlphaBridge(
        ConvGenerator(2, **sizes), ConvEncoder(2, **sizes), ConvDiscriminator(**sizes)
    )


class Restless(nn.Sequential):
    """A network that draws numbers and keeps running means of its own share of the batch."""

    def __init__(self, inputs, outputs, halves=False):
        super().__init__(
            nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, outputs)
        )
        self.halves = halves

    def forward(self, x):
        y = super().forward(x)
        return y.chunk(2, -1) if self.halves else y


def restless():
    return AlphaBridge(Restless(2, 2), Restless(2, 4, halves=True), Restless(2, 1))


def following():
    """α by what both processes read together, and γ by the σ that they measure."""
    gamma = RealismGamma(0.9, 2)
    return {
        "path": AdaptivePath(7, 6, 7, limits=ControlConfig(every=2, patience=2)),
        "gamma": gamma,
        "callbacks": [MeasuredNoise(), GammaOfNoise(gamma, every=2)],
    }


CASES = {
    "r1": (vectors, {"regularizer": R1(0.3)}),
    "lazy r1": (vectors, {"regularizer": R1(0.3, every=4)}),
    "spectral norm": (vectors, {"regularizer": SpectralNorm()}),
    "two steps of the discriminator": (
        vectors,
        {"optimization": Optimization(discriminator_steps=2)},
    ),
    "stacked trials": (partial(vectors, 3), {"regularizer": R1(0.3)}),
    "images": (images, {"regularizer": R1(0.2, every=4)}),
    "adaptive": (vectors, following),
}


def train(name, write, weights=0, callbacks=(), **others):
    """A case of the table; ``write`` takes the records in the process that has it."""
    build, options = RESTLESS if name == "restless" else CASES[name]
    options = {"path": PATH, **(options() if callable(options) else options)}
    callbacks = [*options.pop("callbacks", ()), *callbacks]
    torch.manual_seed(weights)
    model = build().double()
    shape = (64, 1, 8, 8) if build is images else (64, 2)
    data = normal(0, 0, 0, shape)
    points = normal(0, 1, 0, (100, 2)).double()

    def evaluate(event):
        samples = event.state.averaged().decode(points).detach()
        return {METRIC: kde_log_likelihood(points, samples, 0.5).tolist()}

    if build is vectors:
        callbacks = [*callbacks, Records(write, 5, evaluate, 5)] if write else callbacks
    options = {**options, **others}
    return fit(model, data, batch_size=16, callbacks=callbacks, **options)


def everything(state):
    return {
        f"{file}/{name}": value.contiguous().clone()
        for file, tensors in state.tensors().items()
        for name, value in tensors.items()
    }


# What two processes run: each leaves files that say what it has seen


class AfterUpdate(Callback):
    """Does something after update 12."""

    def __init__(self, do):
        self.do = do

    def after(self, event):
        if event.step == 12:
            self.do(event.state)


def break_parameters(state):
    next(state.model.parameters()).data.fill_(torch.nan)


def fail(_):
    raise KeyError("mine")


class FailingObjective(DataBridge):
    """Fails in the backward pass of update 13, when gradients of two networks have left."""

    def losses(self, model, x, noise, alpha, *rest, **options):
        if alpha == PATH(12):
            next(model.generator.parameters()).register_hook(fail)
        return super().losses(model, x, noise, alpha, *rest, **options)


TROUBLES = {
    "main diverges": (0, {"callbacks": [AfterUpdate(break_parameters)]}),
    "main fails": (0, {"callbacks": [AfterUpdate(fail)]}),
    "signal": (
        1,
        {"callbacks": [AfterUpdate(lambda _: os.kill(os.getpid(), signal.SIGTERM))]},
    ),
    "other fails": (1, {"objective": FailingObjective()}),
}
"""Which process is troubled, and by what. The last one leaves for good."""

RESTLESS = (restless, {"regularizer": R1(0.3), "gamma": OnlineGamma(every=2)})
"""What two processes train otherwise than one, and yet go on with as if they had not stopped."""


OTHERWISE = {
    "exchange at the end": lambda _: patch.object(Exchange, "during", lambda *_: nullcontext()),
    "other passes": lambda rank: (
        patch("alpha_bridge.objective.data.divisible", lambda *_: [False, True])
        if rank
        else nullcontext()
    ),
}
"""How two processes, of this rank each, can come to the same numbers in another way."""


def work(folder):
    accelerator = available_accelerator()
    rank = accelerator.process_index
    for name in CASES:
        records = []
        state = train(name, None if rank else records.append, weights=rank)
        save_file(everything(state), folder / f"{name}.{rank}.safetensors")
        if not rank:
            (folder / f"{name}.json").write_text(json.dumps(records))
    for name, way in OTHERWISE.items():
        with way(rank):
            state = train("r1", None, weights=rank)
        save_file(everything(state), folder / f"{name}.{rank}.safetensors")
    saving = AfterUpdate(lambda state: None if rank else save(state, folder / "restless"))
    for name, options in {
        "whole": {"callbacks": [saving]},
        "resumed": {"checkpoint": folder / "restless"},
    }.items():
        state = train("restless", None, weights=rank, **options)
        save_file(everything(state), folder / f"{name}.{rank}.safetensors")
    for answer in ("stop", "roll-back"):
        incident(folder, answer, rank)
    for name, (troubled, options) in TROUBLES.items():
        trouble(folder, name, rank, options if rank == troubled else {})
    accelerator.end_training()


def incident(folder, answer, rank):
    """A collapse by the measure of the main process alone, whose limit the other does not have."""
    watch = WatchConfig(answer=answer, every=2, patience=4, spread=0 if rank else 1e9)
    bundle, content = folder / f"{answer} bundle", {"seed": 0, "config": {}}
    recorder = FlightRecorder(watch, lambda _: None, place=lambda _: bundle, content=content)
    try:
        train("r1", None, callbacks=[recorder])
    except Stopped as error:
        said = [type(error).__name__, str(error)]
        (folder / f"{answer}.{rank}.json").write_text(json.dumps(said))


def trouble(folder, name, rank, options):
    checkpoint = lambda step: folder / name / f"step-{step}"  # noqa: E731
    stop = StopOnSignal(None if rank else checkpoint)
    watching = [stop] if rank else [stop, Checkpoints(checkpoint, every=5, keep=1)]
    callbacks = [*watching, *options.get("callbacks", ())]
    with stop.heeding(signal.SIGTERM):
        try:
            train("r1", None if rank else [].append, **{**options, "callbacks": callbacks})
        except (Stopped, KeyError) as error:
            said = [type(error).__name__, str(error), *getattr(error, "__notes__", ())]
            (folder / f"{name}.{rank}.json").write_text(json.dumps(said))
            if name == "other fails":
                raise


# The tests


@contextmanager
def torchrun(*command):
    """Two processes, which do not outlive a test that fails."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    with subprocess.Popen(
        [*launcher, "--nproc-per-node=2", *command],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def both(children, words, place):
    """Two processes of one training, the main one first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    return [
        children.start(words, place, **shared, RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1")
    ]


@pytest.fixture(scope="module")
def left(children, tmp_path_factory):
    """Folder of what two processes have left."""
    folder = tmp_path_factory.mktemp("two")
    ends = [process.wait() for process in both(children, ["script", __file__, folder], folder)]
    assert [end.code for end in ends] == [1, 1], ends  # of the last trouble
    return folder


def seen(left, name, rank):
    return json.loads((left / f"{name}.{rank}.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_as_one_with_the_same_batch(left, name):
    alone = everything(train(name, [].append))
    for rank in range(2):
        theirs = load_file(left / f"{name}.{rank}.safetensors")
        assert theirs.keys() == alone.keys()
        for key, value in alone.items():
            torch.testing.assert_close(theirs[key], value, rtol=0, atol=1e-10, msg=key)


@pytest.mark.parametrize("rank", [0, 1])
def test_an_exchange_amid_backward_passes_gives_what_one_after_them_does(left, rank):
    amid, after = (
        load_file(left / f"{name}.{rank}.safetensors") for name in ("r1", "exchange at the end")
    )
    assert amid.keys() == after.keys()
    assert [name for name in amid if not torch.equal(amid[name], after[name])] == []


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_agree_whose_networks_share_passes_in_different_ways(left, rank):
    """Which networks share a pass depends on the logits of a process's own samples."""
    same, other = (
        load_file(left / f"{name}.{rank}.safetensors") for name in ("r1", "other passes")
    )
    for key, value in same.items():
        torch.testing.assert_close(other[key], value, rtol=0, atol=1e-10, msg=key)


@pytest.mark.parametrize("rank", [0, 1])
def test_two_processes_go_on_as_if_they_had_never_stopped(left, rank):
    whole, resumed = (
        load_file(left / f"{name}.{rank}.safetensors") for name in ("whole", "resumed")
    )
    assert whole.keys() == resumed.keys()
    assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []


def test_two_processes_have_the_same_running_means(left):
    one, other = (load_file(left / f"whole.{rank}.safetensors") for rank in (0, 1))
    running = [name for name in one if "running" in name]
    assert running and all(torch.equal(one[name], other[name]) for name in running)


@pytest.mark.parametrize("name", ["r1", "lazy r1", "spectral norm"])
def test_two_processes_measure_what_one_does(left, name):
    records, alone = json.loads((left / f"{name}.json").read_text()), []
    train(name, alone.append)
    assert [record["step"] for record in records] == [record["step"] for record in alone]
    for one, other in zip(records, alone, strict=True):
        assert one[METRIC] == pytest.approx(other[METRIC], rel=0, abs=1e-10)


def test_a_divergence_ends_all_and_saves_nothing(left):
    name, message = seen(left, "main diverges", 0)
    assert name == "Diverged"
    assert "by update 13" in message
    assert seen(left, "main diverges", 1)[0] == "Lost"
    assert saved(left / "main diverges") == [7, 10]


def test_an_error_of_the_main_process_ends_all_with_a_checkpoint(left):
    name, _, note = seen(left, "main fails", 0)
    assert name == "KeyError"
    assert note == f"saved {left / 'main fails' / 'step-12'}"
    assert seen(left, "main fails", 1)[0] == "Lost"
    assert saved(left / "main fails") == [7, 10, 12]


@pytest.mark.parametrize(("answer", "name"), [("stop", "Halted"), ("roll-back", "RollBack")])
def test_an_incident_is_answered_by_all_and_kept_with_the_whole_batch(left, answer, name):
    one, other = (seen(left, answer, rank) for rank in range(2))
    assert one == other
    assert one[0] == name
    assert "update 10: the generator has collapsed: for 4 updates" in one[1]
    tensors, step = read_tensors(left / f"{answer} bundle")
    assert step == 9
    assert len(tensors["draws"]["0.x"]) == 16


def test_a_signal_to_one_process_ends_all_after_the_same_update(left):
    checkpoint = left / "signal" / "step-12"
    after = "after update 12 of 20"
    for rank, message in enumerate(
        (
            f"stopped by a callback or another process {after}, saved {checkpoint}",
            f"SIGTERM: stopped {after}",
        )
    ):
        assert seen(left, "signal", rank) == ["Interrupted", message]
    assert saved(left / "signal") == [7, 10, 12]


def test_an_error_amid_an_update_of_another_process_leaves_a_checkpoint(left):
    name, message = seen(left, "other fails", 0)
    checkpoint = left / "other fails" / "step-12"
    assert name == "Lost"
    assert message.startswith("process 0 of 2 lost another")
    assert message.endswith(f"saved {checkpoint}")
    assert seen(left, "other fails", 1)[0] == "KeyError"


@pytest.mark.parametrize("name", ["main fails", "signal", "other fails"])
def test_one_process_goes_on_where_two_ended(left, name):
    resumed = train("r1", None, checkpoint=left / name / "step-12")
    theirs = load_file(left / "r1.0.safetensors")
    for key, value in everything(resumed).items():
        torch.testing.assert_close(theirs[key], value, rtol=0, atol=1e-10, msg=key)


def saved(folder):
    steps = sorted(int(path.name.removeprefix("step-")) for path in folder.iterdir())
    for step in steps:
        assert read_tensors(folder / f"step-{step}")[1] == step
    return steps


# The command


STEPS = 400


@pytest.fixture(scope="module")
def story(children, tmp_path_factory):
    """A run that is told to end, then loses either process, then goes on in one."""
    run = tmp_path_factory.mktemp("story") / "run"
    return run, {
        "told": told(run),
        "main lost": lost(children, run, 0),
        "other lost": lost(children, run, 1),
    }


def words(run, *options):
    sizes = ["--steps", str(STEPS), "--record-every", "5", "--checkpoint-every", "20"]
    sizes += ["--model.hidden", "8", "--evaluation.samples", "50", "--evaluation.every", "1000"]
    return ["train", "gaussians25", "--out", str(run), *sizes, *options]


def told(run):
    """Start, wait for the first records, and end the launcher."""
    with torchrun("-m", "alpha_bridge", *words(run)) as launcher:
        await_records(run, 0, lambda: launcher.poll() is None)
        begin = time.monotonic()
        launcher.send_signal(signal.SIGTERM)
        said, _ = launcher.communicate(timeout=60)
        return ended(run, said.splitlines(), begin, 0) | {"code": launcher.returncode}


def lost(children, run, rank):
    """Go on, wait for further records, and kill one process."""
    before = len(lines(run))
    processes = both(children, words(run, "--resume"), run.parent)
    await_records(run, before, lambda: True)
    begin = time.monotonic()
    processes[rank].kill()
    said = processes[1 - rank].wait(60)
    processes[rank].wait()
    assert not said.late
    return ended(run, said.lines, begin, before) | {"code": said.code}


def await_records(run, before, alive):
    end = time.monotonic() + 120
    while len(lines(run)) < before + 8:
        assert alive() and time.monotonic() < end
        time.sleep(0.05)


def ended(run, said, begin, before):
    """What was said after some time, and what is there."""
    steps = Run(run).checkpoint_steps
    return {
        "said": [line for line in said if line.startswith("alpha-bridge:")],
        "seconds": time.monotonic() - begin,
        "step": read_tensors(run / "checkpoints" / f"step-{steps[-1]:08d}")[1],
        "leftovers": [path.name for path in run.rglob("*.partial")],
        "records": lines(run)[before:],
    }


def lines(run):
    path = run / "metrics.jsonl"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("end", ["told", "main lost", "other lost"])
def test_both_processes_end_in_time(story, end):
    found = story[1][end]
    assert found["code"]
    assert found["seconds"] < 60


@pytest.mark.parametrize("end", ["told", "main lost", "other lost"])
def test_each_record_is_written_once(story, end):
    steps = [json.loads(line)["step"] for line in story[1][end]["records"]]
    assert steps == sorted(set(steps))


def test_the_launchers_end_is_the_processes(story):
    run, ends = story
    found = ends["told"]
    checkpoint = run / "checkpoints" / f"step-{found['step']:08d}"
    stopped = f"alpha-bridge: SIGTERM: stopped after update {found['step']} of {STEPS}"
    assert sorted(found["said"]) == [
        f"{stopped}, saved {checkpoint}; go on with {Run(run).resuming}",
        f"{stopped}; go on with {Run(run).resuming}",
    ]


def test_the_loss_of_another_process_leaves_the_last_update(story):
    found = story[1]["other lost"]
    (said,) = found["said"]
    assert said.startswith("alpha-bridge: process 0 of 2 lost another")
    # in the middle of an update, between the networks' steps and the exchange of what they left,
    # there is no whole state to save
    if "the last checkpoint stands; go on with alpha-bridge train" not in said:
        assert f"step-{found['step']:08d}; go on with alpha-bridge train" in said
        assert found["step"] >= json.loads(found["records"][-1])["step"]
    assert not found["leftovers"]


def test_the_loss_of_the_main_process_leaves_its_last_checkpoint(story):
    found = story[1]["main lost"]
    (said,) = found["said"]
    assert said.startswith("alpha-bridge: process 1 of 2 lost another")
    assert found["step"] >= json.loads(found["records"][-1])["step"] - 20


@pytest.mark.usefixtures("pages_without_figures")
def test_one_process_finishes_what_two_began(story, capfd):
    run = story[0]
    assert main(["train", str(run / "config.json"), "--out", str(run), "--resume"]) == 0
    assert f"{STEPS}" in capfd.readouterr().out
    assert json.loads(lines(run)[-1])["step"] == STEPS
    assert read_tensors(run / "checkpoints" / f"step-{STEPS:08d}")[1] == STEPS


if __name__ == "__main__":
    work(Path(sys.argv[1]))
