"""A plain network as an encoder: the noise around it, fixed or learned."""

import copy
import math

import pytest
import torch
from torch import nn

from alpha_bridge.gaussian import log_normal
from alpha_bridge.networks import MLPTranslator, Surrogate

with_and_without_trials = pytest.mark.parametrize("trials", [None, 3])


def surrogate(trials=None, learn_noise=True):
    return Surrogate(MLPTranslator(4, 2, (8,), trials), 0.5, learn_noise)


def samples(trials=None):
    return torch.randn(*(() if trials is None else (trials,)), 6, 4)


@with_and_without_trials
@pytest.mark.parametrize("learn_noise", [False, True])
def test_the_noise_is_the_one_that_is_asked_for(trials, learn_noise):
    mean, log_variance = surrogate(trials, learn_noise)(samples(trials))
    assert mean.shape == log_variance.shape
    torch.testing.assert_close(log_variance, torch.full_like(mean, 2 * math.log(0.5)))


def test_a_noise_that_is_not_learned_is_no_parameter():
    names = [*surrogate(learn_noise=False).state_dict()]
    assert names and all(name.startswith("network.") for name in names)


@with_and_without_trials
def test_the_gradient_of_a_learned_noise_is_that_of_the_likelihood(trials):
    encoder, x = surrogate(trials), samples(trials)
    z = torch.randn(*x.shape[:-1], 2)
    mean, log_variance = encoder(x)
    log_normal(z, mean, log_variance).sum().backward()
    expected = ((z - mean).square() / 0.5**2 - 1).sum((-2, -1)).detach()
    found = encoder.learned["log_sigma"].grad
    torch.testing.assert_close(found.squeeze(-1), expected)


def test_images_have_one_noise_for_all_their_pixels():
    mean, log_variance = Surrogate(nn.Conv2d(2, 3, 1), 0.5, learn_noise=True)(
        torch.zeros(5, 2, 4, 4)
    )
    assert log_variance.shape == mean.shape and log_variance.unique().numel() == 1


def test_weights_from_before_the_noise_was_learned_begin_with_it():
    before = surrogate(learn_noise=False)
    now = copy.deepcopy(surrogate())
    with torch.no_grad():
        now.learned["log_sigma"].fill_(3.0)
    now.load_state_dict(before.state_dict())
    x = samples()
    for part, expected in zip(now(x), before(x), strict=True):
        torch.testing.assert_close(part, expected)
    assert [*now.state_dict()][-1] == "learned.log_sigma"


def test_a_learned_noise_is_kept_with_the_weights():
    trained, fresh = surrogate(), surrogate()
    with torch.no_grad():
        trained.learned["log_sigma"].fill_(0.3)
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(fresh.learned["log_sigma"], trained.learned["log_sigma"])
