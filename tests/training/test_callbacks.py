"""Callbacks: when records are written, which checkpoints stay, and how a run is stopped."""

import errno
import io
import os
import re
import shutil
import signal
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from alpha_bridge.control import AdaptivePath
from alpha_bridge.errors import Diverged, Interrupted, Lost, NotWritten
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.path import AlphaPath
from alpha_bridge.settings import ControlConfig
from alpha_bridge.training import (
    Callback,
    Checkpoints,
    Progress,
    Records,
    StopOnSignal,
    checkpoint,
    fit,
)
from alpha_bridge.training.checkpoint import read_tensors, save
from alpha_bridge.training.progress import Bars

FEATURES = 2
PATH = AlphaPath.three_steps(ml=7, transfer=6, adversarial=7)


def model(trials=None):
    sizes = {"hidden": (4,), "trials": trials}
    return AlphaBridge(
        MLPGenerator(2, FEATURES, **sizes),
        MLPEncoder(2, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
        noise=0.5,
    )


def train(*callbacks, trials=None, path=PATH, weights=1, **options):
    torch.manual_seed(0)
    data = torch.randn(64, FEATURES)
    torch.manual_seed(weights)
    return fit(model(trials), data, path, batch_size=8, callbacks=callbacks, **options)


def records(trials=None, **options):
    written = []
    train(Records(written.append, **options), trials=trials)
    return written


@pytest.fixture(scope="module")
def every_record():
    """Those of every update, of one run that is shared."""
    return records(every=1)


def steps_of(written):
    return [record["step"] for record in written]


# Records


def test_records_are_written_now_and_then_and_at_the_end():
    assert steps_of(records(every=6)) == [6, 12, 18, 20]


def test_metrics_are_due_now_and_then_at_each_boundary_and_at_the_end():
    written = records(every=1000, evaluate=lambda _: {"modes": 25.0}, evaluate_every=5)
    assert steps_of(written) == [5, 7, 10, 13, 15, 20]
    assert all(record["modes"] == 25.0 for record in written)


def test_records_between_two_evaluations_have_no_metrics():
    written = records(every=4, evaluate=lambda _: {"modes": 25.0}, evaluate_every=1000)
    with_metrics = [record["step"] for record in written if "modes" in record]
    assert steps_of(written) == [4, 7, 8, 12, 13, 16, 20]
    assert with_metrics == [7, 13, 20]


def test_one_update_has_one_record():
    written = records(every=1, evaluate=lambda _: {}, evaluate_every=1)
    assert steps_of(written) == list(range(1, 21))


def test_a_record_says_where_the_run_stands(every_record):
    for record in every_record:
        alpha = PATH(record["step"] - 1)
        assert record["alpha"] == alpha
        assert record["gamma"] == SigmoidGamma()(alpha)
        assert record["phase"] == PATH.phase(record["step"] - 1)
        assert record["sigma"] == pytest.approx(0.5)
        assert record["seconds"] >= 0
        assert {"loss/discriminator", "ess/forward", "ess/reverse"} < record.keys()


def test_a_record_names_the_loss_of_every_player(every_record):
    for record in every_record:
        losses = "+".join(name.removeprefix("loss/") for name in record if name.startswith("loss/"))
        assert sorted(losses.split("+")) == ["discriminator", "encoder", "generator"]


@pytest.mark.parametrize("trials", [None, 3])
def test_a_record_has_plain_numbers_one_for_each_trial(trials):
    record = records(trials, every=5)[0]
    for name in ("sigma", "loss/discriminator", "ess/forward", "ess/reverse"):
        values = record[name] if trials else [record[name]]
        assert len(values) == (trials or 1)
        assert all(type(value) is float for value in values)


def test_the_time_of_records_goes_on(every_record):
    seconds = [record["seconds"] for record in every_record]
    assert seconds == sorted(seconds)


def test_the_evaluation_sees_the_state_after_the_update():
    seen = []

    def evaluate(event):
        seen.append((event.step, event.state.step, event.state.averaged().sample(3).shape))
        return {}

    records(every=1000, evaluate=evaluate, evaluate_every=10)
    assert seen == [(step, step, (3, FEATURES)) for step in (7, 10, 13, 20)]


def test_a_record_of_broken_parameters_is_not_written():
    written = []

    class Break(Callback):
        def after(self, event):
            if event.step == 5:
                next(event.state.model.parameters()).data.fill_(torch.nan)

    with pytest.raises(Diverged, match="by update 6"):
        train(Break(), Records(written.append, every=2))
    assert steps_of(written) == [2, 4]


@pytest.mark.parametrize("name", ["every", "evaluate_every"])
def test_records_refuse_a_cadence_below_one(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Records(print, **{name: 0})


# Checkpoints


def standing(folder):
    """Numbers of updates of the checkpoints in a folder."""
    return sorted(int(path.name) for path in folder.iterdir())


def whole_in(folder):
    """The checkpoints from which training can go on."""
    return sorted(int(file.parent.name) for file in folder.glob("*/optimizers.safetensors"))


class Look(Callback):
    """Notes which checkpoints stand after each update."""

    def __init__(self, folder):
        self.folder, self.seen = folder, {}

    def after(self, event):
        self.seen[event.step] = standing(self.folder)


class Save(Callback):
    """Saves the state after some updates, and removes nothing."""

    def __init__(self, folder, *steps):
        self.folder, self.steps = folder, steps

    def after(self, event):
        if event.step in self.steps:
            save(event.state, self.folder(event.step))


@pytest.fixture
def folder(tmp_path):
    """Where the checkpoint of an update belongs."""
    return lambda step: tmp_path / str(step)


@pytest.mark.parametrize("every", [1, 5, 7])
def test_the_checkpoints_of_segments_are_kept(tmp_path, folder, every):
    train(Checkpoints(folder, every=every, keep=1))
    assert standing(tmp_path) == [7, 13, 20]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (1, {2: [], 3: [3], 5: [3], 6: [6], 7: [7], 9: [7, 9], 12: [7, 12], 20: [7, 13, 20]}),
        (3, {6: [3, 6], 7: [3, 6, 7], 9: [6, 7, 9], 12: [7, 9, 12], 20: [7, 13, 15, 18, 20]}),
    ],
)
def test_of_the_other_checkpoints_the_latest_stay(tmp_path, folder, keep, expected):
    look = Look(tmp_path)
    train(Checkpoints(folder, every=3, keep=keep), look)
    assert {step: look.seen[step] for step in expected} == expected


