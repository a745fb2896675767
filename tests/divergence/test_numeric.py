"""Quadrature, summation and Monte Carlo, against closed forms and known values."""

import math

import pytest
import torch
from torch.distributions import (
    AffineTransform,
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Kumaraswamy,
    Laplace,
    LogNormal,
    MixtureSameFamily,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Pareto,
    Poisson,
    StudentT,
    TransformedDistribution,
    Uniform,
    VonMises,
    Weibull,
    constraints,
    kl_divergence,
)

from alpha_bridge.divergence import (
    alpha_divergence,
    alpha_divergence_monte_carlo,
    alpha_divergence_quadrature,
    alpha_divergence_sum,
    bhattacharyya_distance,
    log_divergence,
    pearson_chi_squared,
    renyi_divergence,
)
from tests.looping import at_each, at_each_alpha


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


def of(family, *parameters):
    return family(*map(real, parameters))


CLOSED = [
    (of(Normal, 0.7, 1.3), of(Normal, 0.0, 1.0)),
    (of(Normal, 0.0, 1e-3), of(Normal, 5.0, 100.0)),
    (of(Normal, 0.0, 1.0), of(Normal, 1e-4, 1.0)),
    (of(Gamma, 2.0, 1.0), of(Gamma, 0.3, 4.0)),
    (of(Beta, 2.0, 3.0), of(Beta, 0.7, 0.9)),
    (of(Exponential, 1.0), of(Exponential, 20.0)),
]
pairs = pytest.mark.parametrize(
    ("p", "q"), CLOSED, ids=lambda d: str(d).replace("concentration", "")
)


@pairs
@at_each_alpha
def test_quadrature_agrees_with_the_closed_form(p, q, alpha):
    torch.testing.assert_close(
        alpha_divergence_quadrature(p, q, alpha), alpha_divergence(p, q, alpha), rtol=1e-10, atol=0
    )


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (of(Laplace, 1.0, 1.0), of(Laplace, 0.0, 0.5)),
        (of(Pareto, 1.0, 2.0), of(Pareto, 1.0, 3.0)),
        (of(Gumbel, 0.0, 1.0), of(Gumbel, 1.0, 2.0)),
        (of(Exponential, 1.0), of(Gumbel, 0.0, 1.0)),
        (of(Gamma, 2.0, 1.0), of(Normal, 1.0, 2.0)),
        (of(Uniform, 0.0, 1.0), of(Beta, 2.0, 3.0)),
        (of(Laplace, 0.0, 1.0), of(Normal, 1.0, 2.0)),
    ],
)
def test_ends_are_those_of_torch_where_it_knows_them(p, q):
    torch.testing.assert_close(alpha_divergence(p, q, 1.0), kl_divergence(p, q), rtol=1e-9, atol=0)
    torch.testing.assert_close(alpha_divergence(q, p, 0.0), kl_divergence(p, q), rtol=1e-9, atol=0)


def test_cauchy_has_its_known_divergence():
    """Chyzak and Nielsen, A closed-form formula for KL between Cauchy distributions, 2019."""
    p, q = of(Cauchy, 0.0, 1.0), of(Cauchy, 1.0, 2.0)
    assert alpha_divergence(p, q, 1.0).item() == pytest.approx(math.log(10 / 8), rel=1e-10)


def test_overlap_of_laplaces_is_known_beyond_rounding():
    """∫√pq = (1 + d/2) e^{−d/2} for unit Laplace densities a distance d apart."""
    value = bhattacharyya_distance(of(Laplace, 0.0, 1.0), of(Laplace, 100.0, 1.0))
    assert value.item() == pytest.approx(50 - math.log(51), rel=1e-10)


def test_heavier_tails_are_infinitely_far():
    cauchy, normal = of(Cauchy, 0.0, 1.0), of(Normal, 0.0, 1.0)
    assert alpha_divergence(cauchy, normal, 1.0) == math.inf
    assert alpha_divergence(normal, cauchy, 0.0) == math.inf
    assert alpha_divergence(cauchy, normal, 0.0) < math.inf
    assert pearson_chi_squared(cauchy, normal) == math.inf


