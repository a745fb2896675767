"""The flight recorder: each kind of incident is injected, recognised once, and answered."""

import math
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from alpha_bridge import chunks
from alpha_bridge.adversarial import Wasserstein
from alpha_bridge.data import Source
from alpha_bridge.errors import Diverged, Halted, Interrupted
from alpha_bridge.files.manifest import NEEDED
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import Marginals, MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge, JointBridge, MarginalBridge, Noise
from alpha_bridge.path import AlphaPath, constant
from alpha_bridge.settings import Optimization, WatchConfig
from alpha_bridge.training import Callback, FlightRecorder, fit, last_good
from alpha_bridge.training.batches import Batches
from alpha_bridge.training.bundle import read_bundle, write_bundle
from alpha_bridge.training.checkpoint import read_tensors, save
from alpha_bridge.training.incidents import RollBack, measured

PATH = AlphaPath.three_steps(ml=4, transfer=4, adversarial=22, end=0.6)
STILL = Optimization(generator=1e-9, encoder=1e-9, discriminator=1e-9)
WATCH = {"every": 2, "patience": 6, "spread": 1e-3}


def model(trials=None, discriminator=None):
    sizes = {"hidden": (8,), "trials": trials}
    return AlphaBridge(
        MLPGenerator(2, 2, **sizes),
        MLPEncoder(2, 2, **sizes),
        discriminator or MLPDiscriminator(2, **sizes),
        noise=0.5,
    )


class Line(torch.nn.Module):
    """Logits along the first coordinate."""

    def __init__(self, trials=None):
        super().__init__()
        shape = (1,) if trials is None else (trials, 1)
        self.slope = torch.nn.Parameter(torch.full(shape, 0.1))
        self.middle = torch.nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return self.slope * (self.middle - x[..., 0])


class Inject(Callback):
    """Does something to the model after an update."""

    def __init__(self, do, step=10):
        self.do, self.step = do, step

    def after(self, event):
        if event.step == self.step:
            with torch.no_grad():
                self.do(event.state.model)


def train(
    *callbacks,
    watch=None,
    trials=None,
    data=None,
    path=PATH,
    record=None,
    discriminator=None,
    **options,
):
    """What the recorder kept, and the losses of every update."""
    kept, losses = [], []
    recorder = FlightRecorder(
        WatchConfig(**{**WATCH, **(watch or {})}),
        lambda _: None,
        **{"keep": lambda incident, *_: kept.append(incident), **(record or {})},
    )
    torch.manual_seed(0)
    data = torch.randn(64, 2) if data is None else data
    losses_of = lambda event: losses.append(event.numbers["loss/generator"])  # noqa: E731
    called = [recorder, *callbacks, losses_of]
    try:
        fit(
            *(model(trials, discriminator), data, path),
            **{"batch_size": 8, "callbacks": called, "progress": False, **options},
        )
    except (Diverged, Halted, Interrupted) as error:
        return kept, losses, error
    return kept, losses, None


def uneven(model):
    """Weights of the data of which few are large."""
    model.discriminator.slope.fill_(10)


def sure(model):
    """Fakes far from the data, and a discriminator that sees it."""
    [*model.generator.parameters()][-1].add_(100)
    model.discriminator.slope.fill_(1)
    model.discriminator.middle.fill_(50)


def collapsed(model):
    """Samples that hardly depend on the latent."""
    *_, weight, _ = model.generator.parameters()
    weight.mul_(1e-6)


@pytest.mark.parametrize(("numbers", "seen"), [(10**6, 128), (2 * 20, 20), (1, 2)])
def test_large_samples_are_measured_few_at_a_time(numbers, seen, monkeypatch):
    monkeypatch.setattr(chunks, "NUMBERS", numbers)
    counts, unseen = [], Batches.unseen

    def counted(batches, step, count):
        counts.append(count)
        return unseen(batches, step, count)

    monkeypatch.setattr(Batches, "unseen", counted)
    train()
    assert {*counts} == {seen}


# What is recognised


