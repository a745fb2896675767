"""Properties of a network: of a function that builds it, and of the samples or latents it takes.

A part is ``(build, event)``: ``build(trials)`` gives the network, with one batch dimension, or two
where ``trials`` is a number; ``event`` is the shape of one of its inputs.
"""

import torch

from alpha_bridge.networks.blueprint import Blueprint

BATCH, TRIALS = 4, 2


def outputs(network, x, batch_ndim=1):
    """All outputs of each sample in one vector."""
    found = network(x)
    parts = found if isinstance(found, tuple) else (found,)
    return torch.cat([part.flatten(batch_ndim) for part in parts], -1)


def takes_each_sample_by_itself(part):
    build, event = part
    network, x = build(None).eval(), torch.randn(BATCH, *event)
    moved = x.clone()
    moved[2] += 1
    before, after = outputs(network, x), outputs(network, moved)
    assert before.shape[0] == BATCH
    torch.testing.assert_close(before[[0, 1, 3]], after[[0, 1, 3]])
    assert not torch.isclose(before[2], after[2]).all()


def gives_a_gradient_to_every_parameter(part):
    build, event = part
    network = build(None)
    outputs(network, torch.randn(BATCH, *event)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def can_be_built_again_from_its_blueprint(part):
    build, event = part
    network, x = build(None), torch.randn(BATCH, *event)
    plan = Blueprint.of(network)
    again = plan.build(trust=[plan.path.partition(":")[0].split(".")[0]])
    again.load_state_dict(network.state_dict())
    assert torch.equal(outputs(again.eval(), x), outputs(network.eval(), x))


def is_trial_by_trial_the_single_network(part):
    build, event = part
    stacked, single = build(TRIALS), build(None)
    x = torch.randn(TRIALS, BATCH, *event)
    assert stacked.trial_shape == (TRIALS,)
    together = outputs(stacked, x, 2)
    for trial in range(TRIALS):
        state = {name: value[trial] for name, value in stacked.state_dict().items()}
        single.load_state_dict(state)
        torch.testing.assert_close(together[trial], outputs(single, x[trial]))


ALWAYS = (takes_each_sample_by_itself, gives_a_gradient_to_every_parameter)
"""What any network has that the bridge weighs sample by sample."""

SHARED = (*ALWAYS, can_be_built_again_from_its_blueprint)
"""What one has that can be exported."""
