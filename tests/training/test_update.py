"""One update: whose gradient reaches whom, trials that stay apart, and how much it computes."""

import copy
from collections import Counter
from dataclasses import dataclass

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from alpha_bridge.data import Source, normal
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.gaussian import reparameterize
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import Marginals, MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge, JointBridge, Losses, MarginalBridge, Objective
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import (
    R1,
    R1R2,
    DiscriminatorOutputs,
    GradientPenalty,
    Regularizer,
    SpectralNorm,
)
from alpha_bridge.recipe.slots import REGULARIZERS
from alpha_bridge.settings import RegularizerConfig
from alpha_bridge.training import Optimization, TrainState, fit
from alpha_bridge.training.update import reduce, update, update_discriminator
from tests.training.draws import draw, gradients_seen

LATENT, FEATURES, BATCH, TRIALS = 2, 3, 8, 3


def model(trials=None):
    sizes = {"hidden": (6,), "trials": trials}
    return AlphaBridge(
        MLPGenerator(LATENT, FEATURES, **sizes),
        MLPEncoder(LATENT, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
        noise=0.5,
        learn_noise=True,
    ).double()


def model_of_seed(seed):
    torch.manual_seed(seed)
    return model()


def start(bridge, **options):
    return TrainState.start(bridge, Optimization(**options))


def step(state, alpha=0.5, objective=None, regularizer=None):
    """One update on samples and noise that are a function of the number of updates done."""
    x, noise = draw((*state.model.trial_shape, BATCH), FEATURES, LATENT, state.step)
    state.pace(alpha)
    return update(
        state,
        x,
        noise,
        alpha,
        SigmoidGamma(),
        objective or DataBridge(),
        regularizer or R1(),
        Accelerator(),
    )


def values(bridge, network):
    return torch.cat([p.detach().flatten().clone() for p in bridge.network_parameters(network)])


def gradients_of(state, **options):
    """The gradients that each optimiser is given in one update."""
    seen = gradients_seen(state)
    step(state, **options)
    return seen


# Whose gradient reaches whom


class Tangled(Objective):
    """Every loss depends on all parameters; each has a scale of its own."""

    SCALES = {("generator",): 1.0, ("encoder",): 10.0, ("discriminator",): 100.0}  # noqa: RUF012

    def losses(self, model, x, noise, alpha, gamma, penalized=False):  # noqa: ARG002
        squares = sum(p.square().sum() for p in model.parameters()) / 2
        f = model.log_ratio(x)
        return Losses(
            {networks: (scale * squares).expand(BATCH) for networks, scale in self.SCALES.items()},
            outputs=(DiscriminatorOutputs(model.log_ratio, x, f, x),),
        )

    def discrimination(self, model, x, noise, penalized=False):  # noqa: ARG002
        raise AssertionError("no update of β alone is asked for")

    def twins(self, model, x, noise, alpha):  # noqa: ARG002
        raise AssertionError("no update asks for the halves")


def test_each_network_follows_its_own_loss_alone():
    state = start(model())
    before = {
        network: [p.detach().clone() for p in state.model.network_parameters(network)]
        for network in NETWORKS
    }
    gradients = gradients_of(state, objective=Tangled(), regularizer=Regularizer())
    for (network,), scale in Tangled.SCALES.items():
        for gradient, parameter in zip(gradients[network], before[network], strict=True):
            torch.testing.assert_close(gradient, scale * parameter)


@pytest.mark.parametrize("one_backward", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_gradients_are_those_of_the_objective_at_the_weights_before(one_backward, alpha):
    objective = DataBridge(one_backward=one_backward)
    state = start(model())
    before = copy.deepcopy(state.model)
    gradients = gradients_of(state, alpha=alpha, objective=objective, regularizer=Regularizer())
    losses = objective.losses(before, *draw((BATCH,), FEATURES, LATENT, 0), alpha, SigmoidGamma())
    for networks, loss in losses.of_networks.items():
        for network in networks:
            expected = torch.autograd.grad(
                reduce(loss),
                list(before.network_parameters(network)),
                retain_graph=True,
                allow_unused=True,
            )
            for gradient, own in zip(gradients[network], expected, strict=True):
                torch.testing.assert_close(gradient, own)


@pytest.mark.parametrize("alpha", [0.0, 1e-8, 0.5, 1 - 1e-8, 1.0])
def test_one_update_changes_all_three_networks(alpha):
    state = start(model())
    before = {network: values(state.model, network) for network in NETWORKS}
    step(state, alpha)
    for network in NETWORKS:
        assert not torch.equal(values(state.model, network), before[network])


def test_an_update_leaves_no_gradients_behind():
    state = start(model())
    step(state)
    assert all(parameter.grad is None for parameter in state.model.parameters())


def test_a_learned_noise_rests_while_there_is_no_likelihood():
    state = start(model())
    before = state.model.sigma.detach().clone()
    step(state, alpha=1.0)
    assert torch.equal(state.model.sigma, before)
    step(state, alpha=0.5)
    assert not torch.equal(state.model.sigma, before)


@pytest.mark.parametrize("network", NETWORKS)
def test_each_network_has_a_learning_rate_of_its_own(network):
    rates = dict.fromkeys(NETWORKS, 1e-12) | {network: 1e-2}
    state = start(model(), **rates)
    before = {name: values(state.model, name) for name in NETWORKS}
    step(state)
    moved = {
        name for name in NETWORKS if (values(state.model, name) - before[name]).abs().max() > 1e-4
    }
    assert moved == {network}


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9, 1.0])
def test_an_encoder_that_is_held_moves_less_along_alpha(alpha):
    free, held = (start(model_of_seed(0), hold=hold) for hold in (1.0, 0.01))
    before = {network: values(free.model, network) for network in NETWORKS}
    for state in (free, held):
        step(state, alpha)
    moved = {
        network: (values(held.model, network) - before[network]).norm()
        / (values(free.model, network) - before[network]).norm()
        for network in NETWORKS
    }
    # Adam's first step has the length of its rate
    assert moved["encoder"] == pytest.approx(0.01**alpha, rel=1e-6)
    assert moved["generator"] == moved["discriminator"] == 1


