"""The discriminator's loss has the log density ratio as its minimum; the weights made of it."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from alpha_bridge.ratio import (
    discriminator_loss,
    discriminator_slopes,
    effective_sample_size,
    forward_weight,
    reverse_weight,
)

GRID = torch.arange(-15, 15, 0.01, dtype=torch.float64)
STEP = 0.01
P = Normal(torch.tensor(0.8, dtype=torch.float64), torch.tensor(1.4, dtype=torch.float64))
Q = Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
LOG_RATIO = Q.log_prob(GRID) - P.log_prob(GRID)


def expected_loss(f):
    """E_q of the first half of (4), plus E_p of the second, by the trapezoidal rule."""
    none = torch.full_like(GRID, -math.inf)
    on_data = discriminator_loss(f, none)
    on_model = discriminator_loss(-none, f)
    return STEP * (Q.log_prob(GRID).exp() * on_data + P.log_prob(GRID).exp() * on_model).sum()


def test_expected_loss_is_stationary_at_the_log_ratio():
    f = LOG_RATIO.clone().requires_grad_()
    expected_loss(f).backward()
    assert f.grad.abs().max() < 1e-15


@pytest.mark.parametrize("direction", [torch.ones_like, torch.sin, torch.tanh, torch.neg])
@pytest.mark.parametrize("size", [-0.3, -0.01, 0.01, 0.3])
def test_expected_loss_is_larger_away_from_the_log_ratio(direction, size):
    away = LOG_RATIO + size * direction(GRID)
    assert expected_loss(away) > expected_loss(LOG_RATIO)


def test_least_loss_measures_the_jensen_shannon_divergence():
    log_q, log_p = Q.log_prob(GRID), P.log_prob(GRID)
    log_middle = torch.logaddexp(log_q, log_p) - math.log(2)
    jensen_shannon = STEP / 2 * (log_q.exp() * (log_q - log_middle)).sum()
    jensen_shannon += STEP / 2 * (log_p.exp() * (log_p - log_middle)).sum()
    assert expected_loss(LOG_RATIO).item() == pytest.approx(
        2 * math.log(2) - 2 * jensen_shannon.item(), rel=1e-12
    )


def test_log_ratio_recovers_the_divergence_of_the_data_from_the_model():
    mean_on_data = STEP * (Q.log_prob(GRID).exp() * LOG_RATIO).sum()
    torch.testing.assert_close(mean_on_data, kl_divergence(Q, P))


def test_loss_of_a_discriminator_that_knows_nothing_is_two_bits():
    loss = discriminator_loss(torch.zeros(3), torch.zeros(3))
    torch.testing.assert_close(loss, torch.full((3,), 2 * math.log(2)))


def test_loss_is_finite_for_logits_that_overflow_the_sigmoid():
    far = torch.tensor([-1e4, 1e4])
    assert torch.equal(discriminator_loss(far, far), torch.tensor([1e4, 1e4]))


def test_loss_is_of_each_pair_in_each_trial():
    f_data, f_model = torch.randn(3, 5), torch.randn(3, 5)
    rows = [discriminator_loss(f_data[k], f_model[k]) for k in range(3)]
    assert torch.equal(discriminator_loss(f_data, f_model), torch.stack(rows))


def test_forward_weight_is_the_power_of_the_inverse_ratio(alpha):
    expected = (P.log_prob(GRID) - Q.log_prob(GRID)).mul(alpha).exp()
    torch.testing.assert_close(forward_weight(LOG_RATIO, alpha), expected, rtol=1e-13, atol=0)


def test_reverse_weight_is_the_power_of_the_ratio(alpha):
    expected = LOG_RATIO.mul(1 - alpha).exp()
    torch.testing.assert_close(reverse_weight(LOG_RATIO, alpha), expected, rtol=1e-13, atol=0)


def test_weights_of_both_twins_differ_by_the_ratio(alpha):
    f = torch.linspace(-5, 5, 11, dtype=torch.float64)
    quotient = reverse_weight(f, alpha) / forward_weight(f, alpha)
    torch.testing.assert_close(quotient, f.exp(), rtol=1e-13, atol=0)


def test_forward_weight_at_zero_is_one():
    assert torch.equal(forward_weight(LOG_RATIO, 0.0), torch.ones_like(GRID))


def test_reverse_weight_at_one_is_one():
    assert torch.equal(reverse_weight(LOG_RATIO, 1.0), torch.ones_like(GRID))


def test_both_weights_average_to_the_same_affinity(alpha):
    forward = STEP * (Q.log_prob(GRID).exp() * forward_weight(LOG_RATIO, alpha)).sum()
    reverse = STEP * (P.log_prob(GRID).exp() * reverse_weight(LOG_RATIO, alpha)).sum()
    torch.testing.assert_close(forward, reverse, rtol=1e-12, atol=0)


@pytest.mark.parametrize("weight", [forward_weight, reverse_weight])
def test_no_gradient_flows_through_a_weight(weight):
    assert not weight(torch.ones(2, requires_grad=True), 0.5).requires_grad


@pytest.mark.parametrize("weight", [forward_weight, reverse_weight])
def test_clip_bounds_the_exponent(weight, alpha):
    f = torch.linspace(-40, 40, 81, dtype=torch.float64)
    expected = weight(f, alpha).log().clamp(-5, 5).exp()
    torch.testing.assert_close(weight(f, alpha, clip=5.0), expected, rtol=1e-12, atol=0)


def test_equal_weights_leave_every_sample_effective():
    assert effective_sample_size(torch.full((7,), 3e-5)).item() == pytest.approx(1)


def test_one_weight_leaves_one_sample_effective():
    assert effective_sample_size(torch.tensor([0.0, 2.0, 0.0, 0.0, 0.0])).item() == pytest.approx(
        0.2
    )


def test_effective_sample_size_does_not_depend_on_scale():
    weights = torch.rand(50, dtype=torch.float64)
    torch.testing.assert_close(
        effective_sample_size(weights * 1e12), effective_sample_size(weights)
    )


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_effective_sample_size_survives_weights_whose_squares_leave_single_precision(scale):
    assert effective_sample_size(torch.tensor([scale, scale])).item() == pytest.approx(1)


def test_effective_sample_size_is_of_each_trial():
    weights = torch.rand(3, 2, 50, dtype=torch.float64)
    apart = [[effective_sample_size(trial) for trial in row] for row in weights]
    expected = torch.stack([torch.stack(row) for row in apart])
    torch.testing.assert_close(effective_sample_size(weights), expected)


def test_effective_sample_size_of_log_normal_weights_is_known():
    weights = torch.randn(400_000, dtype=torch.float64).mul(0.5).exp()
    assert effective_sample_size(weights).item() == pytest.approx(math.exp(-0.25), rel=0.01)


def test_the_slopes_of_the_discriminators_loss_are_autograds():
    logits = torch.linspace(-90, 90, 20, dtype=torch.float64).reshape(2, 10).requires_grad_()
    (expected,) = torch.autograd.grad(discriminator_loss(*logits).sum(), logits)
    torch.testing.assert_close(torch.stack(discriminator_slopes(*logits)), expected)
