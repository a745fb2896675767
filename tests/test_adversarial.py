"""The games: what each one's generator and discriminator want, where it is known in closed form."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from alpha_bridge import twin
from alpha_bridge.adversarial import Bridge, FixedSum, JensenShannon, Wasserstein
from alpha_bridge.gamma import CosineGamma, LinearGamma, PowerGamma, SigmoidGamma

GAMES = [Bridge(), Bridge(math.inf), FixedSum(0.3), JensenShannon(), Wasserstein()]
GAMMAS = [SigmoidGamma(), LinearGamma(), PowerGamma(), CosineGamma()]
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


# All games


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_losses_and_weights_are_of_each_sample_in_each_trial(game, alpha):
    f = torch.randn(3, 5, dtype=torch.float64)
    for values in (
        game.adversarial(f, alpha),
        game.likelihood_weight(f, alpha),
        game.discriminator(f, f + 1),
    ):
        assert values.shape == f.shape
    for number in game.diagnostics(game.likelihood_weight(f, alpha), f, alpha).values():
        assert number.shape == (3,)


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_no_gradient_flows_through_the_weight_of_the_likelihood(game, alpha):
    f = torch.randn(5, requires_grad=True)
    assert not game.likelihood_weight(f, alpha).requires_grad


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_no_weight_is_less_than_the_least(game, alpha):
    f = torch.linspace(-800, 800, 99, dtype=torch.float64)
    assert (game.likelihood_weight(f, alpha) >= game.least_weight * (1 - 1e-12)).all()


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_every_generator_prefers_a_larger_logit(game, alpha):
    f = torch.linspace(-3, 3, 50, dtype=torch.float64)
    assert (game.adversarial(f, alpha).diff() < 0).all()


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_every_discriminator_prefers_larger_logits_for_data_and_smaller_for_the_model(game):
    f, other = torch.linspace(-3, 3, 50, dtype=torch.float64), torch.zeros(50, dtype=torch.float64)
    assert (game.discriminator(f, other).diff() < 0).all()
    assert (game.discriminator(other, f).diff() > 0).all()


@pytest.mark.parametrize("gamma", GAMMAS, ids=repr)
@pytest.mark.parametrize("game", [Bridge(), JensenShannon(), Wasserstein()], ids=repr)
def test_the_ends_are_maximum_likelihood_and_the_game_alone(game, gamma):
    assert game.shares(0.0, gamma) == (pytest.approx(1), 0)
    assert game.shares(1.0, gamma) == (0, 1)


@pytest.mark.parametrize("gamma", GAMMAS, ids=repr)
def test_between_the_ends_the_shares_are_those_of_the_twins(gamma, alpha):
    if alpha < 1:
        assert Bridge().shares(alpha, gamma) == (gamma.kappa(alpha), gamma(alpha))


# The bridge


def test_the_bridge_is_the_combination_of_the_twins(alpha):
    log_p, f_data, f_model = torch.randn(3, 7, dtype=torch.float64)
    game, gamma = Bridge(clip=1.5), SigmoidGamma()
    kappa, share = game.shares(alpha, gamma)
    weight = game.likelihood_weight(f_data, alpha)
    loss = share * game.adversarial(f_model, alpha) - kappa * weight * log_p
    if alpha < 1:
        torch.testing.assert_close(
            loss, twin.bridge(log_p, f_data, f_model, alpha, gamma, clip=1.5)
        )
    else:
        torch.testing.assert_close(loss, -f_model)


@pytest.mark.parametrize("near", [1e-8, 1e-4])
def test_the_bridge_has_no_jump_at_its_ends_but_the_forward_half_that_is_left_out(near):
    game, gamma = Bridge(), SigmoidGamma()
    f = torch.linspace(-4, 4, 9, dtype=torch.float64)
    for end, beside in ((0.0, near), (1.0, 1 - near)):
        for function in (game.adversarial, game.likelihood_weight):
            at, by = function(f, end), function(f, beside)
            torch.testing.assert_close(at, by, rtol=0, atol=500 * near)
    kappa, share = game.shares(1 - near, gamma)
    assert share == pytest.approx(1, abs=10 * near)
    assert kappa == pytest.approx(gamma.kappa(1.0), abs=10 * near)


def test_the_bridge_tells_how_many_samples_its_weights_leave():
    f = torch.tensor([[0.0, 0.0], [0.0, 50.0]])
    game = Bridge(math.inf)
    numbers = game.diagnostics(game.likelihood_weight(f, 0.5), f, 0.5)
    assert numbers["ess/forward"].tolist() == pytest.approx([1.0, 0.5], abs=1e-6)
    assert numbers["ess/reverse"].tolist() == pytest.approx([1.0, 0.5], abs=1e-6)


@pytest.mark.parametrize("clip", [0.0, -1.0, math.nan])
def test_a_clip_that_is_not_positive_is_refused(clip):
    with pytest.raises(ValueError, match=f"clip must be positive and finite, got {clip}"):
        Bridge(clip)


# The fixed sum


def test_the_fixed_sum_is_the_same_everywhere_on_the_path(alpha):
    f = torch.randn(7, dtype=torch.float64)
    game = FixedSum(0.3)
    assert game.shares(alpha, SigmoidGamma()) == (0.3, 1.0)
    assert torch.equal(game.adversarial(f, alpha), -f)
    assert torch.equal(game.likelihood_weight(f, alpha), torch.ones_like(f))


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_fixed_sum_follows_both_divergences_at_once(weight):
    game, theta = FixedSum(weight), parameters()
    kappa, share = game.shares(0.5, SigmoidGamma())
    log_p = Normal(theta[0], theta[1]).log_prob(GRID)
    f = log_ratio(GRID, theta)
    likelihood = integral(Q.log_prob(GRID).exp() * game.likelihood_weight(f, 0.5) * log_p)
    x = theta[0] + theta[1] * LATENTS
    adversarial = game.adversarial(log_ratio(x, theta), 0.5).mean()
    (share * adversarial - kappa * likelihood).backward()
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
    game = JensenShannon()
    loss = integral(Q.log_prob(GRID).exp() * game.discriminator(f, none))
    loss += integral(p.log_prob(GRID).exp() * game.discriminator(-none, f))
    torch.testing.assert_close(loss, 2 * math.log(2) - 2 * jensen_shannon(p))


def test_the_non_saturating_generator_follows_the_reverse_divergence_less_the_one_of_jensen():
    found = model_gradient(lambda f: JensenShannon().adversarial(f, 1.0))
    expected = gradient_of(lambda p: kl_divergence(p, Q) - 2 * jensen_shannon(p))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_the_generator_learns_most_where_the_discriminator_is_sure():
    f = torch.tensor([-30.0, 0.0, 30.0], requires_grad=True)
    JensenShannon().adversarial(f, 1.0).sum().backward()
    assert f.grad.tolist() == pytest.approx([-1, -0.5, 0], abs=1e-6)


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


def test_critic_and_generator_play_a_game_of_sum_zero_on_the_model():
    f_data, f_model = torch.randn(2, 5)
    game = Wasserstein()
    both = game.discriminator(f_data, f_model) + game.adversarial(f_model, 1.0)
    torch.testing.assert_close(both, -f_data)