def test_the_hold_of_one_update_does_not_outlast_it():
    state = start(model(), hold=0.01)
    step(state, alpha=1.0)
    step(state, alpha=0.0)
    assert state.optimizers["encoder"].param_groups[0]["lr"] == state.optimization.encoder


@pytest.mark.parametrize("hold", [0.0, -0.1, 1.1, float("nan")])
def test_a_hold_outside_its_range_is_refused(hold):
    with pytest.raises(ValueError, match=r"hold must lie in \(0, 1\], got"):
        Optimization(hold=hold)


def test_a_frozen_layer_stays_where_it_is():
    bridge = model()
    bridge.generator[0].requires_grad_(False)
    before = bridge.generator[0].weight.clone()
    step(start(bridge))
    assert torch.equal(bridge.generator[0].weight, before)


# What an update returns


@pytest.mark.parametrize("trials", [None, 1, TRIALS])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_there_is_one_number_for_each_trial(trials, alpha):
    numbers = step(start(model(trials)), alpha)
    leading = () if trials is None else (trials,)
    assert {"loss/discriminator", "ess/forward", "ess/reverse"} < numbers.keys()
    for number in numbers.values():
        assert number.shape == leading
        assert not number.requires_grad


def test_losses_are_named_by_the_networks_whose_own_they_are():
    names = {name for name in step(start(model())) if name.startswith("loss/")}
    assert names == {f"loss/{network}" for network in NETWORKS}


def test_the_updates_are_counted():
    state = start(model())
    for _ in range(3):
        step(state)
    assert state.step == 3


