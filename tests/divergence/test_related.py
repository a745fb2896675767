"""The divergences that follow from D_α against their published closed forms."""

import math

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Categorical,
    Exponential,
    Laplace,
    MultivariateNormal,
    Normal,
    Poisson,
    kl_divergence,
)

from alpha_bridge.divergence import (
    alpha_divergence,
    bhattacharyya_distance,
    hellinger_distance,
    neyman_chi_squared,
    pearson_chi_squared,
    renyi_divergence,
)


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


def of(family, *parameters):
    return family(*map(real, parameters))


P, Q = of(Normal, 0.7, 1.1), of(Normal, 0.0, 1.0)


@pytest.mark.parametrize("order", [0.01, 0.5, 0.99, 1.5, 3.0])
def test_renyi_divergence_of_gaussians_is_published(order):
    """van Erven and Harremoës (2014), equation (10); Gil, Alajaji and Linder (2013), Table 2."""
    mixed = (1 - order) * 1.1**2 + order
    expected = order * 0.7**2 / (2 * mixed) + math.log(mixed / (1.1 ** (2 * (1 - order)))) / (
        2 * (1 - order)
    )
    assert renyi_divergence(P, Q, order).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("order", [0.01, 0.5, 0.99, 1.5])
def test_renyi_divergence_of_exponentials_is_published(order):
    """Gil, Alajaji and Linder (2013), Table 2."""
    a, b = 2.0, 0.7
    mixed = order * a + (1 - order) * b
    expected = math.log(a / b) + math.log(a / mixed) / (order - 1)
    value = renyi_divergence(of(Exponential, a), of(Exponential, b), order)
    assert value.item() == pytest.approx(expected, rel=1e-10)


def test_renyi_divergence_of_order_one_is_kullback_leibler():
    torch.testing.assert_close(renyi_divergence(P, Q, 1.0), kl_divergence(P, Q))


@pytest.mark.parametrize("order", [0.2, 0.5, 0.7])
def test_renyi_divergence_is_skew_symmetric(order):
    """van Erven and Harremoës (2014), Proposition 2."""
    mirrored = order / (1 - order) * renyi_divergence(Q, P, 1 - order)
    torch.testing.assert_close(renyi_divergence(P, Q, order), mirrored)


def test_renyi_divergence_adds_over_independent_dimensions():
    """van Erven and Harremoës (2014), Theorem 28."""
    p = MultivariateNormal(real([0.7, 0.7]), 1.1**2 * torch.eye(2).double())
    q = MultivariateNormal(real([0.0, 0.0]), torch.eye(2).double())
    torch.testing.assert_close(renyi_divergence(p, q, 0.3), 2 * renyi_divergence(P, Q, 0.3))


def test_hellinger_distance_of_gaussians_is_published():
    """Pardo, Statistical Inference Based on Divergence Measures, 2006."""
    scale = 1.1**2 + 1
    overlap = math.sqrt(2 * 1.1 / scale) * math.exp(-(0.7**2) / (4 * scale))
    assert hellinger_distance(P, Q).item() == pytest.approx(math.sqrt(1 - overlap), rel=1e-10)


def test_hellinger_distance_of_poissons_is_published():
    """1 − exp(−(√λ − √μ)² / 2), Pardo (2006)."""
    value = hellinger_distance(of(Poisson, 3.0), of(Poisson, 5.0)).square()
    gap = math.sqrt(3) - math.sqrt(5)
    assert value.item() == pytest.approx(-math.expm1(-(gap**2) / 2), rel=1e-12)


def test_hellinger_distance_is_a_metric():
    a, b, c = (Categorical(row.double()) for row in torch.rand(3, 200, 4))
    detour = hellinger_distance(a, b) + hellinger_distance(b, c)
    assert (hellinger_distance(a, c) <= detour).all()
    torch.testing.assert_close(hellinger_distance(a, b), hellinger_distance(b, a))


def test_hellinger_distance_has_no_gradient_at_its_cusp():
    loc = real([0.0, 1.0], requires_grad=True)
    hellinger_distance(Normal(loc, real(1.0)), Q).sum().backward()
    assert loc.grad[0] == 0
    assert loc.grad[1] > 0


