"""Fully connected networks: shapes, and samples and trials that stay apart."""

import copy

import pytest
import torch

from alpha_bridge.networks import Linear, MLPDiscriminator, MLPEncoder, MLPGenerator

LATENT, FEATURES, TRIALS = 2, 3, 4

BUILD = {
    "generator": lambda **options: MLPGenerator(LATENT, FEATURES, **options),
    "encoder": lambda **options: MLPEncoder(LATENT, FEATURES, **options),
    "discriminator": lambda **options: MLPDiscriminator(FEATURES, **options),
}
INPUTS = {"generator": LATENT, "encoder": FEATURES, "discriminator": FEATURES}
OUTPUTS = {"generator": [FEATURES], "encoder": [LATENT, LATENT], "discriminator": [1]}

every_network = pytest.mark.parametrize("kind", BUILD)


def network(kind, trials=None, hidden=(8, 6)):
    return BUILD[kind](hidden=hidden, trials=trials).double()


def batch(kind, trials=None, count=5):
    leading = () if trials is None else (trials,)
    return torch.randn(*leading, count, INPUTS[kind], dtype=torch.float64)


def outputs(module, x):
    y = module(x)
    return list(y) if isinstance(y, tuple) else [y]


def slice_of(stacked, kind, trial):
    """A network without trials that has the weights of one trial of ``stacked``."""
    single = network(kind)
    single.load_state_dict({name: value[trial] for name, value in stacked.state_dict().items()})
    return single


@every_network
@pytest.mark.parametrize("trials", [None, 1, TRIALS])
@pytest.mark.parametrize("hidden", [(), (8,), (8, 6, 4)], ids=len)
def test_outputs_have_the_shapes_that_are_stated(kind, trials, hidden):
    leading = () if trials is None else (trials,)
    shapes = [y.shape for y in outputs(network(kind, trials, hidden), batch(kind, trials))]
    assert shapes == [(*leading, 5, size) for size in OUTPUTS[kind]]


@every_network
def test_no_sample_sees_another(kind):
    module, x = network(kind), batch(kind)
    changed = x.clone()
    changed[2] += 1
    for before, after in zip(outputs(module, x), outputs(module, changed), strict=True):
        others = torch.arange(5) != 2
        assert torch.equal(before[others], after[others])
        assert not torch.isclose(before[2], after[2]).any()


@every_network
def test_a_trial_is_the_single_network_with_its_slice_of_the_weights(kind):
    stacked, x = network(kind, TRIALS), batch(kind, TRIALS)
    for trial in range(TRIALS):
        alone = outputs(slice_of(stacked, kind, trial), x[trial])
        for side_by_side, y in zip(outputs(stacked, x), alone, strict=True):
            torch.testing.assert_close(side_by_side[trial], y, rtol=1e-12, atol=1e-12)


@every_network
def test_the_gradient_of_a_trial_is_that_of_the_single_network(kind):
    stacked, x = network(kind, TRIALS), batch(kind, TRIALS)
    sum(y.square().sum() for y in outputs(stacked, x)).backward()
    for trial in range(TRIALS):
        single = slice_of(stacked, kind, trial)
        sum(y.square().sum() for y in outputs(single, x[trial])).backward()
        for together, alone in zip(stacked.parameters(), single.parameters(), strict=True):
            torch.testing.assert_close(together.grad[trial], alone.grad, rtol=1e-12, atol=1e-12)


@every_network
def test_trials_start_from_weights_of_their_own(kind):
    for parameter in network(kind, TRIALS).parameters():
        assert not torch.isclose(parameter[0], parameter[1]).any()


def test_first_weights_are_spread_as_those_of_torch():
    ours, theirs = Linear(100, 400), torch.nn.Linear(100, 400)
    for mine, reference in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
        assert mine.abs().max() <= 0.1
        torch.testing.assert_close(mine.std(), reference.std(), rtol=0.1, atol=0)


def test_an_affine_map_is_that_of_torch():
    ours, theirs, x = Linear(3, 4).double(), torch.nn.Linear(3, 4).double(), batch("encoder")
    with torch.no_grad():
        theirs.weight.copy_(ours.weight)
        theirs.bias.copy_(ours.bias[:, 0])
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_generator_states_the_shape_of_its_latents():
    assert MLPGenerator(5, 3).latent_shape == (5,)


@every_network
def test_a_copy_keeps_the_trials(kind):
    assert copy.deepcopy(network(kind, TRIALS)).trial_shape == (TRIALS,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1), "inputs must be at least 1, got 0"),
        ((1, 0), "outputs must be at least 1, got 0"),
        ((1, 1, 0), "trials must be at least 1, got 0"),
    ],
)
def test_a_size_below_one_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Linear(*arguments)


@every_network
def test_a_hidden_size_below_one_is_refused(kind):
    with pytest.raises(ValueError, match="outputs must be at least 1, got 0"):
        network(kind, hidden=(0,))