@pytest.mark.parametrize(
    ("p", "q", "overlap", "ends"),
    [
        ((0.0, 1.0), (2.0, 3.0), lambda _: 0.0, (math.inf, math.inf)),
        ((0.0, 1.0), (0.0, 4.0), lambda alpha: 4 ** (alpha - 1), (math.inf, math.log(4))),
        ((0.0, 2.0), (1.0, 2.0), lambda alpha: 2**-alpha, (math.log(2), math.inf)),
        ((0.0, 2.0), (1.0, 3.0), lambda _: 0.5, (math.inf, math.inf)),
    ],
)
@at_each_alpha
def test_supports_count_as_the_mathematics_says(p, q, overlap, ends, alpha):
    value = alpha_divergence(of(Uniform, *p), of(Uniform, *q), alpha)
    curvature = alpha * (1 - alpha)
    expected = (1 - overlap(alpha)) / curvature if curvature else ends[int(alpha)]
    tolerance = 1e-10 if alpha in (0, 1) or 0.01 < alpha < 0.99 else 1e-6  # the reference's own
    assert value.item() == pytest.approx(expected, rel=tolerance)


@at_each_alpha
def test_disjoint_supports_have_no_gradient(alpha):
    high = real(1.0, requires_grad=True)
    alpha_divergence(Uniform(real(0.0), high), of(Uniform, 2.0, 3.0), alpha).backward()
    assert high.grad == 0
    assert log_divergence(of(Uniform, 0.0, 1.0), of(Uniform, 2.0, 3.0), alpha) == math.inf


def slope(divergence, *values):
    return torch.autograd.gradcheck(divergence, [real(v, requires_grad=True) for v in values])


@at_each("alpha", [0.0, 1e-8, 0.3, 1.0])
def test_gradients_of_quadrature_are_slopes(alpha):
    def shifted(loc, scale):
        return alpha_divergence(Gumbel(loc, scale), Laplace(loc.square(), scale / 2), alpha)

    assert slope(shifted, [0.0, 0.3], [1.0, 2.0])


@at_each("alpha", [1e-8, 0.3, 0.999])
def test_gradients_of_the_ends_of_a_support_are_slopes(alpha):
    def resized(low, high):
        return alpha_divergence(Uniform(low, high), Uniform(low - 0.1, high - 0.3), alpha)

    assert slope(resized, [0.0, 0.3], [1.0, 2.0])


def test_batches_broadcast_in_quadrature():
    p, q = Normal(real([0.0, 1.0]), real(1.0)), Laplace(real([[0.0], [3.0], [5.0]]), real(1.0))
    together = alpha_divergence(p, q, 0.4)
    alone = alpha_divergence(of(Normal, 1.0, 1.0), of(Laplace, 3.0, 1.0), 0.4)
    assert together.shape == (3, 2)
    assert together[1, 1].item() == pytest.approx(alone.item(), rel=1e-10)


@at_each("alpha", [0.0, 0.3, 1.0])
def test_mixture_is_resolved(alpha):
    modes = Normal(real([-4.0, -2.0, 0.0, 2.0, 4.0]), 0.1 * torch.ones(5).double())
    mixture = MixtureSameFamily(Categorical(torch.ones(5).double()), modes)
    assert alpha_divergence(mixture, mixture, alpha) == 0
    value = alpha_divergence(mixture, of(Normal, 0.0, 1.0), alpha)
    x = torch.linspace(-12, 12, 240_001, dtype=torch.float64)
    p, q = mixture.log_prob(x), of(Normal, 0.0, 1.0).log_prob(x)
    if alpha in (0, 1):
        expected = (p.exp() * (p - q) if alpha else q.exp() * (q - p)).sum() * 1e-4
    else:
        overlap = (alpha * p + (1 - alpha) * q).exp().sum() * 1e-4
        expected = (1 - overlap) / (alpha * (1 - alpha))
    assert value.item() == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (of(StudentT, 3.0), of(Normal, 0.0, 1.0)),
        (of(Weibull, 1.0, 2.0), of(Gamma, 2.0, 1.0)),
        (of(HalfNormal, 1.0), of(HalfCauchy, 1.0)),
        (of(Kumaraswamy, 2.0, 3.0), of(Beta, 2.0, 3.0)),
        (of(Pareto, 1.0, 2.0), of(LogNormal, 0.0, 1.0)),
        (of(Geometric, 0.3), of(Poisson, 3.0)),
    ],
    ids=lambda d: type(d).__name__,
)
def test_monte_carlo_agrees_with_the_fallback(p, q):
    estimate, error = alpha_divergence_monte_carlo(
        p, q, 0.4, 20_000, torch.Generator().manual_seed(1)
    )
    assert abs(estimate - alpha_divergence(p, q, 0.4)) < 4 * error
    assert error < 0.02


