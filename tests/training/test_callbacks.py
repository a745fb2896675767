"""Callbacks: when records are written, which checkpoints stay, and how a run is stopped."""

import io
import os
import re
import signal

import pytest
import torch
from rich.console import Console

from alpha_bridge.errors import Diverged, Interrupted, Lost
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.path import AlphaPath
from alpha_bridge.training import Callback, Checkpoints, Progress, Records, StopOnSignal, fit
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


def train(*callbacks, trials=None, **options):
    torch.manual_seed(0)
    data = torch.randn(64, FEATURES)
    return fit(model(trials), data, PATH, batch_size=8, callbacks=callbacks, **options)


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


@pytest.mark.parametrize("every", [1, 5, 7])
def test_the_checkpoints_of_segments_are_kept(tmp_path, every):
    train(Checkpoints(lambda step: tmp_path / str(step), every=every))
    assert sorted(int(folder.name) for folder in tmp_path.iterdir()) == [7, 13, 20]


def test_of_the_other_checkpoints_the_latest_stays(tmp_path):
    present = {}

    class Look(Callback):
        def after(self, event):
            present[event.step] = sorted(int(folder.name) for folder in tmp_path.iterdir())

    train(Checkpoints(lambda step: tmp_path / str(step), every=3), Look())
    assert present[2] == []
    assert present[3] == present[5] == [3]
    assert present[6] == [6]
    assert present[7] == present[8] == [7]
    assert present[9] == [7, 9]
    assert present[12] == [7, 12]
    assert present[13] == [7, 13]
    assert present[20] == [7, 13, 20]


@pytest.mark.parametrize(("began", "left"), [(5, [7, 10]), (7, [7, 10])])
def test_a_resumed_run_keeps_its_first_checkpoint_only_at_a_boundary(tmp_path, began, left):
    def folder(step):
        return tmp_path / str(step)

    class Save(Callback):
        def after(self, event):
            if event.step == began:
                save(event.state, folder(began))

    train(Save())
    present = []

    class Look(Callback):
        def after(self, event):
            if event.step == 10:
                present.extend(sorted(int(folder.name) for folder in tmp_path.iterdir()))

    train(Checkpoints(folder, every=10), Look(), checkpoint=folder(began))
    assert present == left


def test_a_checkpoint_before_the_one_of_a_signal_is_cleared_away_too(tmp_path):
    def folder(step):
        return tmp_path / str(step)

    class Save(Callback):
        def after(self, event):
            if event.step in (3, 5):  # the latest one, and that of a signal
                save(event.state, folder(event.step))

    train(Save())
    train(Checkpoints(folder, every=6), checkpoint=folder(5))
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [7, 13, 20]


def test_a_checkpoint_that_a_kill_left_at_the_end_is_cleared_away(tmp_path):
    def folder(step):
        return tmp_path / str(step)

    class Save(Callback):
        def after(self, event):
            if event.step in (7, 13, 18, 20):  # killed before 18 was cleared away
                save(event.state, folder(event.step))

    train(Save())
    train(Checkpoints(folder, every=6, boundaries=(7, 13, 20)), checkpoint=folder(20))
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [7, 13, 20]


def whole_in(folder):
    """The checkpoints from which training can go on."""
    return sorted(int(file.parent.name) for file in folder.glob("*/optimizers.safetensors"))


@pytest.mark.parametrize("every", [3, 1000])
def test_training_can_go_on_from_the_latest_two_and_the_earlier_keep_the_networks(tmp_path, every):
    present = {}

    class Look(Callback):
        def after(self, event):
            folders = sorted(int(folder.name) for folder in tmp_path.iterdir())
            present[event.step] = folders, whole_in(tmp_path)

    snapshots = Checkpoints(lambda step: tmp_path / str(step), every=every, snapshots=(9, 11))
    train(snapshots, Look())
    for folders, whole in present.values():
        assert whole == folders[-2:]
    assert folders == [7, 9, 11, 13, 20]
    assert whole_in(tmp_path) == [13, 20]
    for step in (7, 9, 11):
        tensors, of = read_tensors(tmp_path / str(step))
        assert of == step
        assert tensors.keys() == {"model", "average", "memory", "units"}


def test_what_a_kill_kept_from_being_dropped_is_dropped_when_the_run_goes_on(tmp_path):
    def folder(step):
        return tmp_path / str(step)

    class Save(Callback):
        def after(self, event):
            if event.step in (7, 13, 20):
                save(event.state, folder(event.step))

    train(Save())
    assert whole_in(tmp_path) == [7, 13, 20]
    train(Checkpoints(folder, boundaries=(7, 13, 20)), checkpoint=folder(20))
    assert whole_in(tmp_path) == [13, 20]


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_an_earlier_checkpoint_that_is_damaged_ends_no_training_and_stays_so(tmp_path, name):
    class Damage(Callback):
        def after(self, event):
            if event.step == 10:
                (tmp_path / "7" / name).write_bytes(b"{}")

    train(Checkpoints(lambda step: tmp_path / str(step)), Damage())
    assert whole_in(tmp_path) == [7, 13, 20]
    with pytest.raises(ValueError, match="remove"):
        read_tensors(tmp_path / "7")


def test_training_does_not_go_on_from_networks_alone(tmp_path):
    train(Checkpoints(lambda step: tmp_path / str(step)))
    with pytest.raises(ValueError, match=r"7 has only the networks, so training cannot go on"):
        train(checkpoint=tmp_path / "7")


def test_checkpoints_refuse_a_cadence_below_one(tmp_path):
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        Checkpoints(lambda _: tmp_path, every=0)


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
    resumed, whole = train(checkpoint=tmp_path / "step-4"), train()
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


def test_any_callback_can_stop_the_run():
    class Enough(Callback):
        def after(self, event):
            self.step = event.step

        def wants_to_stop(self):
            return self.step == 9

    with pytest.raises(Interrupted, match="stopped after update 9 of 20"):
        train(Enough())


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
    resumed, whole = train(checkpoint=tmp_path / "step-4"), train()
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


def test_the_bar_of_a_resumed_run_starts_where_it_stands():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bars, state = Bars(console), train()
    progress = Progress(len(PATH), bars, describe)
    state.step = 13
    with bars, progress.during(state):
        assert bars.drawing.tasks[0].completed == 13
