"""The loop: repeatable, resumable, along its path, and stopped when it diverges."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from alpha_bridge.data import DensitySource, ImageSource, Source, grid
from alpha_bridge.errors import Diverged
from alpha_bridge.gamma import LinearGamma, SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge
from alpha_bridge.path import AlphaPath, constant, join, ramp
from alpha_bridge.penalty import R1, GradientPenalty, Regularizer, SpectralNorm
from alpha_bridge.training import Callback, Checkpoints, Optimization, fit
from alpha_bridge.training import update as updates
from tests.saving import SaveAfter

LATENT, FEATURES, BATCH = 2, 3, 16
PATH = AlphaPath.three_steps(ml=3, transfer=4, adversarial=3)
SHORT = AlphaPath.three_steps(ml=1, transfer=2, adversarial=1)


def mlp(trials=None, **options):
    sizes = {"hidden": (8,), "trials": trials}
    return AlphaBridge(
        MLPGenerator(LATENT, FEATURES, **sizes),
        MLPEncoder(LATENT, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
        noise=0.5,
        **options,
    )


def conv():
    sizes = {"size": 8, "channels": 3, "width": 4, "hidden": 8}
    generator, encoder = ConvGenerator(LATENT, **sizes), ConvEncoder(LATENT, **sizes)
    return AlphaBridge(generator, encoder, ConvDiscriminator(**sizes))


def dropout():
    model = mlp()
    model.discriminator = nn.Sequential(nn.Linear(FEATURES, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    return model


def restless(inputs, outputs):
    """A network that draws numbers and keeps running means, and states no shape of a latent."""
    return nn.Sequential(
        nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, outputs)
    )


class RestlessEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = restless(FEATURES, 2 * LATENT)

    def forward(self, x):
        return self.body(x).chunk(2, -1)


PLAIN = {
    "generator": lambda: nn.Linear(LATENT, FEATURES),
    "encoder": lambda: MLPEncoder(LATENT, FEATURES, (8,)),
    "discriminator": lambda: nn.Linear(FEATURES, 1),
}
RESTLESS = {
    "generator": lambda: restless(LATENT, FEATURES),
    "encoder": RestlessEncoder,
    "discriminator": lambda: restless(FEATURES, 1),
}


def restless_in(*players):
    """A model whose named players have dropout and batch normalisation."""
    networks = PLAIN | {player: RESTLESS[player] for player in players}
    return AlphaBridge(*(networks[player]() for player in NETWORKS))


def vectors():
    return torch.randn(64, FEATURES, generator=torch.Generator().manual_seed(1))


def images():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    return ImageSource(pixels)


KINDS = {
    "mlp": (mlp, vectors, R1()),
    "learned noise": (lambda: mlp(learn_noise=True), vectors, R1(every=2)),
    "trials": (lambda: mlp(trials=3), vectors, SpectralNorm()),
    "gradient penalty": (lambda: mlp(trials=3), vectors, GradientPenalty(every=2)),
    "dropout": (dropout, vectors, R1()),
    "dropout in all": (lambda: restless_in(*NETWORKS), vectors, R1()),
    "dropout in the generator": (lambda: restless_in("generator"), vectors, R1()),
    "dropout in the encoder": (lambda: restless_in("encoder"), vectors, R1()),
    "dropout in the discriminator": (lambda: restless_in("discriminator"), vectors, R1()),
    "conv": (conv, images, R1()),
    "spectral conv": (conv, images, SpectralNorm()),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def train(kind="mlp", seed=0, weights=0, path=PATH, **options):
    build, data, regularizer = KINDS[kind]
    torch.manual_seed(weights)
    model = build()
    return fit(
        model,
        data(),
        path,
        regularizer=regularizer,
        batch_size=BATCH,
        seed=seed,
        **options,
    )


def everything(state):
    """All tensors of a state by one name each."""
    return {
        (file, name): value.clone()
        for file, tensors in state.tensors().items()
        for name, value in tensors.items()
    }


def differing(one, other):
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


class Watch(Callback):
    """Keeps what it is told."""

    def __init__(self):
        self.events = []

    def after(self, event):
        self.events.append(
            (event.step, event.alpha, event.gamma, event.phase, event.boundary, event.last)
        )


@pytest.fixture
def seen(monkeypatch):
    """Samples, noise, α and γ that every update is given."""
    arguments, update = [], updates.update

    def spy(state, x, noise, alpha, gamma, *slots):
        arguments.append((x.clone(), noise, alpha, gamma))
        return update(state, x, noise, alpha, gamma, *slots)

    monkeypatch.setattr(updates, "update", spy)
    return arguments


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """What each kind has become, and where its checkpoints of an update of each step are."""

    @cache
    def run(kind):
        folder = tmp_path_factory.mktemp("saved")
        saving = [SaveAfter(stop, folder / str(stop)) for stop in (3, 5, 8)]
        return everything(train(kind, callbacks=saving)), folder

    return run


# Repeatable


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] * kind.startswith("dropout in the "))
        for kind in KINDS
    ],
)
def test_a_seed_gives_the_same_bits_and_saving_does_not_change_them(kind, saved):
    assert not differing(saved(kind)[0], everything(train(kind)))


@pytest.mark.parametrize("kind", ["mlp", "trials", "conv"])
def test_another_seed_gives_other_weights(kind):
    one, other = (everything(train(kind, seed=seed, path=SHORT)) for seed in (0, 7))
    different = {file for file, _ in differing(one, other)}
    assert different >= {"model", "average", "optimizers"}


def test_an_update_draws_its_noise_from_the_seed_and_its_number(seen):
    train()
    draws = [draw for _, noise, *_ in seen for draw in (noise.prior, noise.posterior)]
    assert all(draw.shape == (BATCH, LATENT) for draw in draws)
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == 2 * len(PATH)


def test_a_trial_sees_what_a_run_with_its_seed_sees(seen):
    train("trials", seed=4, path=SHORT)
    together = list(seen)
    for trial in range(3):
        seen.clear()
        train(seed=4 + trial, path=SHORT)
        for (x, noise, *_), (own_x, own_noise, *_) in zip(together, seen, strict=True):
            assert torch.equal(x[trial], own_x)
            assert torch.equal(noise.prior[trial], own_noise.prior)
            assert torch.equal(noise.posterior[trial], own_noise.posterior)


@pytest.mark.parametrize("kind", ["mlp", "trials"])
def test_each_step_of_the_discriminator_has_samples_and_noise_of_its_own(seen, kind, monkeypatch):
    discrimination = DataBridge.discrimination

    def spy(self, model, x, noise, penalized=False):
        if model.training:  # not where the networks are tried before the first update
            seen.append((x.clone(), noise, None, None))
        return discrimination(self, model, x, noise, penalized)

    monkeypatch.setattr(DataBridge, "discrimination", spy)
    train(kind, path=SHORT, optimization=Optimization(discriminator_steps=3))
    several = list(seen)
    assert [alpha is None for *_, alpha, _ in several] == [True, True, False] * len(SHORT)
    seen.clear()
    train(kind, path=constant(0.0, 3 * len(SHORT)))
    for (x, noise, *_), (own_x, own_noise, *_) in zip(several, seen, strict=True):
        assert torch.equal(x, own_x)
        assert torch.equal(noise.prior, own_noise.prior)
        assert torch.equal(noise.posterior, own_noise.posterior)


def test_more_steps_of_the_discriminator_leave_the_first_of_the_others_alone():
    once, thrice = (
        train(path=constant(0.0, 1), optimization=Optimization(discriminator_steps=steps))
        for steps in (1, 3)
    )
    counts = {
        player: int(optimizer.state_dict()["state"][0]["step"])
        for player, optimizer in thrice.optimizers.items()
    }
    assert counts == {"generator": 1, "encoder": 1, "discriminator": 3}
    assert once.step == thrice.step == 1


# Resumable


@pytest.mark.parametrize(
    ("kind", "stop"),
    [
        *((kind, 5) for kind in KINDS),
        *((kind, stop) for kind in ("mlp", "conv") for stop in (3, 8)),
    ],
)
def test_a_resumed_run_is_the_run_that_was_never_stopped(kind, stop, saved):
    whole, folder = saved(kind)
    resumed = train(kind, weights=1, checkpoint=folder / str(stop))
    assert resumed.step == len(PATH)
    assert not differing(whole, everything(resumed))


class Draws(Callback):
    """Keeps what torch's generator gives after each update, and what the averaged model is."""

    def __init__(self):
        self.seen = {}

    def after(self, event):
        self.seen[event.step] = torch.rand(1).item(), event.state.averaged().sample(2).tolist()


