"""The variance-optimal γ against quadrature, the issue's figures, and its online estimate."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal

from alpha_bridge import estimator, go
from alpha_bridge.control import (
    Moments,
    OnlineGamma,
    gaussian_moments,
    optimal_gamma,
    optimal_kappa,
    pooled_moments,
)
from alpha_bridge.gamma import CosineGamma, SigmoidGamma
from tests.contracts import cases
from tests.contracts.gamma_function import ALWAYS, remembers_nothing
from tests.control.pairs import paired_moments

STEP = 0.01
GRID = torch.arange(-30, 30, STEP, dtype=torch.float64)
MASS = STEP * Normal(GRID.new_zeros(()), 1.0).log_prob(GRID).exp()
SIGMOID = SigmoidGamma()

# The variance with the best single γ as a share of that with the paper's; Figure 2 with μ = 3.
SHARES = {0.2: "4.5 %", 0.5: "31 %", 0.8: "7.5 %", 0.95: "0.4 %"}


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def by_quadrature(mean, scale, alpha):
    """Variances of both twins of N(μ, σ²), for μ and σ, as (10) and (11) state them."""

    def f(x):
        return ((x - mean) / scale) ** 2 / 2 + math.log(scale) - x**2 / 2

    score = torch.stack(
        [(GRID - mean) / scale**2, ((GRID - mean) / scale) ** 2 / scale - 1 / scale]
    )
    forward = -(-alpha * f(GRID)).exp() * score / (1 - alpha)
    x = mean + scale * GRID
    slope = (x - mean) / scale**2 - x
    reverse = -((1 - alpha) * f(x)).exp() * slope * torch.stack([torch.ones_like(GRID), GRID])
    return [(MASS * g**2).sum(-1) - (MASS * g).sum(-1) ** 2 for g in (forward, reverse)]


def share_of_the_sigmoid(moments, alpha, gamma):
    """Variance with ``gamma`` over that with the paper's γ, all parameters together."""
    paper = moments.variance(alpha, SIGMOID(alpha)).sum()
    return (moments.variance(alpha, gamma).sum() / paper).item()


def best_share(moments, alpha):
    return share_of_the_sigmoid(moments, alpha, optimal_gamma(moments.total(), alpha))


def sampled(mean, scale, alpha, count, shared=False):
    """Gradients of both twins at data and model samples, and the log-ratio there."""

    def density(mean, scale):
        return Independent(Normal(mean, scale), 1)

    p, q = density(mean, scale), density(torch.zeros_like(mean), torch.ones_like(mean))
    noise = torch.randn(2, count, len(mean), dtype=torch.float64)
    x = torch.cat([noise[0], mean + scale * noise[0 if shared else 1]])
    gradients = [
        torch.cat(estimator.sample_gradients(density, [mean, scale], 2 * count, twin), 1)
        for twin in (
            lambda p: (1 - alpha) * estimator.forward(p, q, alpha, x),
            lambda p: estimator.reverse(p, q, alpha, go.attach(p, x)),
        )
    ]
    f = q.log_prob(x) - p.log_prob(x)
    return *(g.reshape(2, count, -1) for g in gradients), f.reshape(2, count)


def pooled(mean, scale, alpha, count):
    return pooled_moments(*sampled(mean, scale, alpha, count))


every_alpha = pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5, 0.8, 0.95])
every_mean = pytest.mark.parametrize("mean", [3.0, 1.0])


@every_alpha
@pytest.mark.parametrize(("mean", "scale"), [(3.0, 1.0), (1.0, 1.0), (-0.7, 0.9), (0.4, 1.2)])
def test_exact_moments_are_those_of_quadrature(mean, scale, alpha):
    moments = gaussian_moments(vector(mean), vector(scale), alpha)
    forward, reverse = by_quadrature(mean, scale, alpha)
    torch.testing.assert_close(moments.variance(alpha, 0.0), forward, rtol=1e-9, atol=0)
    torch.testing.assert_close(moments.variance(alpha, 1.0), reverse, rtol=1e-9, atol=0)