def test_bhattacharyya_distance_of_full_covariances_is_published():
    """Kailath, The Divergence and Bhattacharyya Distance Measures in Signal Selection, 1967."""
    p_covariance, q_covariance = real([[2.0, 0.3], [0.3, 1.0]]), real([[1.0, -0.2], [-0.2, 0.5]])
    gap = real([1.0, -0.5])
    middle = (p_covariance + q_covariance) / 2
    expected = gap @ torch.linalg.solve(middle, gap) / 8 + 0.5 * (
        middle.logdet() - (p_covariance.logdet() + q_covariance.logdet()) / 2
    )
    p = MultivariateNormal(gap, p_covariance)
    q = MultivariateNormal(torch.zeros(2).double(), q_covariance)
    torch.testing.assert_close(bhattacharyya_distance(p, q), expected, rtol=1e-12, atol=0)


def test_pearson_chi_squared_of_shifted_gaussians_is_published():
    """e^{d²} − 1, Nielsen and Nock, On the Chi Square and Higher-Order Chi Distances, 2014."""
    value = pearson_chi_squared(of(Normal, 0.7, 1.0), Q)
    assert value.item() == pytest.approx(math.expm1(0.49), rel=1e-12)


def test_pearson_chi_squared_of_poissons_is_published():
    """e^{(λ − μ)² / μ} − 1, Nielsen and Nock (2014)."""
    value = pearson_chi_squared(of(Poisson, 3.0), of(Poisson, 5.0))
    assert value.item() == pytest.approx(math.expm1(4 / 5), rel=1e-12)


def test_chi_squares_are_the_sums_that_define_them():
    p, q = real([0.2, 0.3, 0.5]), real([0.6, 0.3, 0.1])
    gap = (p - q).square()
    both = Categorical(p), Categorical(q)
    torch.testing.assert_close(pearson_chi_squared(*both), (gap / q).sum(), rtol=1e-12, atol=0)
    torch.testing.assert_close(neyman_chi_squared(*both), (gap / p).sum(), rtol=1e-12, atol=0)


def test_chi_squares_are_infinite_where_their_integrals_are():
    certain, fair = of(Bernoulli, 1.0), of(Bernoulli, 0.5)
    assert pearson_chi_squared(fair, certain) == math.inf
    assert neyman_chi_squared(certain, fair) == math.inf
    assert pearson_chi_squared(certain, fair) == 1
    assert pearson_chi_squared(of(Normal, 0.0, 1.5), Q) == math.inf


def test_chi_squared_by_quadrature_is_known():
    """∫ p²/q of unit Laplace densities a distance d apart is (2e^{d} + e^{−2d}) / 3."""
    value = pearson_chi_squared(of(Laplace, 0.7, 1.0), of(Laplace, 0.0, 1.0))
    expected = (2 * math.exp(0.7) + math.exp(-1.4)) / 3 - 1
    assert value.item() == pytest.approx(expected, rel=1e-10)


def test_divergences_are_ordered():
    """2 H² ≤ D_½-Rényi ≤ KL ≤ D_2-Rényi ≤ χ², van Erven and Harremoës (2014), equation (7)."""
    chain = [
        2 * hellinger_distance(P, Q).square(),
        renyi_divergence(P, Q, 0.5),
        kl_divergence(P, Q),
        renyi_divergence(P, Q, 2.0),
        pearson_chi_squared(P, Q),
    ]
    assert chain == sorted(chain)


def test_all_are_twice_or_half_the_fisher_information_nearby(alpha):
    """Every D_α is ½ I(θ) δ² to second order."""
    near = of(Normal, 1e-4, 1.0)
    assert alpha_divergence(near, Q, alpha).item() == pytest.approx(0.5e-8, rel=1e-7)
    assert pearson_chi_squared(near, Q).item() == pytest.approx(1e-8, rel=1e-7)
    assert neyman_chi_squared(near, Q).item() == pytest.approx(1e-8, rel=1e-7)


@pytest.mark.parametrize("order", [0.0, -1.0, math.inf, math.nan])
def test_orders_that_are_not_positive_are_refused(order):
    with pytest.raises(ValueError, match=f"alpha must be positive and finite, got {order}"):
        renyi_divergence(P, Q, order)