def test_the_best_stays_until_a_better_one_is_written(tmp_path, folder):
    scores, told = {}, []

    class Measure(Callback):
        def after(self, event):
            if event.step % 2 == 0:  # also between two checkpoints
                scores[event.step] = {4: 1.0, 8: 3.0, 14: 3.0, 16: 2.0}.get(event.step, 0.0)

    def beside(state, marked):
        told.append((state.step, sorted(marked)))

    look = Look(tmp_path)
    train(Measure(), Checkpoints(folder, 5, keep=1, scores=scores, beside=beside), look)
    seen = [look.seen[step] for step in (2, 4, 5, 7, 8, 10, 14, 20)]
    assert seen == [[2], [4], [4, 5], [4, 7], [7, 8], [7, 8, 10], [7, 8, 13], [7, 8, 13, 20]]
    assert told == [
        *((2, [2, 7, 13, 20]), (4, [4, 7, 13, 20]), (7, [4, 7, 13, 20]), (8, [7, 8, 13, 20])),
        *((13, [7, 8, 13, 20]), (20, [7, 8, 13, 20])),
    ]
    assert whole_in(tmp_path) == [20]


def test_a_checkpoint_that_was_passed_over_is_replaced_or_goes_when_training_is_past_it(
    tmp_path, folder
):
    train(Save(folder, 12, 15, 18))
    for step in (15, 18):
        (folder(step) / "model.safetensors").write_bytes(b"damaged")
    look = Look(tmp_path)
    train(Checkpoints(folder, every=5, keep=2), look, checkpoint=folder(12))
    assert [look.seen[step] for step in (13, 15, 20)] == [
        *([12, 13, 15, 18], [13, 15, 18], [13, 15, 20])
    ]
    assert read_tensors(folder(15))[1] == 15


