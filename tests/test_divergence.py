"""The closed form of D_α against its definition (8), its gradient (9), and its properties."""

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from alpha_bridge.divergence import alpha_divergence, tsallis_log

PAIRS = [  # mean and standard deviation of p, then of q
    (0.7, 1.3, 0.0, 1.0),
    (-2.0, 0.6, 0.5, 2.0),
    (3.0, 1.0, 0.0, 1.0),
    (0.0, 2.0, 0.0, 0.7),
]
STEP, REACH = 0.1, 40  # the trapezoidal rule is exact to 1e-30 for these Gaussians


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


def normal(mean, scale):
    return Normal(real(mean), real(scale))


def integral(integrand):
    points = (mpmath.mpf(k) * STEP for k in range(int(-REACH / STEP), int(REACH / STEP) + 1))
    return mpmath.fsum(integrand(x) for x in points) * STEP


def divergence_by_quadrature(pair, alpha):
    """Equation (8), with the Kullback-Leibler integrals at its ends, to 50 digits."""
    with mpmath.workdps(50):
        p_mean, p_scale, q_mean, q_scale = map(mpmath.mpf, pair)
        alpha = mpmath.mpf(alpha)

        def p(x):
            return mpmath.npdf(x, p_mean, p_scale)

        def q(x):
            return mpmath.npdf(x, q_mean, q_scale)

        if alpha == 0:
            return float(integral(lambda x: q(x) * mpmath.log(q(x) / p(x))))
        if alpha == 1:
            return float(integral(lambda x: p(x) * mpmath.log(p(x) / q(x))))
        affinity = integral(lambda x: p(x) ** alpha * q(x) ** (1 - alpha))
        return float((1 - affinity) / (alpha * (1 - alpha)))


def gradient_by_quadrature(pair, alpha):
    r"""Equation (9) for p's mean and scale; at α = 1 its limit, −∫ ∇p log(q/p)."""
    with mpmath.workdps(50):
        p_mean, p_scale, q_mean, q_scale = map(mpmath.mpf, pair)
        alpha = mpmath.mpf(alpha)

        def weight(x):
            p, q = mpmath.npdf(x, p_mean, p_scale), mpmath.npdf(x, q_mean, q_scale)
            if alpha == 1:
                return p * mpmath.log(q / p)
            return p**alpha * q ** (1 - alpha) / (1 - alpha)

        def score_of_mean(x):
            return (x - p_mean) / p_scale**2

        def score_of_scale(x):
            return ((x - p_mean) ** 2 / p_scale**2 - 1) / p_scale

        return [
            float(-integral(lambda x, score=score: weight(x) * score(x)))
            for score in (score_of_mean, score_of_scale)
        ]


@pytest.mark.parametrize("pair", PAIRS)
def test_closed_form_is_the_integral_that_defines_it(pair, alpha):
    closed = alpha_divergence(normal(*pair[:2]), normal(*pair[2:]), alpha)
    assert closed.item() == pytest.approx(divergence_by_quadrature(pair, alpha), rel=1e-10)


@pytest.mark.parametrize("pair", PAIRS)
def test_gradient_is_the_integral_of_equation_9(pair, alpha):
    mean, scale = real(pair[0], requires_grad=True), real(pair[1], requires_grad=True)
    alpha_divergence(Normal(mean, scale), normal(*pair[2:]), alpha).backward()
    expected = gradient_by_quadrature(pair, alpha)
    assert [mean.grad.item(), scale.grad.item()] == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("pair", PAIRS)
def test_gradient_is_the_slope_of_the_value(pair, alpha):
    def divergence(p_mean, p_scale, q_mean, q_scale):
        return alpha_divergence(Normal(p_mean, p_scale), Normal(q_mean, q_scale), alpha)

    arguments = tuple(real(value, requires_grad=True) for value in pair)
    assert torch.autograd.gradcheck(divergence, arguments)


@pytest.mark.parametrize("pair", PAIRS)
def test_alpha_zero_is_the_divergence_that_likelihood_minimises(pair):
    p, q = normal(*pair[:2]), normal(*pair[2:])
    torch.testing.assert_close(alpha_divergence(p, q, 0.0), kl_divergence(q, p), rtol=1e-12, atol=0)


@pytest.mark.parametrize("pair", PAIRS)
def test_alpha_one_is_the_divergence_that_adversarial_learning_minimises(pair):
    p, q = normal(*pair[:2]), normal(*pair[2:])
    torch.testing.assert_close(alpha_divergence(p, q, 1.0), kl_divergence(p, q), rtol=1e-12, atol=0)