@every_alpha
def test_exact_moments_in_ten_dimensions_are_those_of_many_draws(alpha):
    mean, scale = torch.linspace(0.1, 0.3, 10).double(), torch.linspace(0.95, 1.05, 10).double()
    exact, count = gaussian_moments(mean, scale, alpha), 20_000
    forward, reverse, _ = sampled(mean, scale, alpha, count)
    for drawn, moment in ((forward[0], exact.forward), (reverse[1], exact.reverse)):
        squares = drawn.square()
        z = (squares.mean(0) - moment) / (squares.std(0) / count**0.5)
        assert z.abs().max() < 4.5


@pytest.mark.parametrize(("alpha", "share"), SHARES.items())
def test_exact_moments_give_the_known_shares_at_mean_three(alpha, share):
    measured = best_share(gaussian_moments(vector(3.0), vector(1.0), alpha), alpha)
    stated = float(share.split()[0]) / 100
    last_digit = 0.001 if "." in share else 0.01
    assert measured == pytest.approx(stated, rel=0.02, abs=last_digit / 2)


def test_exact_moments_give_the_known_shares_at_mean_one():
    shares = [best_share(gaussian_moments(vector(1.0), vector(1.0), a), a) for a in SHARES]
    assert shares == pytest.approx([0.568, 0.525, 0.798, 0.882], rel=0.002)


def test_a_gamma_for_each_parameter_is_better_still_at_mean_one():
    moments = gaussian_moments(vector(1.0), vector(1.0), 0.5)
    share = share_of_the_sigmoid(moments, 0.5, optimal_gamma(moments, 0.5))
    assert share == pytest.approx(0.51, rel=0.02)


@every_alpha
@every_mean
def test_no_other_gamma_has_a_lower_variance(mean, alpha):
    moments = gaussian_moments(vector(mean), vector(1.0), alpha).total()
    gamma = optimal_gamma(moments, alpha).requires_grad_()
    (slope,) = torch.autograd.grad(moments.variance(alpha, gamma), gamma)
    scale = moments.variance(alpha, 0.0) + moments.variance(alpha, 1.0)
    assert abs(slope / scale) < 1e-12


def test_a_gamma_two_percent_away_is_seen_to_vary_more():
    moments = gaussian_moments(vector(1.0), vector(1.0), 0.5).total()
    best = optimal_gamma(moments, 0.5)
    slopes = [
        torch.autograd.grad(moments.variance(0.5, gamma), gamma)[0]
        for gamma in (best.clone().requires_grad_(), (1.02 * best).requires_grad_())
    ]
    assert abs(slopes[1]) > 1e8 * abs(slopes[0])


@every_alpha
def test_more_groups_leave_less_variance(alpha):
    mean, scale = torch.linspace(0.2, 1.0, 10).double(), torch.linspace(0.9, 1.1, 10).double()
    moments = gaussian_moments(mean, scale, alpha)
    ladder = [moments.total(), moments.groups([10, 10]), moments]
    left = [m.variance(alpha, optimal_gamma(m, alpha)).sum().item() for m in ladder]
    paper = moments.variance(alpha, SIGMOID(alpha)).sum().item()
    assert left[2] < left[1] < left[0] < paper


@every_mean
@pytest.mark.parametrize("alpha", list(SHARES))
def test_online_gamma_reaches_the_exact_variance(mean, alpha):
    online = OnlineGamma()
    for step in range(300):
        online.observe(step, lambda: pooled(vector(mean), vector(1.0), alpha, 64))
    moments = gaussian_moments(vector(mean), vector(1.0), alpha)
    assert share_of_the_sigmoid(moments, alpha, online(alpha)) == pytest.approx(
        best_share(moments, alpha), rel=0.05
    )


@pytest.mark.parametrize("alpha", list(SHARES))
def test_online_gamma_reaches_the_exact_variance_in_ten_dimensions(alpha):
    mean, scale = torch.linspace(0.5, 1.2, 10).double(), torch.linspace(0.8, 1.2, 10).double()
    online = OnlineGamma()
    for step in range(400):
        online.observe(step, lambda: pooled(mean, scale, alpha, 64).groups([10, 10]))
    exact = gaussian_moments(mean, scale, alpha)
    one = share_of_the_sigmoid(exact, alpha, online(alpha))
    assert one == pytest.approx(best_share(exact, alpha), rel=0.1)
    groups = exact.groups([10, 10])
    each = share_of_the_sigmoid(groups, alpha, online.each(alpha))
    best = share_of_the_sigmoid(groups, alpha, optimal_gamma(groups, alpha))
    assert each == pytest.approx(best, rel=0.1)