def _full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Fill(Callback):
    """A disk that is full when one update is done."""

    def __init__(self, monkeypatch, step, free):
        self.monkeypatch, self.step, self.free = monkeypatch, step, free

    def after(self, event):
        self.monkeypatch.undo()
        if event.step == self.step and self.free is None:
            self.monkeypatch.setattr(checkpoint, "write_tensors", _full)
        elif event.step == self.step:
            usage = SimpleNamespace(free=self.free)
            self.monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


ROOM = [(1000, r"it needs 0\.0\d\d MB, and 0\.001 MB are free"), (None, "No space left on device")]


@pytest.mark.parametrize(("free", "reason"), ROOM)
def test_a_full_disk_costs_one_checkpoint_and_says_so(tmp_path, folder, monkeypatch, free, reason):
    look, said = Look(tmp_path), []
    saving = Checkpoints(folder, every=5, keep=2, say=said.append)
    train(Fill(monkeypatch, 10, free), saving, look)
    assert look.seen[10] == look.seen[12] == [5, 7]
    assert standing(tmp_path) == [7, 13, 15, 20]
    (line,) = said
    assert re.fullmatch(
        rf"cannot write {folder(10)} \({reason}\): what was there before is unchanged; make room "
        "and try again; training goes on without it",
        line,
    )


@pytest.mark.parametrize(("free", "reason"), ROOM)
def test_a_disk_that_is_full_at_the_end_is_an_error(tmp_path, folder, monkeypatch, free, reason):
    with pytest.raises(NotWritten, match=rf"^cannot write {folder(20)} \({reason}\)"):
        train(Fill(monkeypatch, 20, free), Checkpoints(folder, every=5, keep=2))
    assert standing(tmp_path) == [7, 13, 15]


def test_networks_that_cannot_be_kept_alone_for_want_of_room_stay_whole_until_there_is_some(
    tmp_path, folder, monkeypatch
):
    said = []

    class Copies(Callback):
        def after(self, event):
            monkeypatch.undo()
            if event.step == 13:
                monkeypatch.setattr(shutil, "copyfile", _full)

    saving = Checkpoints(folder, every=100, keep=1, snapshots=(16,), say=said.append)
    train(Copies(), saving)
    assert len(said) == 1 and f"cannot write {folder(7)} (No space left" in said[0]
    assert whole_in(tmp_path) == [20]


@pytest.mark.parametrize(("began", "left"), [(5, [7, 10]), (7, [7, 10])])
def test_a_resumed_run_keeps_its_first_checkpoint_only_at_a_boundary(tmp_path, folder, began, left):
    train(Save(folder, began))
    look = Look(tmp_path)
    train(Checkpoints(folder, every=10, keep=1), look, checkpoint=folder(began))
    assert look.seen[10] == left


def test_a_checkpoint_before_the_one_of_a_signal_is_cleared_away_too(tmp_path, folder):
    train(Save(folder, 3, 5))  # the latest one, and that of a signal
    train(Checkpoints(folder, every=6, keep=1), checkpoint=folder(5))
    assert standing(tmp_path) == [7, 13, 20]


def test_a_checkpoint_that_a_kill_left_at_the_end_is_cleared_away(tmp_path, folder):
    train(Save(folder, 7, 13, 18, 20))  # killed before 18 was cleared away
    train(Checkpoints(folder, 6, path=PATH, keep=1), checkpoint=folder(20))
    assert standing(tmp_path) == [7, 13, 20]


def test_the_end_of_step_two_of_an_adaptive_path_stays_when_the_run_goes_on(tmp_path, folder):
    def path():  # it knows nothing of the update at which Step II ended
        return AdaptivePath(2, 2, 6, end=0.0, limits=ControlConfig(every=1))

    train(Save(folder, 2, 3, 6), path=path())
    again = path()
    train(Checkpoints(folder, path=again, keep=1), path=again, checkpoint=folder(6))
    assert again.boundaries == (2, 3, 10)
    assert standing(tmp_path) == [2, 3, 10]


