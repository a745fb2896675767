"""Properties of a regulariser of the discriminator."""

import copy
from dataclasses import replace

import torch
from torch import nn

from alpha_bridge.networks import MLPDiscriminator
from alpha_bridge.penalty import DiscriminatorOutputs

FEATURES, BATCH, TRIALS = 3, 5, 2


def prepared(regularizer, trials=None):
    network = MLPDiscriminator(FEATURES, hidden=(6,), trials=trials).double()
    return regularizer.prepare(network)


def outputs_of(discriminator, leading=(BATCH,), maker=None):
    """Outputs as an objective gives them; with a graph to ``maker`` behind the fakes."""
    real, fake = torch.randn(2, *leading, FEATURES, dtype=torch.float64)
    noise = torch.rand(leading, dtype=torch.float64)
    real.requires_grad_()
    fake = fake if maker is None else fake * maker

    def log_ratio(x):
        return discriminator(x).reshape(x.shape[:-1])

    return DiscriminatorOutputs(log_ratio, real, log_ratio(real), fake, noise)


def is_per_sample(regularizer):
    """Of the batch's shape, and every number from its own samples alone."""
    discriminator = prepared(regularizer).eval()
    torch.manual_seed(1)
    before = outputs_of(discriminator)
    torch.manual_seed(1)
    after = outputs_of(discriminator)
    with torch.no_grad():
        after.real[2] += 1
        after.fake[2] += 1
    after = replace(after, f_data=after.log_ratio(after.real))
    one, other = (regularizer.penalty(outputs.detached()) for outputs in (before, after))
    assert one.shape == (BATCH,)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(one[others], other[others], rtol=1e-12, atol=1e-14)


def is_trial_by_trial_the_single_run(regularizer):
    discriminator = MLPDiscriminator(FEATURES, hidden=(6,), trials=TRIALS).double()
    singles = [MLPDiscriminator(FEATURES, hidden=(6,)).double() for _ in range(TRIALS)]
    for trial, single in enumerate(singles):
        state = {name: value[trial] for name, value in discriminator.state_dict().items()}
        single.load_state_dict(state)
    together = outputs_of(regularizer.prepare(discriminator), (TRIALS, BATCH)).detached()
    penalty = regularizer.penalty(together)
    for trial, single in enumerate(map(regularizer.prepare, singles)):
        real = together.real[trial].detach().requires_grad_()

        def log_ratio(x, single=single):
            return single(x).squeeze(-1)

        alone = DiscriminatorOutputs(
            log_ratio, real, log_ratio(real), together.fake[trial], together.noise[trial]
        )
        torch.testing.assert_close(penalty[trial], regularizer.penalty(alone.detached()))


def asks_nothing_of_the_generator(regularizer):
    maker = torch.ones((), dtype=torch.float64, requires_grad=True)
    outputs = outputs_of(prepared(regularizer), maker=maker)
    loss = regularizer.penalty(outputs.detached()).sum() + outputs.f_data.sum()
    (gradient,) = torch.autograd.grad(loss, maker, allow_unused=True, materialize_grads=True)
    assert not gradient.any()


def is_finite_at_a_flat_discriminator(regularizer):
    discriminator = prepared(regularizer)
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.zero_()
    penalty = regularizer.penalty(outputs_of(discriminator).detached())
    assert penalty.isfinite().all()
    if penalty.requires_grad:
        penalty.sum().backward()
    gradients = [p.grad for p in discriminator.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


def trains_the_discriminator(regularizer):
    """Double backward: the gradient of the penalty reaches the weights."""
    discriminator = prepared(regularizer)
    regularizer.penalty(outputs_of(discriminator).detached()).sum().backward()
    weights = [layer.weight for layer in discriminator.modules() if hasattr(layer, "weight")]
    assert all(weight.grad is not None and weight.grad.any() for weight in weights)


def is_never_negative(regularizer):
    assert (regularizer.penalty(outputs_of(prepared(regularizer)).detached()) >= 0).all()


def pays_for_the_updates_between(regularizer):
    outputs = outputs_of(prepared(regularizer)).detached()
    rare, steady = replace(regularizer, every=4), replace(regularizer, every=1)
    assert [step for step in range(9) if rare.due(step)] == [0, 4, 8]
    torch.testing.assert_close(rare.penalty(outputs), 4 * steady.penalty(outputs))


def is_never_due(regularizer):
    assert not any(regularizer.due(step) for step in range(10))
    assert not regularizer.penalty(outputs_of(prepared(regularizer))).any()


def keeps_the_network_as_it_is(regularizer):
    network = nn.Linear(2, 1)
    before = copy.deepcopy(network.state_dict())
    assert regularizer.prepare(network) is network
    assert before.keys() == network.state_dict().keys()


ALWAYS = (
    is_per_sample,
    is_trial_by_trial_the_single_run,
    asks_nothing_of_the_generator,
    is_finite_at_a_flat_discriminator,
)
"""What any regulariser has."""

OF_A_PENALTY = (
    trains_the_discriminator,
    is_never_negative,
    pays_for_the_updates_between,
    keeps_the_network_as_it_is,
)
"""What one has that adds to β's loss, and has a weight and a period."""