def test_the_numbers_that_networks_draw_are_those_of_the_update(tmp_path):
    whole, resumed = Draws(), Draws()
    train("dropout", callbacks=[SaveAfter(4, tmp_path / "saved"), whole])
    train("dropout", checkpoint=tmp_path / "saved", callbacks=[resumed])
    assert resumed.seen == {step: whole.seen[step] for step in range(5, 11)}
    assert len({number for number, _ in whole.seen.values()}) == len(PATH)


def test_training_leaves_the_random_numbers_of_the_caller_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    fit(dropout_of_seed(0), vectors(), SHORT, batch_size=BATCH)
    assert torch.equal(torch.rand(2), expected)


def dropout_of_seed(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return dropout()


def test_what_networks_draw_follows_the_seed_and_not_the_caller():
    states = []
    for caller, seed in ((0, 0), (1, 0), (0, 5)):
        torch.manual_seed(caller)
        model = dropout_of_seed(0)
        states.append(everything(fit(model, vectors(), SHORT, batch_size=BATCH, seed=seed)))
    one, other, another = states
    assert not differing(one, other)
    assert differing(one, another)


def test_an_encoder_is_left_alone_where_the_shape_of_a_latent_is_found():
    model = restless_in("encoder")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, vectors(), constant(0.0, 0), batch_size=BATCH)
    assert model.latent_shape == (LATENT,)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


