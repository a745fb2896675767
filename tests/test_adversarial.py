"""Adversarial losses: the properties of their slot, and the divergences that they follow."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from alpha_bridge import twin
from alpha_bridge.adversarial import Bridge, FixedSum, Hinge, JensenShannon, Wasserstein
from alpha_bridge.gamma import SigmoidGamma
from tests.contracts import cases
from tests.contracts.adversarial_loss import ALONG_THE_PATH, ALWAYS

STEP = 0.01
GRID = torch.arange(-15, 15, STEP, dtype=torch.float64)
Q = Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
# the model at even quantiles of its latent: an expectation over it is their mean
LATENTS = Normal(0.0, 1.0).icdf((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000)


def parameters():
    return torch.tensor([0.6, 1.3], dtype=torch.float64, requires_grad=True)


def log_ratio(x, theta):
    """The exact f, of frozen parameters: what an optimal discriminator knows."""
    mean, scale = theta.detach()
    return Q.log_prob(x) - Normal(mean, scale).log_prob(x)


def model_gradient(loss):
    """Gradient to θ of a loss of the logits of samples from p = N(mean, scale²)."""
    theta = parameters()
    loss(log_ratio(theta[0] + theta[1] * LATENTS, theta)).mean().backward()
    return theta.grad


def gradient_of(divergence):
    theta = parameters()
    divergence(Normal(theta[0], theta[1])).backward()
    return theta.grad


def integral(values):
    return STEP * values.sum()


def jensen_shannon(p):
    log_p, log_q = p.log_prob(GRID), Q.log_prob(GRID)
    log_middle = torch.logaddexp(log_p, log_q) - math.log(2)
    halves = (log.exp() * (log - log_middle) for log in (log_p, log_q))
    return sum(map(integral, halves)) / 2


LOSSES = {
    "bridge": (Bridge(), [*ALWAYS, *ALONG_THE_PATH]),
    "unbounded bridge": (Bridge(math.inf), [*ALWAYS, *ALONG_THE_PATH]),
    "hinge": (Hinge(), [*ALWAYS, *ALONG_THE_PATH]),
    "fixed sum": (FixedSum(0.3), ALWAYS),
    "Jensen-Shannon": (JensenShannon(), [*ALWAYS, *ALONG_THE_PATH]),
    "Wasserstein": (Wasserstein(), [*ALWAYS, *ALONG_THE_PATH]),
}


@cases(LOSSES)
def test_an_adversarial_loss_has_the_properties_of_its_slot(part, holds):
    holds(part)


# The bridge


def test_the_bridge_trains_by_the_combination_of_the_twins(alpha):
    log_p, f_data, f_model = torch.randn(3, 7, dtype=torch.float64)
    gamma = SigmoidGamma()
    loss = Bridge(clip=1.5).generator(log_p, f_data, f_model, alpha, gamma)
    whole = twin.bridge(log_p, f_data, f_model, alpha, gamma, clip=1.5)
    assert torch.equal(loss, whole if alpha < 1 else -f_model)


def test_the_forward_half_of_the_bridge_is_the_forward_twin_times_one_less_alpha(alpha):
    log_p, f_data = torch.randn(2, 7, dtype=torch.float64)
    half = Bridge(clip=1.5).forward(log_p, f_data, alpha)
    if alpha < 1:
        torch.testing.assert_close(half, (1 - alpha) * twin.forward(log_p, f_data, alpha, 1.5))
    else:
        assert half.isfinite().all()


def test_no_weight_of_the_bridge_is_beyond_its_bound(alpha):
    f = torch.linspace(-800, 800, 99, dtype=torch.float64)
    weight = -Bridge(clip=2.0).forward(torch.ones_like(f), f, alpha)
    assert weight.min() >= math.exp(-2) * (1 - 1e-12) and weight.max() <= math.exp(2) * (1 + 1e-12)


def test_the_bridge_reports_how_many_samples_its_weights_leave():
    f = torch.tensor([[0.0, 0.0], [0.0, 50.0]])
    numbers = Bridge(math.inf).diagnostics(f, f, 0.5)
    assert numbers["ess/forward"].tolist() == pytest.approx([1.0, 0.5], abs=1e-6)
    assert numbers["ess/reverse"].tolist() == pytest.approx([1.0, 0.5], abs=1e-6)


@pytest.mark.parametrize("clip", [0.0, -1.0, math.nan])
def test_a_clip_that_is_not_positive_is_refused(clip):
    with pytest.raises(ValueError, match=f"clip must be positive, got {clip}"):
        Bridge(clip)


# The fixed sum


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_fixed_sum_is_the_same_everywhere_on_the_path(alpha):
    log_p, f_data, f_model = torch.randn(3, 7, dtype=torch.float64)
    loss = FixedSum(0.3)
    assert loss.halves(alpha) == (True, True)
    found = loss.generator(log_p, f_data, f_model, alpha, SigmoidGamma())
    torch.testing.assert_close(found, -f_model - 0.3 * log_p)


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_fixed_sum_follows_both_divergences_at_once(weight):
    loss, theta = FixedSum(weight), parameters()
    log_p = Normal(theta[0], theta[1]).log_prob(GRID)
    forward = integral(Q.log_prob(GRID).exp() * loss.forward(log_p, log_ratio(GRID, theta), 0.5))
    x = theta[0] + theta[1] * LATENTS
    (loss.reverse(log_ratio(x, theta), 0.5).mean() + weight * forward).backward()
    expected = gradient_of(lambda p: weight * kl_divergence(Q, p) + kl_divergence(p, Q))
    torch.testing.assert_close(theta.grad, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf])
def test_a_sum_without_a_likelihood_is_refused(weight):
    with pytest.raises(ValueError, match=f"weight must be positive and finite, got {weight}"):
        FixedSum(weight)


# Jensen and Shannon


def test_the_best_discriminator_of_the_first_gan_measures_the_jensen_shannon_divergence():
    p = Normal(*parameters().detach())
    f = log_ratio(GRID, parameters())
    none = torch.full_like(f, -math.inf)
    loss_of = JensenShannon()
    loss = integral(Q.log_prob(GRID).exp() * loss_of.discriminator(f, none))
    loss += integral(p.log_prob(GRID).exp() * loss_of.discriminator(-none, f))
    torch.testing.assert_close(loss, 2 * math.log(2) - 2 * jensen_shannon(p))


def test_the_non_saturating_generator_follows_the_reverse_divergence_less_the_one_of_jensen():
    found = model_gradient(lambda f: JensenShannon().reverse(f, 1.0))
    expected = gradient_of(lambda p: kl_divergence(p, Q) - 2 * jensen_shannon(p))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_the_generator_learns_most_where_the_discriminator_is_sure():
    f = torch.tensor([-30.0, 0.0, 30.0], requires_grad=True)
    JensenShannon().reverse(f, 1.0).sum().backward()
    assert f.grad.tolist() == pytest.approx([-1, -0.5, 0], abs=1e-6)


# The hinge


def test_the_best_discriminator_of_the_hinge_loss_is_the_sign_of_the_log_ratio():
    theta = parameters()
    q, p = Q.log_prob(GRID).exp(), Normal(*theta.detach()).log_prob(GRID).exp()
    levels = torch.arange(-30, 31, dtype=torch.float64).unsqueeze(-1) / 10
    none = torch.zeros(())
    of_data = Hinge().discriminator(levels, none - 1)
    of_model = Hinge().discriminator(none + 1, levels)
    best = levels[(q * of_data + p * of_model).argmin(0), 0]
    apart = log_ratio(GRID, theta).abs() > 1e-6
    assert apart.sum() > 2900
    torch.testing.assert_close(best[apart], log_ratio(GRID, theta)[apart].sign())


def test_the_hinge_gan_lowers_the_logit_of_its_samples():
    f_model = torch.randn(5)
    assert torch.equal(Hinge().reverse(f_model, 1.0), -f_model)


# Wasserstein


def test_the_best_critic_of_slope_one_measures_how_far_the_model_is_shifted():
    real = Q.icdf(torch.linspace(0.01, 0.99, 99, dtype=torch.float64))
    fake = real + 2.5
    losses = {
        slope: Wasserstein().discriminator(slope * real, slope * fake).mean().item()
        for slope in (-1.0, -0.5, 0.0, 0.5, 1.0)
    }
    best = min(losses, key=losses.__getitem__)
    assert best == -1.0
    assert losses[best] == pytest.approx(-2.5)


def test_the_losses_of_critic_and_generator_sum_to_zero_on_the_model():
    f_data, f_model = torch.randn(2, 5)
    loss_of = Wasserstein()
    both = loss_of.discriminator(f_data, f_model) + loss_of.reverse(f_model, 1.0)
    torch.testing.assert_close(both, -f_data)