def test_pairs_alone_miss_the_rare_samples():
    exact = gaussian_moments(vector(3.0), vector(1.0), 0.8).total()
    forward, reverse, f = sampled(vector(3.0), vector(1.0), 0.8, 50_000)
    alone = paired_moments(forward[0], reverse[1]).total()
    together = pooled_moments(forward, reverse, f).total()
    assert alone.forward < 0.1 * exact.forward
    assert together.forward == pytest.approx(exact.forward.item(), rel=0.3)


@pytest.mark.parametrize("alpha", [0.2, 0.8, 0.99])
def test_pooled_moments_are_unbiased(alpha):
    mean, scale, count = vector(1.0), vector(1.0), 64
    measured = [pooled(mean, scale, alpha, count) for _ in range(100)]
    exact = gaussian_moments(mean, scale, alpha)
    for name in ("forward", "reverse", "cross"):
        drawn = torch.stack([getattr(moments, name) for moments in measured])
        z = (drawn.mean(0) - getattr(exact, name)) / (drawn.std(0) / 100**0.5)
        assert z.abs().max() < 4.5, name


def test_paired_moments_see_what_shared_noise_does():
    mean, scale, alpha = vector(1.0), vector(1.0), 0.5
    forward, reverse, _ = sampled(mean, scale, alpha, 100_000, shared=True)
    moments = paired_moments(forward[0], reverse[1]).total()
    gamma = optimal_gamma(moments, alpha)
    assert gamma > 1  # γ* = 1.083 by quadrature
    combined = [(1 - g) * 2 * forward[0] + g * reverse[1] for g in (gamma, 1.0, 0.98 * gamma)]
    best, *others = [gradients.square().mean(0).sum() for gradients in combined]
    assert all(best < other for other in others)


def test_gradients_of_batches_give_the_same_gamma():
    forward, reverse, _ = sampled(vector(1.0), vector(1.0), 0.5, 400_000)
    alone = paired_moments(forward[0], reverse[1]).total()
    batches = paired_moments(
        *(g.reshape(-1, 10, 2).mean(1) for g in (forward[0], reverse[1]))
    ).total()
    expected = optimal_gamma(alone, 0.5).item()
    assert optimal_gamma(batches, 0.5).item() == pytest.approx(expected, rel=0.02)


def test_kappa_goes_with_gamma():
    for alpha in (0.0, 0.3, 0.99, 1 - 1e-9):
        moments = gaussian_moments(vector(1.0), vector(0.9), alpha).total()
        gamma, kappa = optimal_gamma(moments, alpha), optimal_kappa(moments, alpha)
        torch.testing.assert_close(1 - (1 - alpha) * kappa, gamma, rtol=1e-12, atol=1e-12)


def test_kappa_at_one_is_the_coefficient_of_a_control_variate():
    moments = Moments(vector(2.0), vector(5.0), vector(-0.6))
    assert optimal_gamma(moments, 1.0).item() == 1
    assert optimal_kappa(moments, 1.0).item() == pytest.approx(0.3)


def test_a_twin_of_infinite_variance_gets_no_weight():
    wide = gaussian_moments(vector(0.5), vector(2.0), 0.9).total()
    assert wide.forward == math.inf
    assert (optimal_gamma(wide, 0.9), optimal_kappa(wide, 0.9)) == (1, 0)
    narrow = gaussian_moments(vector(0.5), vector(0.5), 0.1).total()
    assert narrow.reverse == math.inf
    assert optimal_gamma(narrow, 0.1) == 0
    assert optimal_kappa(narrow, 0.1).item() == pytest.approx(1 / 0.9)


def test_variance_at_one_is_refused():
    moments = gaussian_moments(vector(1.0), vector(1.0), 1.0)
    with pytest.raises(ValueError, match=r"alpha below 1, got 1\.0"):
        moments.variance(1.0, 0.5)


def test_a_scale_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="scale must be positive"):
        gaussian_moments(vector(1.0), vector(0.0), 0.5)


def fixed(forward=1.0, reverse=1.0, cross=0.0):
    return Moments(vector(forward), vector(reverse), vector(cross))