class Rates(Callback):
    """Changes a rate after one update, and keeps the rates after each."""

    def __init__(self, change=None, step=None):
        self.change, self.step, self.seen = change, step, {}

    def after(self, event):
        groups = {name: o.param_groups[0] for name, o in event.state.optimizers.items()}
        if event.step == self.step:
            self.change(groups["encoder"])
        self.seen[event.step] = {name: group["lr"] for name, group in groups.items()}


def test_a_rate_that_a_callback_sets_stays():
    rates = Rates(lambda group: group.update(lr=0.003), step=2)
    train(callbacks=[rates])
    encoder = [seen["encoder"] for seen in rates.seen.values()]
    assert encoder == [1e-3] + 9 * [0.003]


def test_a_rate_that_a_callback_sets_is_held_along_alpha():
    rates = Rates(lambda group: group.update(lr=group["lr"] / 4), step=3)
    train(callbacks=[rates], optimization=Optimization(hold=0.01))
    for step, seen in rates.seen.items():
        share = 1 if step < 3 else 0.25
        assert seen["encoder"] == pytest.approx(share * 1e-3 * 0.01 ** PATH(step - 1))
        assert seen["generator"] == 1e-3


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_training_follows_the_schedule_of_the_rates(schedule):
    given, seen = Optimization(schedule=schedule, warmup=4), Rates(lambda _: None, step=0)
    train(callbacks=[seen], optimization=given)
    for step, rates in seen.seen.items():
        expected = given.rate("generator", 0.0, step - 1, len(PATH))
        assert rates["generator"] == pytest.approx(expected, rel=1e-12)