@pytest.mark.parametrize("pair", PAIRS)
def test_exchange_of_p_and_q_mirrors_alpha(pair, alpha):
    p, q = normal(*pair[:2]), normal(*pair[2:])
    mirrored = alpha_divergence(q, p, 1 - alpha)
    torch.testing.assert_close(alpha_divergence(p, q, alpha), mirrored, rtol=1e-12, atol=0)


@pytest.mark.parametrize("pair", PAIRS)
def test_two_forms_agree_where_they_meet(pair):
    p, q = normal(*pair[:2]), normal(*pair[2:])
    below, above = alpha_divergence(p, q, 0.5), alpha_divergence(p, q, 0.5 + 1e-15)
    torch.testing.assert_close(below, above, rtol=1e-13, atol=0)


moderate = st.floats(-3, 3)
scales = st.floats(0.2, 5)


@given(moderate, scales, moderate, scales, st.floats(0, 1))
def test_divergence_is_never_negative_beyond_rounding(p_mean, p_scale, q_mean, q_scale, alpha):
    p, q = normal(p_mean, p_scale), normal(q_mean, q_scale)
    assert alpha_divergence(p, q, alpha) >= -1e-14


@given(moderate, scales, st.floats(0, 1))
def test_divergence_from_itself_is_zero(mean, scale, alpha):
    p = normal(mean, scale)
    assert alpha_divergence(p, p, alpha) == 0


def test_gradient_vanishes_where_the_model_is_the_data(alpha):
    mean, scale = real(0.3, requires_grad=True), real(1.7, requires_grad=True)
    alpha_divergence(Normal(mean, scale), normal(0.3, 1.7), alpha).backward()
    assert [mean.grad.item(), scale.grad.item()] == pytest.approx([0, 0], abs=1e-15)


@pytest.mark.parametrize(("mean", "scale"), [(1e-3, 1.0), (0.0, 1.001)])
def test_unequal_gaussians_are_apart(mean, scale, alpha):
    assert alpha_divergence(normal(mean, scale), normal(0.0, 1.0), alpha) > 1e-7


def test_batch_shapes_broadcast(alpha):
    p = normal([[0.0], [1.0]], [[1.0], [2.0]])
    q = normal([0.0, 2.0, 3.0], [1.0, 0.5, 1.5])
    together = alpha_divergence(p, q, alpha)
    apart = [
        [
            alpha_divergence(Normal(p_mean, p_scale), Normal(q_mean, q_scale), alpha)
            for q_mean, q_scale in zip(q.mean, q.stddev, strict=True)
        ]
        for p_mean, p_scale in zip(p.mean[:, 0], p.stddev[:, 0], strict=True)
    ]
    torch.testing.assert_close(together, torch.stack([torch.stack(row) for row in apart]))


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_outside_the_unit_interval_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must lie in"):
        alpha_divergence(normal(0.0, 1.0), normal(0.0, 1.0), alpha)


def test_divergence_of_far_gaussians_is_at_most_its_bound():
    far = alpha_divergence(normal(0.0, 1.0), normal(1e3, 1.0), 0.3)
    assert far.item() == pytest.approx(1 / (0.3 * 0.7))


@pytest.mark.parametrize("order", [-1.0, -1e-8, 1e-8, 0.3, 1.0, 2.0])
def test_tsallis_logarithm_is_its_definition(order):
    log_r = torch.linspace(-5, 5, 11, dtype=torch.float64)
    with mpmath.workdps(50):
        expected = [float(mpmath.expm1(mpmath.mpf(order) * x) / order) for x in log_r.tolist()]
    torch.testing.assert_close(tsallis_log(log_r, order), real(expected), rtol=1e-14, atol=0)


def test_tsallis_logarithm_of_order_zero_is_the_natural_one():
    log_r = torch.linspace(-5, 5, 11)
    assert torch.equal(tsallis_log(log_r, 0.0), log_r)


@pytest.mark.parametrize("order", [-0.5, 0.0, 1e-8, 0.5, 1.0])
def test_gradient_of_the_tsallis_logarithm_is_a_power_of_the_ratio(order):
    log_r = torch.linspace(-5, 5, 11, dtype=torch.float64, requires_grad=True)
    tsallis_log(log_r, order).sum().backward()
    torch.testing.assert_close(log_r.grad, (order * log_r.detach()).exp(), rtol=1e-14, atol=0)