@pytest.mark.parametrize("every", [3, 1000])
def test_training_can_go_on_from_the_latest_and_the_earlier_keep_the_networks(
    tmp_path, folder, every
):
    present = {}

    class Whole(Callback):
        def after(self, event):
            present[event.step] = standing(tmp_path), whole_in(tmp_path)

    train(Checkpoints(folder, every=every, snapshots=(9, 11), keep=2), Whole())
    for folders, whole in present.values():
        assert whole == folders[-2:]
    for step in (7, 9, 11):
        tensors, of = read_tensors(folder(step))
        assert of == step
        assert tensors.keys() == {"model", "average", "memory", "units"}


def test_what_a_kill_kept_from_being_dropped_is_dropped_when_the_run_goes_on(tmp_path, folder):
    train(Save(folder, 7, 13, 20))
    assert whole_in(tmp_path) == [7, 13, 20]
    train(Checkpoints(folder, path=PATH, keep=2), checkpoint=folder(20))
    assert whole_in(tmp_path) == [13, 20]


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_an_earlier_checkpoint_that_is_damaged_ends_no_training_and_stays_so(
    tmp_path, folder, name
):
    class Damage(Callback):
        def after(self, event):
            if event.step == 10:
                (folder(7) / name).write_bytes(b"{}")

    train(Checkpoints(folder, keep=2), Damage())
    assert whole_in(tmp_path) == [7, 13, 20]
    with pytest.raises(ValueError, match="restore it from a copy, or use another checkpoint"):
        read_tensors(folder(7))


def test_training_does_not_go_on_from_networks_alone(folder):
    train(Checkpoints(folder, keep=2))
    with pytest.raises(ValueError, match=r"7 has only the networks, so training cannot go on"):
        train(checkpoint=folder(7))


