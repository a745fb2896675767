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


def outputs_of(discriminator, leading=(BATCH,)):
    """Outputs as an objective gives them."""
    real, fake = torch.randn(2, *leading, FEATURES, dtype=torch.float64)
    noise = torch.rand(leading, dtype=torch.float64)
    real.requires_grad_()

    def log_ratio(x):
        return discriminator(x).reshape(x.shape[:-1])

    return DiscriminatorOutputs(log_ratio, real, log_ratio(real), fake, noise)


def is_per_sample(regularizer):
    """Of the batch's shape, penalty and logits, and every number from its own samples alone."""
    discriminator = prepared(regularizer).eval()
    torch.manual_seed(1)
    before = outputs_of(discriminator)
    torch.manual_seed(1)
    after = outputs_of(discriminator)
    with torch.no_grad():
        after.real[2] += 1
        after.fake[2] += 1
    after = replace(after, f_data=after.log_ratio(after.real))
    others = [0, 1, 3, 4]
    for number in (regularizer.penalty, lambda outputs: outputs.f_data):
        one, other = (number(outputs.detached()) for outputs in (before, after))
        assert one.shape == (BATCH,)
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
        torch.testing.assert_close(together.f_data[trial], alone.f_data)
        torch.testing.assert_close(penalty[trial], regularizer.penalty(alone.detached()))


def is_finite_at_a_flat_discriminator(regularizer):
    discriminator = prepared(regularizer)
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.zero_()
    outputs = outputs_of(discriminator).detached()
    total = regularizer.penalty(outputs) + outputs.f_data
    assert total.isfinite().all()
    total.sum().backward()
    gradients = [p.grad for p in discriminator.parameters() if p.grad is not None]
    assert gradients
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
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


ALWAYS = (
    is_per_sample,
    is_trial_by_trial_the_single_run,
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