def measured():
    """A γ that has one measurement."""
    online = OnlineGamma(every=1)
    online.observe(0, lambda: Moments(vector(2.0), vector(1.0), vector(0.1)))
    return online


@cases(
    {"unmeasured": (OnlineGamma(), [*ALWAYS, remembers_nothing]), "measured": (measured(), ALWAYS)}
)
def test_the_online_gamma_has_the_properties_of_its_slot(part, holds):
    holds(part)


def test_online_gamma_measures_only_when_due():
    online, calls = OnlineGamma(every=3), []
    for step in range(10):
        online.observe(step, lambda step=step: (calls.append(step), fixed())[1])
    assert calls == [0, 3, 6, 9]


def test_online_gamma_averages_exponentially():
    online, forwards = OnlineGamma(every=1, decay=0.8), [1.0, 4.0, 2.0]
    for step, forward in enumerate(forwards):
        online.observe(step, lambda forward=forward: fixed(forward))
    weights = [0.64, 0.8, 1.0]
    expected = sum(w * m for w, m in zip(weights, forwards, strict=True)) / sum(weights)
    assert online.moments.forward.item() == pytest.approx(expected)


def test_online_gamma_follows_its_start_until_it_has_measured(alpha):
    online = OnlineGamma(start=CosineGamma())
    assert (online(alpha), online.kappa(alpha)) == (
        CosineGamma()(alpha),
        CosineGamma().kappa(alpha),
    )
    assert online.each(alpha).item() == pytest.approx(CosineGamma()(alpha))


def test_online_gamma_keeps_both_ends():
    online = OnlineGamma()
    online.observe(0, fixed)
    assert (online(0.0), online.kappa(0.0), online(1.0), online.kappa(1.0)) == (0, 1, 1, 0)
    assert online.each(0.0).tolist() == [0]
    assert online.each(1.0).tolist() == [1]


def test_kappa_of_the_online_gamma_goes_with_it():
    online = OnlineGamma()
    online.observe(0, lambda: gaussian_moments(vector(1.0), vector(1.0), 0.5))
    for alpha in (0.01, 0.4, 0.9, 1 - 1e-9):
        assert 1 - (1 - alpha) * online.kappa(alpha) == pytest.approx(online(alpha), abs=1e-12)


@pytest.mark.parametrize(
    ("moments", "gamma"), [(fixed(0.5, 4.0, 1.5), 0.0), (fixed(1.0, 1.0, 0.8), 1.0)]
)
def test_online_gamma_is_held_in_the_unit_interval(moments, gamma):
    online = OnlineGamma()
    online.observe(0, lambda: moments)
    assert not 0 <= optimal_gamma(moments, 0.5) <= 1
    assert online(0.5) == online.each(0.5).item() == gamma


def test_a_measurement_that_is_not_finite_is_passed_over():
    online = OnlineGamma(every=1)
    online.observe(0, fixed)
    before = online(0.5)
    online.observe(1, lambda: fixed(forward=math.inf))
    assert online(0.5) == before


def test_a_memory_without_a_measurement_leaves_none():
    online = measured()
    online.recall({})
    assert online.memory() == {}
    assert online(0.5) == SIGMOID(0.5)


def test_recalled_moments_go_where_measurements_lie():
    online = OnlineGamma(every=1)
    online.recall(measured().memory())
    one = torch.ones(1, dtype=torch.float32)  # of another dtype, as it may be of another device
    online.observe(1, lambda: Moments(one, one, one))
    assert {moment.dtype for moment in vars(online.moments).values()} == {torch.float32}


def test_moments_that_vanish_leave_the_start():
    online = OnlineGamma()
    online.observe(0, lambda: fixed(0.0, 0.0, 0.0))
    assert online(0.4) == SIGMOID(0.4)
    assert online.kappa(0.4) == SIGMOID.kappa(0.4)
    assert online.each(0.4).item() == pytest.approx(SIGMOID(0.4))


@pytest.mark.parametrize("decay", [-0.1, 1.0, math.nan])
def test_a_decay_outside_its_range_is_refused(decay):
    with pytest.raises(ValueError, match="decay must lie in"):
        OnlineGamma(decay=decay)


def test_every_of_zero_is_refused():
    with pytest.raises(ValueError, match="every must be at least 1"):
        OnlineGamma(every=0)