@pytest.mark.parametrize("name", ["every", "keep"])
def test_checkpoints_refuse_numbers_below_one(folder, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Checkpoints(folder, **{name: 0})


# Signals

WATCHED = (signal.SIGINT, signal.SIGTERM)


class Send(Callback):
    """Sends signals to this process after update 4."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def after(self, event):
        if event.step == 4:
            for number in self.numbers:
                os.kill(os.getpid(), number)


@pytest.fixture
def stop(tmp_path):
    return StopOnSignal(lambda step: tmp_path / f"step-{step}")


@pytest.fixture(autouse=True)
def handlers():
    """No test leaves a handler behind."""
    before = [signal.getsignal(number) for number in WATCHED]
    yield before
    for number, handler in zip(WATCHED, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", WATCHED)
def test_a_signal_saves_a_checkpoint_and_stops(tmp_path, stop, number):
    with pytest.raises(Interrupted) as end:
        train(Send(number), stop)
    assert str(end.value) == (
        f"{number.name}: stopped after update 4 of 20, saved {tmp_path / 'step-4'}"
    )


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, stop):
    with pytest.raises(Interrupted):
        train(Send(signal.SIGTERM), stop)
    resumed, whole = train(weights=2, checkpoint=tmp_path / "step-4"), train()
    for one, other in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("numbers", [(), (signal.SIGTERM,)], ids=["finished", "stopped"])
def test_the_handlers_of_the_caller_come_back(stop, handlers, numbers):
    try:
        train(Send(*numbers), stop)
    except Interrupted:
        assert numbers
    assert [signal.getsignal(number) for number in WATCHED] == handlers


def test_the_handlers_come_back_after_an_error(stop, handlers):
    class Fail(Callback):
        def after(self, event):  # noqa: ARG002
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        train(stop, Fail())
    assert [signal.getsignal(number) for number in WATCHED] == handlers


def test_a_second_interrupt_stops_at_once(tmp_path, stop):
    with pytest.raises(KeyboardInterrupt):
        train(Send(signal.SIGINT, signal.SIGINT), stop)
    assert not list(tmp_path.iterdir())


def test_without_a_signal_the_run_ends_by_itself(tmp_path, stop):
    assert train(stop).step == len(PATH)
    assert not list(tmp_path.iterdir())


class Enough(Callback):
    """Wants to stop after update 9."""

    def after(self, event):
        self.step = event.step

    def wants_to_stop(self):
        return self.step == 9


def test_any_callback_can_stop_the_run():
    with pytest.raises(Interrupted, match="stopped after update 9 of 20"):
        train(Enough())


def test_the_stop_of_a_callback_is_not_taken_for_a_signal(stop):
    with pytest.raises(Interrupted, match=r"^stopped by a callback or another process after"):
        train(stop, Enough())


# Failures


class Fail(Callback):
    """Raises ``error`` after update 4."""

    def __init__(self, error):
        self.error = error

    def after(self, event):
        if event.step == 4:
            raise self.error


def test_an_error_leaves_the_whole_update_before_it(tmp_path, stop):
    error = KeyError("mine")
    with pytest.raises(KeyError):
        train(stop, Fail(error))
    assert error.__notes__ == [f"saved {tmp_path / 'step-4'}"]
    resumed, whole = train(weights=2, checkpoint=tmp_path / "step-4"), train()
    for one, other in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_loss_of_a_process_names_the_checkpoint(tmp_path, stop):
    with pytest.raises(Lost) as end:
        train(stop, Fail(Lost("process 0 of 2 lost another one")))
    assert str(end.value) == (f"process 0 of 2 lost another one; saved {tmp_path / 'step-4'}")


def test_a_step_that_was_not_finished_is_not_saved(tmp_path, stop, monkeypatch):
    class Half(Callback):
        def after(self, event):
            monkeypatch.setattr(event.state.optimizers["encoder"], "step", self.step)

        def step(self):
            raise Lost("amid the steps")

    with pytest.raises(Lost, match="amid the steps; the last checkpoint stands"):
        train(stop, Half())
    assert not list(tmp_path.iterdir())


def test_a_state_that_is_not_finite_is_not_saved(tmp_path, stop):
    class Break(Callback):
        def after(self, event):
            next(event.state.model.parameters()).data.fill_(torch.nan)

    with pytest.raises(Lost, match="the last checkpoint stands"):
        train(Break(), stop, Fail(Lost("gone")))
    assert not list(tmp_path.iterdir())


def test_a_process_that_does_not_write_leaves_nothing(tmp_path):
    with pytest.raises(Lost, match="the last checkpoint stands"):
        train(StopOnSignal(None), Fail(Lost("gone")))
    with pytest.raises(Interrupted, match=r"SIGTERM: stopped after update 4 of 20$"):
        train(StopOnSignal(None), Send(signal.SIGTERM))
    assert not list(tmp_path.iterdir())


def test_a_signal_after_training_is_kept_from_what_follows(tmp_path, stop):
    with stop.heeding(signal.SIGTERM):
        train(stop)
        os.kill(os.getpid(), signal.SIGTERM)
    assert not list(tmp_path.iterdir())


# Progress


def shown(terminal, describe):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with Bars(console) as bars:
        progress = Progress(len(PATH), bars, describe)
        train(Records(progress.show, every=2, evaluate=lambda _: {"modes": 25.0}), progress)
    return console.file.getvalue()


def describe(record):
    return f"{record['modes']:.0f} modes" if "modes" in record else ""


def test_a_log_has_a_line_for_each_evaluation():
    lines = shown(False, describe).splitlines()
    times = r"\d:\d\d, \d:\d\d left", r"\d:\d\d"
    expected = (
        rf"update  7 of 20  {times[0]}  α = 0\.00  25 modes",
        rf"update 13 of 20  {times[0]}  α = 0\.86  25 modes",
        rf"update 20 of 20  {times[1]}  α = 1\.00  25 modes",
    )
    assert all(re.fullmatch(*pair) for pair in zip(expected, lines, strict=True))


def test_a_log_is_silent_where_there_is_nothing_to_tell():
    assert shown(False, lambda _: "") == ""


def test_a_person_sees_a_bar_that_ends_full():
    text = shown(True, lambda _: "")
    assert "Step III" in text
    assert "20/20" in text
    assert re.search(r"α = 1\.00  generator -?\d", text)


def test_the_bar_of_a_resumed_run_starts_where_it_stands():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bars, state = Bars(console), train()
    progress = Progress(len(PATH), bars, describe)
    state.step = 13
    with bars, progress.during(state):
        assert bars.drawing.tasks[0].completed == 13