def test_samples_are_averaged_and_trials_added():
    loss = torch.randn(3, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(reduce(loss), loss.sum() / 5)
    torch.testing.assert_close(reduce(loss[0, 0]), loss[0, 0].mean())


# The moving average


@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize("most", [0.0, 0.2, 0.9])
def test_the_average_follows_both_arms_with_its_decay(most, grows):
    state = start(model(), average=most, average_grows=grows)
    expected = None
    for earlier in range(4):
        decay = min(most, earlier / (earlier + 10)) if grows else most
        step(state)
        arms = (state.model.generator, state.model.encoder)
        now = [p.detach().clone() for arm in arms for p in arm.parameters()]
        expected = (
            now
            if expected is None
            else [decay * old + (1 - decay) * new for old, new in zip(expected, now, strict=True)]
        )
    for average, value in zip(state.average.module.parameters(), expected, strict=True):
        torch.testing.assert_close(average, value)
        assert not average.requires_grad


def test_the_averaged_model_has_the_averaged_arms_and_shares_the_rest():
    state = start(model())
    step(state)
    averaged, arms = state.averaged(), state.average.module
    pairs = [
        (averaged.generator, arms.generator),
        (averaged.encoder, arms.encoder),
        (averaged.discriminator, state.model.discriminator),
    ]
    for one, other in pairs:
        for name, value in other.state_dict().items():
            assert one.state_dict()[name].data_ptr() == value.data_ptr()


def test_the_averaged_model_is_at_rest_and_training_goes_on():
    state = start(model())
    averaged = state.averaged()
    assert not any(module.training for module in averaged.modules())
    assert not any(parameter.requires_grad for parameter in averaged.parameters())
    averaged.train().requires_grad_(True).eval()
    assert all(module.training for module in state.model.modules())
    assert all(parameter.requires_grad for parameter in state.model.parameters())


def test_the_averaged_model_goes_on_with_training():
    state = start(model())
    averaged = state.averaged()
    before = {name: value.clone() for name, value in averaged.state_dict().items()}
    step(state)
    assert not any(torch.equal(value, before[k]) for k, value in averaged.state_dict().items())


# How much an update computes


@pytest.mark.parametrize(
    ("alpha", "graphs"),
    [(0.0, [False, True]), (0.5, [True, True]), (1.0, [True, True])],
    ids=["ml", "transfer", "adversarial"],
)
def test_each_network_runs_as_few_times_as_possible(alpha, graphs):
    state, runs, with_graph = start(model()), Counter(), []
    for network in NETWORKS:
        state.model.get_submodule(network).register_forward_hook(
            lambda *_, network=network: runs.update([network])
        )
    state.model.generator.register_forward_hook(
        lambda _module, _inputs, output: with_graph.append(output.requires_grad)
    )
    step(state, alpha)
    assert runs == {"generator": 2, "encoder": 1, "discriminator": 2}
    assert with_graph == graphs


@pytest.mark.parametrize(
    ("every", "due"), [(1, [0, 1, 2, 3, 4, 5]), (3, [0, 3]), (4, [0, 4]), (100, [0])]
)
def test_the_penalty_is_paid_lazily(every, due, monkeypatch):
    state, paid, penalty = start(model()), [], R1.penalty

    def counted(self, outputs):
        paid.append(state.step)
        return penalty(self, outputs)

    monkeypatch.setattr(R1, "penalty", counted)
    for _ in range(6):
        step(state, regularizer=R1(every=every))
    assert paid == due


def test_the_data_carry_a_gradient_only_where_the_penalty_is_due(monkeypatch):
    asked, losses = [], DataBridge.losses

    def watched(self, model, x, noise, alpha, gamma, penalized=False):
        asked.append(penalized)
        return losses(self, model, x, noise, alpha, gamma, penalized)

    monkeypatch.setattr(DataBridge, "losses", watched)
    state = start(model())
    for _ in range(4):
        step(state, regularizer=R1(every=2))
    assert asked == [True, False, True, False]


def test_the_penalty_reaches_the_discriminator_alone():
    bridge = model()
    other = gradients_of(start(copy.deepcopy(bridge)), regularizer=Regularizer())
    one = gradients_of(start(bridge), regularizer=R1(weight=10.0))
    for network in ("generator", "encoder"):
        for gradient, same in zip(one[network], other[network], strict=True):
            assert torch.equal(gradient, same)
    assert not torch.allclose(one["discriminator"][0], other["discriminator"][0])


def test_the_penalty_is_added_to_the_gradient_of_the_discriminator():
    state = start(model())
    plain = copy.deepcopy(state.model)
    gradients = gradients_of(state, regularizer=R1(weight=3.0, every=5))["discriminator"]
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, FEATURES, generator=draws, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(plain.log_ratio(x).sum(), x, create_graph=True)
    penalty = 5 * 3.0 / 2 * slope.square().sum(-1).mean()
    parameters = list(plain.network_parameters("discriminator"))
    added = torch.autograd.grad(penalty, parameters, allow_unused=True, materialize_grads=True)
    without = gradients_of(start(plain), regularizer=Regularizer())["discriminator"]
    for gradient, base, extra in zip(gradients, without, added, strict=True):
        torch.testing.assert_close(gradient, base + extra)


# Any regulariser, whatever it looks at


@dataclass(frozen=True)
class Nosy(Regularizer):
    """A user's own, which looks at all there is to see, and squares logits and slopes."""

    every: int = 1

    def penalty(self, outputs):
        real, fake = (
            torch.autograd.grad(f.sum(), x, create_graph=True)[0]
            for x, f in ((outputs.real, outputs.f_data), (outputs.fake, outputs.f_model))
        )
        between = outputs.log_ratio(outputs.fake * outputs.noise.unsqueeze(-1))
        slopes = (real * fake).sum(-1) + fake.pow(4).sum(-1)
        return slopes + (outputs.f_data - outputs.f_model).square() + between.square()


KINDS = {
    kind: build(RegularizerConfig(weight=3.0, every=2)) for kind, build in REGULARIZERS.items()
} | {"a user's own": Nosy()}
each_regularizer = pytest.mark.parametrize("regularizer", KINDS.values(), ids=KINDS)
OBJECTIVES = {"data": DataBridge(), "marginal": MarginalBridge(), "joint": JointBridge()}
each_objective = pytest.mark.parametrize("kind", OBJECTIVES)


def model_for(kind, trials=None):
    """The model with the discriminator that an objective needs."""
    bridge = model(trials)
    sizes = {"hidden": (6,), "trials": trials}
    if kind == "marginal":
        bridge.discriminator = Marginals(bridge.discriminator, MLPDiscriminator(LATENT, **sizes))
    if kind == "joint":
        bridge.discriminator = MLPDiscriminator(FEATURES + LATENT, **sizes)
    return bridge.double()


def with_regularizer(bridge, regularizer, **options):
    bridge = copy.deepcopy(bridge)
    bridge.discriminator = regularizer.prepare(bridge.discriminator)
    return gradients_of(start(bridge), regularizer=regularizer, **options)


@each_regularizer
@pytest.mark.parametrize("trials", [None, TRIALS])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_any_regulariser_gives_the_gradients_of_plain_passes(regularizer, trials, alpha):
    bridge = model(trials)
    one, plain = (
        with_regularizer(
            bridge, regularizer, alpha=alpha, objective=DataBridge(one_backward=shared)
        )
        for shared in (True, False)
    )
    for network in NETWORKS:
        for gradient, expected in zip(one[network], plain[network], strict=True):
            torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-12)