class Scheduled(Callback):
    """A learning rate of torch's own."""

    def during(self, state):
        encoder = state.optimizers["encoder"]
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(encoder, 0.5)
        return super().during(state)

    def after(self, event):  # noqa: ARG002
        self.scheduler.step()


def test_a_scheduler_of_torch_is_followed():
    state = train(callbacks=[Scheduled()])
    rate = state.optimizers["encoder"].param_groups[0]["lr"]
    assert rate == pytest.approx(1e-3 * 0.5 ** len(PATH))


@pytest.mark.parametrize(
    "rates", [{}, {"hold": 0.01}, {"schedule": "cosine", "warmup": 3, "hold": 0.01}], ids=str
)
def test_a_run_goes_on_with_the_rates_that_a_callback_set(rates, tmp_path):
    options = {"optimization": Optimization(**rates)}
    rates = Rates(lambda group: group.update(lr=group["lr"] / 3), step=4)
    whole = train(callbacks=[rates, SaveAfter(5, tmp_path / "saved")], **options)
    resumed = train(checkpoint=tmp_path / "saved", **options)
    assert not differing(everything(whole), everything(resumed))


def test_a_resumed_run_begins_with_the_next_update(tmp_path):
    train(callbacks=[SaveAfter(6, tmp_path / "saved")])
    watch = Watch()
    train(checkpoint=tmp_path / "saved", callbacks=[watch])
    assert [step for step, *_ in watch.events] == [7, 8, 9, 10]


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    whole = train(callbacks=[SaveAfter(len(PATH), tmp_path / "saved")])
    watch = Watch()
    resumed = train(weights=1, checkpoint=tmp_path / "saved", callbacks=[watch])
    assert watch.events == []
    assert not differing(everything(whole), everything(resumed))


def test_what_callbacks_remember_survives_the_stop(tmp_path):
    class Remember(Callback):
        def after(self, event):
            event.state.memory[f"step {event.step}"] = torch.tensor([event.step])

    train(callbacks=[Remember(), SaveAfter(6, tmp_path / "saved")])
    memory = train(checkpoint=tmp_path / "saved").memory
    assert {name: int(value) for name, value in memory.items()} == {
        f"step {step}": step for step in range(1, 7)
    }


def test_a_folder_without_a_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a whole checkpoint"):
        train(checkpoint=tmp_path / "nowhere")


# Along the path


def test_callbacks_see_the_path_that_is_followed():
    watch, gamma = Watch(), LinearGamma()
    train(gamma=gamma, callbacks=[watch])
    steps, alphas, gammas, phases, boundaries, lasts = zip(*watch.events, strict=True)
    assert steps == tuple(range(1, 11))
    assert alphas == pytest.approx([0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1])
    assert gammas == alphas
    assert phases == ("ml",) * 3 + ("transfer",) * 4 + ("adversarial",) * 3
    assert [step for step, at in zip(steps, boundaries, strict=True) if at] == [3, 7, 10]
    assert [step for step, at in zip(steps, lasts, strict=True) if at] == [10]


def test_the_step_of_an_update_is_its_pieces_whatever_its_alpha():
    watch = Watch()
    train(path=AlphaPath.three_steps(2, 2, 2, start=0.1, end=0.9), callbacks=[watch])
    assert [phase for *_, phase, _, _ in watch.events] == [
        *["ml"] * 2,
        *["transfer"] * 2,
        *["adversarial"] * 2,
    ]


def test_step_one_is_over_when_it_has_ended_though_alpha_comes_back():
    class Beginning(Callback):
        def __init__(self):
            self.found = []

        def after(self, event):
            self.found.append(event.in_step_one)

    watch = Beginning()
    path = join(constant(0.0, 2), ramp(0.0, 1.0, 3, sweeps=2), constant(0.0, 2))
    train(path=path, callbacks=[watch])
    assert watch.found == [True] * 2 + [False] * 5


