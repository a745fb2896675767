"""Gaussians of any covariance; one dimension is held to its integral in test_closed_forms."""

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import (
    Independent,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from alpha_bridge.divergence import alpha_divergence, log_divergence

PAIRS = [  # mean and standard deviation of p, then of q
    (0.7, 1.3, 0.0, 1.0),
    (-2.0, 0.6, 0.5, 2.0),
    (3.0, 1.0, 0.0, 1.0),
    (0.0, 2.0, 0.0, 0.7),
]


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


def normal(mean, scale):
    return Normal(real(mean), real(scale))


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


def multivariate(loc, tril):
    return MultivariateNormal(real(loc), scale_tril=real(tril))


P_FULL = multivariate([0.3, -1.0], [[1.2, 0.0], [0.5, 0.7]])
Q_FULL = multivariate([0.0, 0.4], [[0.9, 0.0], [-0.4, 1.1]])


def full_divergence_to_fifty_digits(p, q, alpha):
    """The closed form of Gil, Alajaji and Linder (2013), Table 2, for full covariances."""
    with mpmath.workdps(50):
        alpha = mpmath.mpf(alpha) if alpha not in (0, 1) else abs(alpha - mpmath.mpf("1e-25"))
        p_tril, q_tril = (mpmath.matrix(d.scale_tril.tolist()) for d in (p, q))
        p_covariance, q_covariance = p_tril * p_tril.T, q_tril * q_tril.T
        mixed = alpha * q_covariance + (1 - alpha) * p_covariance
        gap = mpmath.matrix(p.loc.tolist()) - mpmath.matrix(q.loc.tolist())
        distance = (gap.T * mpmath.inverse(mixed) * gap)[0]
        log_det = (
            mpmath.log(mpmath.det(mixed))
            - alpha * mpmath.log(mpmath.det(q_covariance))
            - (1 - alpha) * mpmath.log(mpmath.det(p_covariance))
        )
        curvature = alpha * (1 - alpha)
        overlap = -curvature * distance / 2 - log_det / 2
        return float(-mpmath.expm1(overlap) / curvature)


@pytest.mark.parametrize("nearness", [1.0, 1e-3, 1e-6])
def test_full_covariance_keeps_ten_digits(nearness, alpha):
    p = MultivariateNormal(
        Q_FULL.loc + nearness * (P_FULL.loc - Q_FULL.loc),
        scale_tril=Q_FULL.scale_tril + nearness * (P_FULL.scale_tril - Q_FULL.scale_tril),
    )
    expected = full_divergence_to_fifty_digits(p, Q_FULL, alpha)
    assert alpha_divergence(p, Q_FULL, alpha).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_ends_of_full_covariance_are_those_of_torch(end):
    expected = kl_divergence(P_FULL, Q_FULL) if end else kl_divergence(Q_FULL, P_FULL)
    torch.testing.assert_close(alpha_divergence(P_FULL, Q_FULL, end), expected, rtol=1e-12, atol=0)


def test_rotation_leaves_the_divergence(alpha):
    rotation, _ = torch.linalg.qr(torch.randn(2, 2, dtype=torch.float64))
    turned = [
        MultivariateNormal(rotation @ d.loc, rotation @ d.covariance_matrix @ rotation.T)
        for d in (P_FULL, Q_FULL)
    ]
    torch.testing.assert_close(
        alpha_divergence(*turned, alpha), alpha_divergence(P_FULL, Q_FULL, alpha)
    )


def test_diagonal_covariance_is_independent_dimensions(alpha):
    p = Independent(Normal(real([0.3, -1.0]), real([1.2, 0.7])), 1)
    q = Independent(Normal(real([0.0, 0.4]), real([0.9, 1.1])), 1)
    p_full, q_full = (MultivariateNormal(d.mean, torch.diag_embed(d.variance)) for d in (p, q))
    expected = alpha_divergence(p, q, alpha)
    for pair in ((p_full, q_full), (p, q_full), (p_full, q)):
        torch.testing.assert_close(alpha_divergence(*pair, alpha), expected)


def test_low_rank_covariance_is_a_covariance(alpha):
    p = LowRankMultivariateNormal(real([0.3, -1.0]), real([[0.5], [0.2]]), real([0.7, 1.0]))
    full = MultivariateNormal(p.loc, p.covariance_matrix)
    torch.testing.assert_close(
        alpha_divergence(p, Q_FULL, alpha), alpha_divergence(full, Q_FULL, alpha)
    )


@pytest.mark.parametrize("same", [False, True])
def test_gradient_of_full_covariance_is_its_slope(same, alpha):
    def divergence(p_loc, p_tril, q_loc, q_tril):
        p = MultivariateNormal(p_loc, scale_tril=p_tril.tril())
        return alpha_divergence(p, MultivariateNormal(q_loc, scale_tril=q_tril.tril()), alpha)

    p = Q_FULL if same else P_FULL
    values = (p.loc, p.scale_tril, Q_FULL.loc, Q_FULL.scale_tril)
    leaves = tuple(value.clone().requires_grad_() for value in values)
    assert torch.autograd.gradcheck(divergence, leaves)


def test_batches_of_full_covariances_broadcast(alpha):
    together = alpha_divergence(P_FULL.expand((3, 1)), Q_FULL.expand((2,)), alpha)
    alone = alpha_divergence(P_FULL, Q_FULL, alpha)
    torch.testing.assert_close(together, alone.expand(3, 2))


def test_logarithmic_form_of_far_gaussians_does_not_saturate():
    far = log_divergence(normal(0.0, 1.0), normal(1e3, 1.0), 0.3)
    assert far.item() == pytest.approx(5e5)


def test_second_derivative_at_the_data_is_the_fisher_information(alpha):
    def divergence(parameters):
        return alpha_divergence(Normal(parameters[0], parameters[1]), normal(0.3, 1.7), alpha)

    hessian = torch.autograd.functional.hessian(divergence, real([0.3, 1.7]))
    torch.testing.assert_close(hessian, torch.diag(real([1 / 1.7**2, 2 / 1.7**2])))


@pytest.mark.parametrize("alpha", [-0.5, 1.5])
def test_integral_outside_the_unit_interval_diverges_where_the_mixture_is_indefinite(alpha):
    narrow, wide = normal(0.0, 1.0), normal(0.0, 2.0)
    p, q = (wide, narrow) if alpha > 1 else (narrow, wide)
    assert log_divergence(p, q, alpha) == torch.inf
    assert log_divergence(q, p, alpha) < torch.inf


def test_full_covariance_diverges_likewise():
    wide = MultivariateNormal(Q_FULL.loc, 4 * Q_FULL.covariance_matrix)
    assert log_divergence(wide, Q_FULL, 2.0) == torch.inf
    assert log_divergence(Q_FULL, wide, 2.0) < torch.inf


def test_other_independent_dimensions_have_no_full_covariance():
    gammas = Independent(torch.distributions.Gamma(torch.ones(2), torch.ones(2)), 1)
    with pytest.raises(ValueError, match="multivariate Gaussian and Independent"):
        alpha_divergence(P_FULL, gammas, 0.5)