@at_each_alpha
def test_standard_error_is_the_spread_of_estimates(alpha):
    rng = torch.Generator().manual_seed(0)
    p, q = Normal(torch.full((400,), 1.0), 1.0), Normal(torch.zeros(400), 1.5)
    estimates, errors = alpha_divergence_monte_carlo(p, q, alpha, 200, rng)
    exact = alpha_divergence(p, q, alpha)[0]
    assert estimates.mean().item() == pytest.approx(exact.item(), abs=4 * errors.mean().item() / 20)
    assert estimates.std().item() == pytest.approx(errors.mean().item(), rel=0.15)


def test_monte_carlo_sees_the_part_that_one_alone_would_miss():
    estimate, error = alpha_divergence_monte_carlo(
        of(Uniform, 0.0, 2.0), of(Uniform, 1.0, 3.0), 0.5, 10_000, torch.Generator().manual_seed(0)
    )
    assert abs(estimate - 2) < 4 * error


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (
            MultivariateNormal(torch.ones(3).double() / 2, torch.eye(3).double()),
            MultivariateNormal(torch.zeros(3).double(), 1.5 * torch.eye(3).double()),
        ),
        (of(Dirichlet, [2.0, 3.0, 0.4]), of(Dirichlet, [[1.5, 0.7, 2.2], [1.0, 1.0, 1.0]])),
    ],
    ids=lambda d: type(d).__name__,
)
@at_each_alpha
def test_monte_carlo_serves_any_dimension(p, q, alpha):
    estimate, error = alpha_divergence_monte_carlo(
        p, q, alpha, 10_000, torch.Generator().manual_seed(0)
    )
    exact = alpha_divergence(p, q, alpha)
    assert estimate.shape == error.shape == exact.shape
    assert (abs(estimate - exact) < 4 * error).all()


def test_monte_carlo_repeats_itself_and_leaves_the_global_state():
    p, q = of(Normal, 1.0, 1.0), of(Normal, 0.0, 1.0)
    state = torch.get_rng_state()
    first, second = (
        alpha_divergence_monte_carlo(p, q, 0.5, 100, torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    assert torch.equal(torch.stack(first), torch.stack(second))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (of(Poisson, 3.0), of(Poisson, 5.0)),
        (of(Poisson, 300.0), of(Poisson, 330.0)),
        (of(Bernoulli, 0.3), of(Bernoulli, 0.8)),
        (of(Categorical, [0.2, 0.3, 0.5]), of(Categorical, [0.5, 0.3, 0.2])),
    ],
)
@at_each_alpha
def test_sum_agrees_with_the_closed_form(p, q, alpha):
    torch.testing.assert_close(
        alpha_divergence_sum(p, q, alpha), alpha_divergence(p, q, alpha), rtol=1e-10, atol=0
    )


@at_each_alpha
def test_geometric_has_its_known_overlap(alpha):
    p, q = 0.5, 0.001
    value = alpha_divergence(of(Geometric, p), of(Geometric, q), alpha).item()
    if alpha in (0, 1):
        a, b = (p, q) if alpha else (q, p)
        expected = math.log(a / b) + (1 - a) / a * math.log((1 - a) / (1 - b))
    else:
        tail = (1 - p) ** alpha * (1 - q) ** (1 - alpha)
        expected = (1 - p**alpha * q ** (1 - alpha) / (1 - tail)) / (alpha * (1 - alpha))
    tolerance = 1e-10 if alpha in (0, 1) or 0.01 < alpha < 0.99 else 1e-6
    assert value == pytest.approx(expected, rel=tolerance)


def test_independent_trials_add():
    """A binomial is n coins, up to a sufficient statistic."""
    binomials = alpha_divergence(Binomial(7, real(0.3)), Binomial(7, real(0.6)), 0.4)
    coin = log_divergence(of(Bernoulli, 0.3), of(Bernoulli, 0.6), 0.4).item()
    assert binomials.item() == pytest.approx(-math.expm1(-0.24 * 7 * coin) / 0.24, rel=1e-12)


def test_unequal_integer_supports_count_as_the_mathematics_says():
    few, many = Binomial(3, real(0.5)), of(NegativeBinomial, 3.0, 0.5)
    assert alpha_divergence(few, many, 0.0) == math.inf
    assert 0 < alpha_divergence(few, many, 1.0) < math.inf
    assert pearson_chi_squared(of(Geometric, 0.5), of(Poisson, 1.0)) == math.inf