def test_an_update_is_given_the_alpha_of_the_event(seen):
    watch = Watch()
    train(callbacks=[watch])
    assert [alpha for *_, alpha, _ in seen] == [alpha for _, alpha, *_ in watch.events]


def test_the_default_is_the_papers_gamma(seen):
    train()
    assert {gamma for *_, gamma in seen} == {SigmoidGamma()}


def test_callbacks_are_told_in_order():
    told = []

    class Named(Callback):
        def __init__(self, name):
            self.name = name

        def after(self, event):
            told.append((event.step, self.name))

    train(callbacks=[Named("first"), Named("second")])
    assert told == [(step, name) for step in range(1, 11) for name in ("first", "second")]


def test_an_empty_path_changes_nothing():
    torch.manual_seed(0)
    model = mlp()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = fit(model, vectors(), constant(0.0, 0), batch_size=BATCH)
    assert state.step == 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "path",
    [constant(0.0, 2), constant(1.0, 2), join(constant(0.0, 1), constant(1.0, 1)), SHORT],
    ids=["VAE", "GAN", "fine-tuning", "bridge"],
)
@pytest.mark.parametrize(
    "regularizer", [Regularizer(), R1(), SpectralNorm()], ids=["-", "R1", "SN"]
)
def test_every_method_of_the_paper_trains_all_players(path, regularizer):
    model = mlp()
    before = {
        player: [p.detach().clone() for p in model.network_parameters(player)]
        for player in NETWORKS
    }
    fit(model, vectors(), path, regularizer=regularizer, batch_size=BATCH)
    for player in NETWORKS:
        after = [p.detach() for p in model.network_parameters(player)]
        changed = [
            not torch.equal(one, other) for one, other in zip(before[player], after, strict=True)
        ]
        assert all(changed)
        assert all(value.isfinite().all() for value in after)


# The model and the data


def test_the_model_is_trained_in_place():
    model = mlp()
    assert fit(model, vectors(), SHORT, batch_size=BATCH).model is model


def test_a_tensor_of_data_is_taken_as_it_is(seen):
    data = 100 + vectors()
    fit(mlp(), data, SHORT, batch_size=BATCH)
    rows = {tuple(row.tolist()) for row in data}
    assert all(tuple(row.tolist()) in rows for x, *_ in seen for row in x)


def test_all_data_are_used(seen):
    fit(mlp(), vectors(), constant(0.0, 4), batch_size=BATCH)
    rows = {tuple(row.tolist()) for x, *_ in seen for row in x}
    assert rows == {tuple(row.tolist()) for row in vectors()}


def test_images_reach_an_update_in_model_units(seen):
    train("conv", path=SHORT)
    x = seen[0][0]
    assert x.dtype == torch.float32 and x.shape == (BATCH, 3, 8, 8)
    assert x.min() >= -1 and x.max() <= 1 and x.std() > 0.3
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_convolutions_are_trained_in_channels_last_memory():
    state = train("conv", path=SHORT)
    kernels = [p for p in state.model.parameters() if p.ndim == 4]
    assert kernels
    for kernel in kernels:
        assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_a_known_density_may_be_the_data():
    model = AlphaBridge(MLPGenerator(2, 2, (8,)), MLPEncoder(2, 2, (8,)), MLPDiscriminator(2, (8,)))
    assert fit(model, DensitySource(grid()), SHORT, batch_size=BATCH).step == len(SHORT)


def test_the_latents_of_networks_that_do_not_state_them_are_found():
    generator, encoder = nn.Linear(LATENT, FEATURES), MLPEncoder(LATENT, FEATURES, (8,))
    model = AlphaBridge(generator, encoder, nn.Linear(FEATURES, 1))
    averaged = fit(model, vectors(), SHORT, batch_size=BATCH).averaged()
    assert averaged.sample(4).shape == (4, FEATURES)