@each_objective
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("regularizer", [R1(), R1R2(), GradientPenalty(), Nosy()], ids=repr)
def test_a_penalty_trains_the_discriminator_alone(kind, regularizer, alpha):
    bridge, options = model_for(kind), {"alpha": alpha, "objective": OBJECTIVES[kind]}
    paid, free = (
        with_regularizer(bridge, chosen, **options) for chosen in (regularizer, Regularizer())
    )
    for network in ("generator", "encoder"):
        for gradient, same in zip(paid[network], free[network], strict=True):
            torch.testing.assert_close(gradient, same, rtol=1e-12, atol=1e-14)
    assert not torch.allclose(paid["discriminator"][0], free["discriminator"][0])


@each_objective
def test_r1r2_is_paid_at_the_fakes_of_the_generator(kind):
    """Its second half by itself, at each discriminator, against the definition."""
    bridge, options = model_for(kind), {"alpha": 1.0, "objective": OBJECTIVES[kind]}
    both, first = (
        with_regularizer(bridge, chosen(weight=2.0), **options)["discriminator"]
        for chosen in (R1R2, R1)
    )
    x, noise = draw((BATCH,), FEATURES, LATENT, 0)
    z, made = reparameterize(*bridge.encoder(x), noise.posterior), bridge.decode(noise.prior)
    discriminator = bridge.discriminator
    sides = {
        "data": [(discriminator, made)],
        "marginal": [(discriminator, made), (getattr(discriminator, "of_z", None), z)],
        "joint": [(discriminator, torch.cat([made, noise.prior], -1))],
    }
    penalty = 0.0
    for of, side in sides[kind]:
        fake = side.detach().requires_grad_()
        (slope,) = torch.autograd.grad(of(fake).sum(), fake, create_graph=True)
        penalty = penalty + slope.square().sum(-1).mean()
    parameters = list(discriminator.parameters())
    second = torch.autograd.grad(penalty, parameters, allow_unused=True, materialize_grads=True)
    for gradient, base, extra in zip(both, first, second, strict=True):
        torch.testing.assert_close(gradient, base + extra)


# Updates of the discriminator alone


def discriminate_once(state, regularizer, objective=None):
    x, noise = draw((*state.model.trial_shape, BATCH), FEATURES, LATENT, 77)
    update_discriminator(state, x, noise, objective or DataBridge(), regularizer, Accelerator())
    return x, noise


@each_objective
@each_regularizer
def test_any_regulariser_is_paid_in_a_step_of_the_discriminator_alone(kind, regularizer):
    state = start(model_for(kind))
    state.model.discriminator = regularizer.prepare(state.model.discriminator)
    state = start(state.model)
    before = values(state.model, "discriminator")
    discriminate_once(state, regularizer, OBJECTIVES[kind])
    moved = values(state.model, "discriminator")
    assert moved.isfinite().all() and not torch.equal(moved, before)