def test_overlap_of_far_counts_is_known_beyond_rounding():
    far = renyi_divergence(of(Geometric, 0.5), of(Poisson, 1000.0), 0.5)
    log_terms = [
        -(k + 1) * math.log(2) / 2 + (k * math.log(1000) - 1000 - math.lgamma(k + 1)) / 2
        for k in range(3000)
    ]
    top = max(log_terms)
    overlap = top + math.log(sum(math.exp(term - top) for term in log_terms))
    assert far.item() == pytest.approx(-2 * overlap, rel=1e-10)


@at_each_alpha
def test_gradients_of_sums_are_slopes(alpha):
    def divergence(p, q):
        return alpha_divergence(Geometric(p), Poisson(q), alpha)

    assert slope(divergence, [0.3, 0.6], [2.0, 0.5])


def test_float32_parameters_are_integrated_in_float64():
    p, q = Laplace(1.0, 1.0), Normal(0.0, 1.0)
    value = alpha_divergence(p, q, 0.4)
    assert value.dtype == torch.float32
    exact = alpha_divergence(of(Laplace, 1.0, 1.0), of(Normal, 0.0, 1.0), 0.4)
    torch.testing.assert_close(value, exact.float())


class Unbounded(Distribution):
    """A distribution on all integers."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.integer_interval(-math.inf, 0)

    def log_prob(self, value):
        return value * math.log(2) - math.log(2)


ONE_SIDED = Unbounded(validate_args=False)
PLANE = MultivariateNormal(torch.ones(2), torch.eye(2))
REFUSED = [
    (alpha_divergence, Bernoulli(0.5), Normal(0.0, 1.0), "on the integers, got Bernoulli and Nor"),
    (alpha_divergence, Normal(0.0, 1.0), Poisson(1.0), "on the line, got Normal and Poisson"),
    (alpha_divergence, Dirichlet(torch.ones(2)), PLANE, "use alpha_divergence_monte_carlo, or"),
    (alpha_divergence_quadrature, PLANE, PLANE, "densities on the line, got MultivariateNormal"),
    (alpha_divergence_sum, HalfNormal(1.0), HalfNormal(2.0), "on the integers, got HalfNormal"),
    (alpha_divergence_sum, ONE_SIDED, ONE_SIDED, "bounded from below, got Unbounded"),
    (alpha_divergence, VonMises(0.0, 1.0), VonMises(1.0, 1.0), "nodes do not resolve VonMises"),
    (alpha_divergence, Gamma(0.01, 1.0), Weibull(1.0, 1.0), "nodes do not resolve Gamma"),
    (alpha_divergence, Geometric(1e-7), Geometric(1e-6), "terms are not enough for Geometric"),
]


@pytest.mark.parametrize(("function", "p", "q", "message"), REFUSED)
def test_what_cannot_be_had_is_refused_with_a_remedy(function, p, q, message, monkeypatch):
    monkeypatch.setattr("alpha_bridge.divergence.summation.MOST_TERMS", 2**12)
    with pytest.raises(ValueError, match=message):
        function(p, q, 0.5)


@pytest.mark.parametrize("function", [alpha_divergence_quadrature, alpha_divergence_sum])
def test_alpha_outside_the_unit_interval_is_refused(function):
    with pytest.raises(ValueError, match=r"alpha must lie in \[0, 1\], got 1.1"):
        function(Poisson(1.0), Poisson(1.0), 1.1)


def test_monte_carlo_refuses_bad_arguments():
    p, rng = Normal(0.0, 1.0), torch.Generator()
    with pytest.raises(ValueError, match=r"alpha must lie in \[0, 1\], got -0.1"):
        alpha_divergence_monte_carlo(p, p, -0.1, 100, rng)
    with pytest.raises(ValueError, match="samples must be at least 2, got 1"):
        alpha_divergence_monte_carlo(p, p, 0.5, 1, rng)


def test_density_without_moments_is_integrated_from_any_point():
    shifted = TransformedDistribution(of(Normal, 0.0, 1.0), AffineTransform(real(0.5), real(2.0)))
    torch.testing.assert_close(
        alpha_divergence_quadrature(shifted, of(Normal, 0.0, 1.0), 0.3),
        alpha_divergence(of(Normal, 0.5, 2.0), of(Normal, 0.0, 1.0), 0.3),
        rtol=1e-9,
        atol=0,
    )