@pytest.mark.parametrize(
    ("kind", "do", "end", "watch"),
    [
        ("few-samples", uneven, 0.45, {"ess": 0.7}),
        ("collapse", collapsed, 0.6, {}),
        ("discriminator-won", sure, 0.6, {"logit": 1e9}),
        ("discriminator-won", sure, 0.6, {"accuracy": 1.0, "logit": 20.0}),
    ],
)
@pytest.mark.parametrize("trials", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_an_incident_is_recognised_once_it_has_lasted(kind, do, end, watch, trials):
    path = AlphaPath.three_steps(ml=4, transfer=4, adversarial=22, end=end)
    still = {"discriminator": Line(trials), "optimization": STILL, "path": path}
    kept, _, error = train(Inject(do), watch=watch, trials=trials, **still)
    assert error is None
    assert [incident.trial for incident in kept] == ([None] if trials is None else [0, 1])
    for incident in kept:
        assert incident.kind == kind
        assert 16 <= incident.step <= 18
        assert incident.began == incident.step - 6
        of = "" if trials is None else f"trial {incident.trial}: "
        assert str(incident).startswith(f"update {incident.step}: {of}")


def test_the_trial_of_an_incident_is_named():
    def second(model):
        [*model.generator.parameters()][-2][1].mul_(1e-6)

    (incident,), *_ = train(Inject(second), trials=2, optimization=STILL)
    assert (incident.kind, incident.trial) == ("collapse", 1)


def test_trials_that_cross_together_share_a_bundle(tmp_path, monkeypatch):
    made, bundle = [], FlightRecorder._bundle

    def counted(self, event, incident, folder):
        made.append(incident.trial)
        return bundle(self, event, incident, folder)

    monkeypatch.setattr(FlightRecorder, "_bundle", counted)
    record = {"place": lambda _: tmp_path / "bundle", "content": {"seed": 0, "config": {}}}
    kept, *_ = train(Inject(collapsed), trials=3, optimization=STILL, record=record)
    assert [incident.trial for incident in kept] == [0, 1, 2]
    assert made == [0]


@pytest.mark.parametrize("answer", ["stop", "roll-back"])
def test_an_answer_other_than_say_is_to_the_first_trial(answer):
    kept, *_ = train(Inject(collapsed), trials=2, watch={"answer": answer}, optimization=STILL)
    assert [incident.trial for incident in kept] == [0]


@pytest.mark.parametrize("answer", ["say", "stop", "roll-back"])
def test_what_does_not_last_is_no_incident(answer):
    def back(model):
        [*model.generator.parameters()][-2].mul_(1e6)

    passing = [Inject(collapsed), Inject(back, 14)]
    kept, _, error = train(*passing, watch={"answer": answer}, optimization=STILL)
    assert kept == []
    assert error is None


def test_nothing_is_judged_in_step_one():
    kept, *_ = train(watch={"spread": 1e9, "accuracy": 0.0, "ess": 1.0}, path=constant(0.0, 20))
    assert kept == []


class Breaking(Source):
    """Samples that are NaN in the update ``bad``, from 0."""

    event_shape = (2,)
    size = None

    def __init__(self, bad):
        self.bad = bad

    def batch(self, seed, step, size, rank=0, ranks=1):  # noqa: ARG002
        generator = torch.Generator().manual_seed(step)
        return torch.randn(size, 2, generator=generator) + (math.nan if step == self.bad else 0)

    def training(self, count):
        return torch.randn(count, 2)

    held_out = training


@pytest.mark.parametrize("bad", [4, 5])
@pytest.mark.parametrize("answer", ["say", "stop"])
def test_a_loss_that_is_not_finite_is_found_at_its_update(bad, answer):
    (incident,), losses, error = train(data=Breaking(bad), watch={"answer": answer})
    assert (incident.kind, incident.step) == ("not-finite", bad + 1)
    assert isinstance(error, Diverged)
    assert f"diverged by update {bad + 1}" in str(error)
    assert len(losses) < 8


def test_a_state_that_is_not_finite_is_found_at_the_next_look():
    def break_one(model):
        next(model.encoder.parameters()).fill_(math.inf)

    (incident,), *_, error = train(Inject(break_one, 9), watch={"every": 10})
    assert incident.step == 10
    assert isinstance(error, Diverged)


# What is measured


@pytest.mark.parametrize("objective", [DataBridge, MarginalBridge, JointBridge])
def test_every_objective_has_its_numbers_and_changes_nothing(objective):
    discriminator = {
        DataBridge: None,
        MarginalBridge: Marginals(MLPDiscriminator(2), MLPDiscriminator(2)),
        JointBridge: MLPDiscriminator(4),
    }[objective]
    networks = model(discriminator=discriminator)
    x, z = torch.randn(20, 2), torch.randn(20, 2)
    before = torch.get_rng_state()
    numbers = measured(networks, objective(), x, Noise(z, z))
    assert {*numbers} == {"watch/accuracy", "watch/logit", "watch/spread"}
    assert all(number.shape == () and not number.requires_grad for number in numbers.values())
    assert torch.equal(before, torch.get_rng_state())
    assert networks.training


def test_a_critic_is_not_judged_by_the_sign_of_its_numbers():
    z = torch.randn(20, 2)
    assert {*measured(model(), DataBridge(Wasserstein()), z, Noise(z, z))} == {"watch/spread"}


def test_the_spread_is_one_for_the_data_themselves():
    class Same(torch.nn.Identity):
        latent_shape = (2,)

    networks = AlphaBridge(Same(), MLPEncoder(2, 2), MLPDiscriminator(2))
    x = torch.randn(20, 2)
    assert measured(networks, DataBridge(), x, Noise(x, x))["watch/spread"] == 1
    half = measured(networks, DataBridge(), x, Noise(x / 2, x))["watch/spread"]
    assert half.item() == pytest.approx(0.5)


# What is left as it is


@pytest.mark.parametrize("trials", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_the_losses_are_those_without_a_recorder(tmp_path, trials):
    keeping = {
        "place": lambda of: tmp_path / f"{of.step}-{of.kind}",
        "content": {"seed": 0, "config": {}},
    }
    watch = {"spread": 1e9, "accuracy": 0.0, "ess": 1.0}
    kept, watched, _ = train(trials=trials, watch=watch, record=keeping)
    assert {of.kind for of in kept} == {"few-samples", "collapse", "discriminator-won"}
    assert len([*tmp_path.iterdir()]) == 3
    alone = []
    torch.manual_seed(0)
    data = torch.randn(64, 2)
    callbacks = [lambda event: alone.append(event.numbers["loss/generator"])]
    fit(model(trials), data, PATH, batch_size=8, callbacks=callbacks, progress=False)
    assert torch.equal(torch.stack(watched), torch.stack(alone))


@pytest.mark.slow
def test_a_run_that_goes_on_finds_the_incident_at_the_same_update(tmp_path):
    class Save(Callback):
        def after(self, event):
            if event.step == 13:
                save(event.state, tmp_path / "13")

    (whole,), *_ = train(Inject(collapsed), Save(), optimization=STILL)
    (resumed,), *_ = train(checkpoint=tmp_path / "13", optimization=STILL)
    assert resumed == whole


class Stop(Callback):
    """Somebody stops training after an update, which is saved."""

    def __init__(self, step, folder):
        self.step, self.folder, self.now = step, folder, False

    def after(self, event):
        self.now = event.step == self.step

    def wants_to_stop(self):
        return self.now

    def stop(self, event):
        save(event.state, self.folder)


@pytest.mark.parametrize("stop", [14, 18])
@pytest.mark.parametrize("trials", [None, 2])
def test_a_run_that_is_stopped_between_two_looks_finds_what_has_lasted_at_the_next(
    stop, trials, tmp_path
):
    path = AlphaPath.three_steps(ml=4, transfer=4, adversarial=22, end=0.45)
    few = {"watch": {"every": 5, "ess": 0.7}, "path": path, "optimization": STILL, "trials": trials}
    whole, *_ = train(Inject(uneven), discriminator=Line(trials), **few)
    assert {(of.kind, of.step, of.began) for of in whole} == {("few-samples", 20, 10)}
    stopped = [Inject(uneven), Stop(stop, tmp_path / "stopped")]
    kept, _, error = train(*stopped, discriminator=Line(trials), **few)
    assert (kept, type(error)) == ([], Interrupted)
    resumed, *_ = train(discriminator=Line(trials), checkpoint=tmp_path / "stopped", **few)
    assert resumed == whole


def test_a_loss_that_is_not_finite_is_told_where_training_is_stopped_before_the_next_look(
    tmp_path,
):
    class Worse(Callback):
        """A loss is NaN, and no parameter."""

        def after(self, event):
            if event.step == 12:
                event.numbers["loss/generator"].fill_(math.nan)

    told = []
    keep = {"keep": lambda incident, _, answer: told.append((incident, answer))}
    stop = Stop(13, tmp_path / "stopped")
    *_, error = train(Worse(), stop, watch={"every": 5}, record=keep)
    ((incident, answer),) = told
    assert (incident.kind, incident.step, answer) == ("not-finite", 12, "end")
    assert type(error) is Interrupted and stop.folder.is_dir()


# The answers


def test_stop_ends_training_after_the_update_and_says_why():
    _, losses, error = train(Inject(collapsed), watch={"answer": "stop"}, optimization=STILL)
    assert type(error) is Halted
    assert str(error).startswith(f"stopped after an incident, update {len(losses)}: the generator")


def test_a_roll_back_is_left_to_who_trains():
    *_, error = train(Inject(collapsed), watch={"answer": "roll-back"}, optimization=STILL)
    assert isinstance(error, RollBack)
    assert error.incident.kind == "collapse"


@pytest.mark.parametrize(
    ("watch", "ending"),
    [
        ({}, Diverged),
        ({"answer": "stop"}, Diverged),
        ({"diverged": "roll-back"}, RollBack),
        ({"answer": "roll-back", "diverged": "end"}, RollBack),
    ],
)
def test_divergence_is_left_to_who_trains_where_either_setting_asks_for_it(watch, ending):
    *_, error = train(data=Breaking(4), watch=watch)
    assert type(error) is ending


def test_what_is_done_where_networks_diverge_is_not_done_about_other_incidents():
    kept, _, error = train(Inject(collapsed), watch={"diverged": "roll-back"}, optimization=STILL)
    assert [incident.kind for incident in kept] == ["collapse"]
    assert error is None


def test_a_bundle_keeps_every_draw(tmp_path):
    count = len(fields(Noise)) + 1
    x, *noise = torch.rand(count, 2, 3).unbind()
    state = {Path(name).stem: {"of": x} for name in NEEDED if name.endswith(".safetensors")}
    write_bundle(tmp_path / "bundle", state, 0, [(x, Noise(*noise))], {})
    dtype = {"dtype": "float32"}
    _, _, ((again, kept),) = read_bundle(tmp_path / "bundle", dtype, torch.device("cpu"))
    assert torch.equal(torch.stack([again, *vars(kept).values()]), torch.stack([x, *noise]))


@pytest.mark.parametrize("large", [0, 2**40])
def test_the_bundle_of_a_loss_that_is_not_finite_has_the_update_that_broke_it(
    tmp_path, monkeypatch, large
):
    monkeypatch.setattr(last_good, "LARGE", large)
    keeping = {"place": lambda _: tmp_path / "bundle", "content": {"seed": 0, "config": {}}}
    keeping["spare"] = tmp_path
    (incident,), *_ = train(data=Breaking(4), watch={"every": 7}, record=keeping)
    tensors, step = read_tensors(tmp_path / "bundle")
    assert (incident.step, step) == (5, 4)
    bits = tensors["draws"]["0.x"]
    assert bits.view(torch.float32).isnan().all()