@pytest.mark.parametrize("regularizer", [Regularizer(), R1(), GradientPenalty()], ids=repr)
def test_the_discriminator_can_take_a_step_alone(regularizer):
    state = start(model(TRIALS))
    step(state)
    before = {file: dict(tensors) for file, tensors in copy.deepcopy(state.tensors()).items()}
    discriminate_once(state, regularizer)
    changed = {
        name
        for name, value in state.tensors()["model"].items()
        if not torch.equal(value, before["model"][name])
    }
    assert changed == {name for name in before["model"] if name.startswith("discriminator.")}
    for name, value in state.tensors()["average"].items():
        assert torch.equal(value, before["average"][name])
    assert state.step == 1
    assert all(parameter.grad is None for parameter in state.model.parameters())


def test_a_step_of_the_discriminator_alone_is_that_of_a_whole_update():
    one = start(model())
    other = start(copy.deepcopy(one.model))
    x, noise = discriminate_once(one, R1())
    update(other, x, noise, 0.5, SigmoidGamma(), DataBridge(), R1(), Accelerator())
    torch.testing.assert_close(
        values(one.model, "discriminator"), values(other.model, "discriminator")
    )


def test_steps_of_the_discriminator_alone_pay_the_penalty_of_their_update():
    bridge, moved = model(), []
    for regularizer in (Regularizer(), R1(weight=30.0, every=2)):
        for done in (0, 1, 2):
            state = start(copy.deepcopy(bridge))
            state.step = done
            discriminate_once(state, regularizer)
            moved.append(values(state.model, "discriminator"))
    plain, *_, first, between, last = moved
    assert torch.equal(between, plain)
    assert torch.equal(first, last) and not torch.equal(first, plain)


# Trials


class GaussianSource(Source):
    """N(1, 1/4) in float64, a function of seed and update: trial k of seed s is a run of s + k."""

    event_shape = (FEATURES,)
    size = None

    def batch(self, seed, step, size, rank=0, ranks=1):  # noqa: ARG002
        return normal(seed, step, 2**20, (size, FEATURES)).double() / 2 + 1

    def training(self, count):
        return self.batch(0, 0, count)

    held_out = training


class Double(nn.Sequential):
    """A generator that takes float32 latents to float64."""

    def __init__(self, network):
        super().__init__(network)
        self.trial_shape, self.latent_shape = network.trial_shape, network.latent_shape

    def forward(self, z):
        return super().forward(z.double())


def trial_of(stacked, trial):
    """A model without trials that has the weights of one trial."""
    single = model()
    state = {name: value[trial].clone() for name, value in stacked.state_dict().items()}
    single.load_state_dict(state)
    return single


def train(bridge, regularizer, seed):
    bridge.generator = Double(bridge.generator)
    path = AlphaPath.three_steps(ml=2, transfer=3, adversarial=2)
    return fit(bridge, GaussianSource(), path, regularizer=regularizer, batch_size=BATCH, seed=seed)


@pytest.mark.parametrize(
    "regularizer",
    [Regularizer(), R1(weight=0.5, every=2), GradientPenalty(), SpectralNorm()],
    ids=["none", "R1", "gradient penalty", "spectral norm"],
)
def test_a_trial_is_the_single_run_of_its_seed(regularizer):
    stacked = model(TRIALS)
    singles = [trial_of(stacked, trial) for trial in range(TRIALS)]
    together = train(stacked, regularizer, seed=4)
    for trial, single in enumerate(singles):
        alone = train(single, regularizer, seed=4 + trial)
        for whole, own in (
            (together.model, alone.model),
            (together.average.module, alone.average.module),
        ):
            for part, value in zip(whole.parameters(), own.parameters(), strict=True):
                torch.testing.assert_close(part[trial], value, rtol=1e-9, atol=1e-9)


def test_trials_do_not_touch_each_other():
    first, second = model(TRIALS), model(TRIALS)
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        for parameter in second.parameters():
            parameter[1:] += 0.1
    states = [start(first), start(second)]
    for state in states:
        for _ in range(5):
            step(state)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one[0], other[0])
        assert not torch.isclose(one[1], other[1]).all()


# Settings


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("rate", [0.0, -1e-3, float("nan"), float("inf")])
def test_a_learning_rate_that_is_not_positive_is_refused(network, rate):
    with pytest.raises(ValueError, match=f"optimization.{network} must be positive"):
        Optimization(**{network: rate})


@pytest.mark.parametrize("steps", [0, -1])
def test_a_discriminator_that_never_learns_is_refused(steps):
    with pytest.raises(ValueError, match=f"discriminator_steps must be at least 1, got {steps}"):
        Optimization(discriminator_steps=steps)


@pytest.mark.parametrize("name", ["beta1", "beta2", "average"])
@pytest.mark.parametrize("value", [1.0, -0.1, float("nan")])
def test_a_decay_outside_its_range_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\), got {value}"):
        Optimization(**{name: value})
