"""Adam with less around torch's kernel: torch's own, to the last bit, in all that it does."""

import copy

import pytest
import torch

from alpha_bridge.networks.adam import Adam

KINDS = (Adam, torch.optim.Adam)


def weights(dtype=torch.float32):
    draws = torch.Generator().manual_seed(0)
    made = (torch.randn(shape, generator=draws, dtype=dtype) for shape in ((5,), (3, 2), ()))
    return [weight.requires_grad_() for weight in made]


def descend(optimizer, parameters):
    optimizer.zero_grad()
    sum(parameter.square().sum() for parameter in parameters).backward()
    optimizer.step()


def require_same(trained):
    ours, torchs = trained
    torch.testing.assert_close(ours, torchs, rtol=0, atol=0)


@pytest.mark.parametrize(
    "options",
    [
        {"fused": True},
        {"fused": None},
        {"fused": True, "weight_decay": 0.1},
        {"fused": True, "amsgrad": True},
        {"fused": True, "maximize": True},
        {"fused": True, "decoupled_weight_decay": True},
    ],
    ids=str,
)
def test_it_is_torchs_adam_to_the_last_bit(options):
    trained = [weights() for _ in KINDS]
    for kind, parameters in zip(KINDS, trained, strict=True):
        optimizer = kind(parameters, lr=0.1, betas=(0.5, 0.9), **options)
        for _ in range(3):
            descend(optimizer, parameters)
    require_same(trained)


@pytest.mark.parametrize("first", [0, 2])
def test_a_parameter_without_a_gradient_rests(first):
    trained = [weights() for _ in KINDS]
    for kind, parameters in zip(KINDS, trained, strict=True):
        optimizer = kind(parameters, lr=0.1, fused=True)
        for step in range(4):
            descend(optimizer, parameters[1:] if step == first else parameters)
    require_same(trained)


def test_parameters_of_two_types_and_groups_are_each_stepped_by_their_own():
    trained = [[*weights(), *weights(torch.float64)] for _ in KINDS]
    for kind, parameters in zip(KINDS, trained, strict=True):
        optimizer = kind([{"params": parameters[:1]}], lr=0.1, fused=True)
        optimizer.add_param_group({"params": parameters[1:], "lr": 0.2})
        for _ in range(3):
            descend(optimizer, parameters)
    require_same(trained)


def test_moments_that_are_loaded_are_those_that_are_gone_on_with():
    trained = [weights() for _ in KINDS]
    for kind, parameters in zip(KINDS, trained, strict=True):
        optimizer = kind(parameters, lr=0.1, fused=True)
        descend(optimizer, parameters)
        saved = copy.deepcopy(optimizer.state_dict())
        descend(optimizer, parameters)
        optimizer.load_state_dict(saved)
        descend(optimizer, parameters)
    require_same(trained)


def test_hooks_see_every_step():
    parameters, seen = weights(), []
    optimizer = Adam(parameters, lr=0.1, fused=True)
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    for _ in range(2):
        descend(optimizer, parameters)
    assert seen == ["before", "after"] * 2


def test_a_closure_is_called_and_its_loss_is_returned():
    parameters = weights()
    optimizer = Adam(parameters, lr=0.1, fused=True)

    def loss():
        optimizer.zero_grad()
        total = sum(parameter.square().sum() for parameter in parameters)
        total.backward()
        return total

    first, second = (optimizer.step(loss).detach() for _ in range(2))
    assert second < first


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_are_removed_or_made_zero(to_none):
    (weight, *_) = weights()
    optimizer = Adam([weight], lr=0.1, fused=True)
    weight.sum().backward()
    optimizer.zero_grad(set_to_none=to_none)
    assert weight.grad is None if to_none else not weight.grad.any()