def test_a_model_can_be_trained_again():
    model, regularizer = mlp(), SpectralNorm()
    names = []
    for _ in range(2):
        fit(model, vectors(), SHORT, regularizer=regularizer, batch_size=BATCH)
        names.append(list(model.state_dict()))
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 65}, "batch_size 65 is larger than the data set's 64 samples"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(mlp(), vectors(), PATH, **({"batch_size": BATCH} | options))


def test_data_that_are_not_finite_are_refused_before_training():
    data = vectors()
    data[3, 1] = math.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        fit(mlp(), data, PATH, batch_size=BATCH)


# Divergence


class Breaking(Source):
    """Samples that are NaN from update 6 on."""

    event_shape = (FEATURES,)
    size = None

    def batch(self, seed, step, size, rank=0, ranks=1):  # noqa: ARG002
        generator = torch.Generator().manual_seed(step)
        x = torch.randn(size, FEATURES, generator=generator)
        return x if step < 6 else x * math.nan

    def training(self, count):
        return self.batch(0, 0, count)

    held_out = training


def test_samples_that_break_the_parameters_end_the_run():
    with pytest.raises(Diverged, match=r"diverged by update 10: .* is not finite; lower the"):
        fit(mlp(), Breaking(), PATH, batch_size=BATCH)


def test_steps_that_are_too_long_end_the_run():
    rates = Optimization(generator=1e30, encoder=1e30, discriminator=1e30)
    with pytest.raises(Diverged):
        fit(mlp(), vectors(), PATH, optimization=rates, batch_size=BATCH)


def test_the_last_good_checkpoint_outlives_divergence(tmp_path):
    saving = Checkpoints(lambda step: tmp_path / str(step), every=5)
    path = constant(0.0, 20)
    with pytest.raises(Diverged, match="by update 10"):
        fit(mlp(), Breaking(), path, batch_size=BATCH, callbacks=[saving])
    assert [folder.name for folder in tmp_path.iterdir()] == ["5"]
    state = fit(mlp(), vectors(), path, batch_size=BATCH, checkpoint=tmp_path / "5")
    assert state.step == 20


# What is learned


@pytest.mark.slow
def test_maximum_likelihood_finds_principal_components():
    """With linear networks the optimum is known: probabilistic PCA (Tipping and Bishop 1999)."""
    draws = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    data = draws * torch.tensor([2.0, 0.5]) + torch.tensor([1.0, -1.0])
    networks = MLPGenerator(1, 2, ()), MLPEncoder(1, 2, ()), MLPDiscriminator(2, ())
    model = AlphaBridge(*networks, noise=1.0, learn_noise=True)
    rates = Optimization(generator=0.1, encoder=0.1, beta1=0.9, beta2=0.99, average=0.9)
    state = fit(model, data, constant(0.0, 150), optimization=rates, batch_size=400)
    layer = state.averaged().generator[0]
    expected_weight = math.sqrt(2.0**2 - 0.5**2)
    weight, bias = layer.weight.detach()[:, 0], layer.bias.detach()[:, 0]
    assert weight.abs().tolist() == pytest.approx([expected_weight, 0], abs=0.2)
    assert bias.tolist() == pytest.approx([1.0, -1.0], abs=0.2)
    assert model.sigma.item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_adversarial_learning_finds_the_mean():
    draws = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    model = AlphaBridge(
        MLPGenerator(1, 1, ()), MLPEncoder(1, 1, ()), MLPDiscriminator(1, (16,)), noise=0.5
    )
    rates = Optimization(generator=0.03, discriminator=0.06, average=0.9)
    state = fit(model, draws + 2, constant(1.0, 200), optimization=rates, batch_size=100)
    assert state.averaged().sample(10_000).mean().item() == pytest.approx(2.0, abs=0.3)
