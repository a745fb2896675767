"""Each closed form against the integral or sum that defines it, to 40 digits, with its gradient."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import mpmath
import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Exponential,
    Gamma,
    Normal,
    OneHotCategorical,
    Poisson,
    kl_divergence,
)

from alpha_bridge.divergence import alpha_divergence, log_divergence, renyi_divergence
from alpha_bridge.divergence.excess import excess_of_exp, excess_of_log_det, excess_of_log_gamma

DIGITS = 40


def log_normal(mean, scale):
    return lambda x: -(((x - mean) / scale) ** 2) / 2 - mpmath.log(2 * mpmath.pi * scale**2) / 2


def log_gamma(concentration, rate):
    constant = concentration * mpmath.log(rate) - mpmath.loggamma(concentration)
    return lambda x: constant + (concentration - 1) * mpmath.log(x) - rate * x


def log_exponential(rate):
    return lambda x: mpmath.log(rate) - rate * x


def log_beta(a, b):
    constant = mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b)
    return lambda logs: constant + (a - 1) * logs[0] + (b - 1) * logs[1]


def log_poisson(rate):
    return lambda k: k * mpmath.log(rate) - rate - mpmath.loggamma(k + 1)


def log_bernoulli(probability):
    return lambda k: mpmath.log(probability if k else 1 - probability)


def log_categorical(*weights):
    return lambda k: mpmath.log(weights[k] / sum(weights))


def line():
    """The trapezoidal rule, exact to 1e-30 for Gaussians."""
    return [(mpmath.mpf(k) / 10, mpmath.mpf(1) / 10) for k in range(-300, 301)]


def half_line():
    return [(x, x * slope) for x, slope in double_exponential()]


def unit_interval():
    """Points as (log x, log(1 − x)), so that both ends are kept apart from 0 and 1."""
    return [
        ((-mpmath.log1p(1 / x), -mpmath.log1p(x)), x / (1 + x) ** 2 * slope)
        for x, slope in double_exponential()
    ]


def double_exponential():
    step, half = mpmath.mpf(1) / 48, mpmath.pi / 2
    times = [k * step for k in range(-48 * 5, 48 * 5 + 1)]
    return [(mpmath.exp(half * mpmath.sinh(t)), step * half * mpmath.cosh(t)) for t in times]


def integers(count):
    return lambda: [(k, 1) for k in range(count)]


@dataclass(frozen=True)
class Case:
    """Two members of a family, and how to integrate over it."""

    name: str
    build: object
    log_density: object
    points: object
    p: tuple
    q: tuple

    def __str__(self):
        return f"{self.name}{self.p}{self.q}"

    def distributions(self, dtype=torch.float64, requires_grad=False):
        leaves = [
            torch.tensor(side, dtype=dtype, requires_grad=requires_grad)
            for side in (self.p, self.q)
        ]
        return *(self.build(leaf) for leaf in leaves), leaves


def spread(cls):
    return lambda parameters: cls(*parameters)


def case(cls, log_density, points, p, q, build=None):
    return Case(cls.__name__, build or spread(cls), log_density, points, p, q)


CASES = [
    case(Normal, log_normal, line, (0.7, 1.3), (0.0, 1.0)),
    case(Normal, log_normal, line, (-2.0, 0.6), (0.5, 2.0)),
    case(Normal, log_normal, line, (3.0, 1.0), (0.0, 1.0)),
    case(Normal, log_normal, line, (0.0, 2.0), (0.0, 0.7)),
    case(Normal, log_normal, line, (0.1, 1.0), (0.1, 1.001)),
    case(Exponential, log_exponential, half_line, (1.0,), (2.5,)),
    case(Exponential, log_exponential, half_line, (1.0,), (0.05,)),
    case(Gamma, log_gamma, half_line, (2.0, 1.0), (3.5, 0.7)),
    case(Gamma, log_gamma, half_line, (0.5, 3.0), (7.0, 0.4)),
    case(Gamma, log_gamma, half_line, (2.0, 1.0), (2.001, 1.0)),
    case(Beta, log_beta, unit_interval, (2.0, 3.0), (1.5, 0.7)),
    case(Beta, log_beta, unit_interval, (0.6, 0.6), (9.0, 4.0)),
    case(Poisson, log_poisson, integers(120), (3.0,), (5.0,)),
    case(Poisson, log_poisson, integers(120), (0.01,), (12.0,)),
    case(Poisson, log_poisson, integers(120), (3.0,), (3.001,)),
    case(Bernoulli, log_bernoulli, integers(2), (0.3,), (0.9,)),
    case(Bernoulli, log_bernoulli, integers(2), (0.999,), (0.5,)),
    case(Categorical, log_categorical, integers(3), (0.2, 0.3, 0.5), (0.6, 0.3, 0.1), Categorical),
    case(
        OneHotCategorical,
        log_categorical,
        integers(3),
        (0.25, 0.25, 0.5),
        (0.25, 0.75 / 1024, 0.75 - 0.75 / 1024),
        OneHotCategorical,
    ),
]
APART = [
    case for case in CASES if max(abs(a - b) for a, b in zip(case.p, case.q, strict=True)) > 0.01
]
families = pytest.mark.parametrize("case", CASES, ids=str)


@cache
def table(case):
    """Weight, p, q and their logarithms at each point."""
    with mpmath.workdps(DIGITS):
        log_p, log_q = (case.log_density(*map(mpmath.mpf, side)) for side in (case.p, case.q))
        return [(weight, log_p(x), log_q(x)) for x, weight in case.points()]


@cache
def scores(case, of_p):
    """Derivative of the log-density by each parameter of p (or of q) at each point."""
    with mpmath.workdps(2 * DIGITS):
        step = mpmath.mpf(10) ** (-DIGITS // 2)
        parameters = list(map(mpmath.mpf, case.p if of_p else case.q))
        columns = []
        for index in range(len(parameters)):
            ahead, behind = (
                case.log_density(
                    *parameters[:index], parameters[index] + h, *parameters[index + 1 :]
                )
                for h in (step, -step)
            )
            columns.append([(ahead(x) - behind(x)) / (2 * step) for x, _ in case.points()])
        return columns


def divergence_by_definition(case, alpha):
    """Equation (8), with the Kullback-Leibler integrals at its ends."""
    with mpmath.workdps(DIGITS):
        alpha = mpmath.mpf(alpha)
        if alpha in (0, 1):
            sign = 1 if alpha else -1
            return mpmath.fsum(
                sign * w * mpmath.exp(lp if alpha else lq) * (lp - lq) for w, lp, lq in table(case)
            )
        overlap = mpmath.fsum(
            w * mpmath.exp(alpha * lp + (1 - alpha) * lq) for w, lp, lq in table(case)
        )
        return (1 - overlap) / (alpha * (1 - alpha))


def gradient_by_definition(case, alpha, of_p):
    r"""Equation (9) for p, its dual for q; the limits −∫ ∇p log(q/p), −∫ ∇q log(p/q) at 1 and 0."""
    with mpmath.workdps(DIGITS):
        alpha = mpmath.mpf(alpha)
        rest = 1 - alpha if of_p else alpha

        def weight(lp, lq):
            if rest == 0:
                own, other = (lp, lq) if of_p else (lq, lp)
                return mpmath.exp(own) * (other - own)
            return mpmath.exp(alpha * lp + (1 - alpha) * lq) / rest

        weights = [w * weight(lp, lq) for w, lp, lq in table(case)]
        return [
            float(-mpmath.fsum(w * s for w, s in zip(weights, column, strict=True)))
            for column in scores(case, of_p)
        ]


@families
def test_reference_integrates_both_densities(case):
    with mpmath.workdps(DIGITS):
        for side in (1, 2):
            mass = mpmath.fsum(row[0] * mpmath.exp(row[side]) for row in table(case))
            assert abs(mass - 1) < 1e-23


@families
def test_closed_form_is_the_integral_that_defines_it(case, alpha):
    p, q, _ = case.distributions()
    expected = float(divergence_by_definition(case, alpha))
    assert alpha_divergence(p, q, alpha).item() == pytest.approx(expected, rel=1e-10)


@families
def test_gradients_are_the_integrals_of_equation_9(case, alpha):
    p, q, leaves = case.distributions(requires_grad=True)
    alpha_divergence(p, q, alpha).backward()
    for leaf, of_p in zip(leaves, (True, False), strict=True):
        expected = gradient_by_definition(case, alpha, of_p)
        assert leaf.grad.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-14)


@families
def test_gradients_are_the_slopes_of_the_value(case, alpha):
    def divergence(p, q):
        return alpha_divergence(case.build(p), case.build(q), alpha)

    _, _, leaves = case.distributions(requires_grad=True)
    assert torch.autograd.gradcheck(divergence, leaves)


@families
def test_ends_are_those_of_torch(case):
    p, q, _ = case.distributions()
    for end, expected in ((0.0, kl_divergence(q, p)), (1.0, kl_divergence(p, q))):
        torch.testing.assert_close(alpha_divergence(p, q, end), expected, rtol=1e-7, atol=1e-15)


@families
def test_exchange_of_p_and_q_mirrors_alpha(case, alpha):
    p, q, _ = case.distributions()
    torch.testing.assert_close(
        alpha_divergence(p, q, alpha), alpha_divergence(q, p, 1 - alpha), rtol=1e-11, atol=0
    )


@families
def test_divergence_from_itself_is_zero_and_so_is_its_gradient(case, alpha):
    _, _, (leaf, _) = case.distributions(requires_grad=True)
    divergence = alpha_divergence(case.build(leaf), case.build(leaf.detach()), alpha)
    divergence.backward()
    assert divergence.item() == pytest.approx(0, abs=1e-15)
    assert leaf.grad.tolist() == pytest.approx([0] * len(leaf), abs=1e-14)


@pytest.mark.parametrize("case", APART, ids=str)
def test_float32_keeps_five_digits(case, alpha):
    p, q, _ = case.distributions(torch.float32)
    value = alpha_divergence(p, q, alpha)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(float(divergence_by_definition(case, alpha)), rel=1e-5)


@families
def test_renyi_divergence_increases_with_its_order(case):
    p, q, _ = case.distributions()
    orders = [1e-6, 0.2, 0.5, 0.9, 1.0, 1.1, 1.5, 2.0, 3.0]
    values = [renyi_divergence(p, q, order).item() for order in orders]
    assert all(a <= b for a, b in pairwise(values))
    assert values[0] < values[-1]


@pytest.mark.parametrize("order", [-0.02, 1.02])
@families
def test_logarithmic_form_continues_beyond_the_unit_interval(case, order):
    p, q, _ = case.distributions()
    curvature = order * (1 - order)
    definition = divergence_by_definition(case, order)
    with mpmath.workdps(DIGITS):
        expected = float(-mpmath.log1p(-curvature * definition) / curvature)
    assert log_divergence(p, q, order).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (Exponential(1.0), Exponential(3.0)),
        (Gamma(2.0, 1.0), Gamma(2.0, 3.0)),
        (Gamma(1.0, 1.0), Gamma(3.0, 1.0)),
        (Beta(1.0, 1.0), Beta(3.0, 1.0)),
        (Normal(0.0, 2.0), Normal(0.0, 1.0)),
        (Bernoulli(0.5), Bernoulli(1.0)),
    ],
    ids=lambda d: type(d).__name__,
)
def test_divergence_is_infinite_where_its_integral_is(p, q):
    """Of p² / q, by the tails, the singular ends, and the supports."""
    assert log_divergence(p, q, 2.0) == torch.inf
    assert log_divergence(q, p, -1.0) == torch.inf


def test_dirichlet_of_two_is_beta(alpha):
    p, q = torch.tensor([[2.0, 3.0], [1.5, 0.7]]).double()
    torch.testing.assert_close(
        alpha_divergence(Dirichlet(p), Dirichlet(q), alpha),
        alpha_divergence(Beta(*p), Beta(*q), alpha),
        rtol=1e-14,
        atol=0,
    )


def test_dirichlet_is_its_log_normaliser(alpha):
    """D = (1 − B(αa + (1−α)b) / B(a)^α B(b)^{1−α}) / α(1−α), Nielsen and Nock (2011)."""
    a, b = [2.0, 3.0, 0.4], [1.5, 0.7, 2.2]

    def log_beta_function(c):
        return mpmath.fsum(map(mpmath.loggamma, c)) - mpmath.loggamma(mpmath.fsum(c))

    with mpmath.workdps(60):
        exact = mpmath.mpf(alpha) if 0 < alpha < 1 else abs(alpha - mpmath.mpf("1e-25"))
        mixed = [exact * x + (1 - exact) * y for x, y in zip(a, b, strict=True)]
        log_overlap = (
            log_beta_function(mixed)
            - exact * log_beta_function(a)
            - (1 - exact) * log_beta_function(b)
        )
        expected = float(-mpmath.expm1(log_overlap) / (exact * (1 - exact)))
    p, q = (Dirichlet(torch.tensor(c, dtype=torch.float64)) for c in (a, b))
    assert alpha_divergence(p, q, alpha).item() == pytest.approx(expected, rel=1e-10)


def test_gradient_of_dirichlet_is_its_slope(alpha):
    def divergence(p, q):
        return alpha_divergence(Dirichlet(p), Dirichlet(q), alpha)

    p = torch.tensor([[2.0, 3.0, 0.4], [1.0, 1.0, 5.0]], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([1.5, 0.7, 2.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(divergence, (p, q))


def test_exponential_is_gamma_of_concentration_one(alpha):
    p, q = Exponential(torch.tensor(2.0).double()), Exponential(torch.tensor(0.7).double())
    p_gamma, q_gamma = (Gamma(torch.ones_like(d.rate), d.rate) for d in (p, q))
    expected = alpha_divergence(p, q, alpha)
    for pair in ((p_gamma, q_gamma), (p, q_gamma), (p_gamma, q)):
        torch.testing.assert_close(alpha_divergence(*pair, alpha), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("ratio", [1 + 1e-9, 1.001, 3.0, 1e3, 1e9])
def test_excess_of_log_gamma_is_its_definition(ratio, alpha):
    x, y = 0.02, 0.02 * ratio
    with mpmath.workdps(60):
        exact = mpmath.mpf(alpha) if 0 < alpha < 1 else abs(alpha - mpmath.mpf("1e-30"))
        gap = (
            exact * mpmath.loggamma(x)
            + (1 - exact) * mpmath.loggamma(y)
            - mpmath.loggamma(exact * x + (1 - exact) * mpmath.mpf(y))
        )
        expected = float(gap / (exact * (1 - exact)))
    value = excess_of_log_gamma(*torch.tensor([x, y], dtype=torch.float64), alpha)
    assert value.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gap", [-0.999, -0.51, -0.49, -1e-9, 0.0, 1e-9, 0.49, 0.51, 1e9])
@pytest.mark.parametrize("alpha", [-0.3, 0.0, 1e-8, 0.3, 0.5])
def test_excess_of_the_logarithm_is_its_definition(gap, alpha):
    with mpmath.workdps(60):
        exact, g = mpmath.mpf(alpha or "1e-30"), mpmath.mpf(gap)
        inside = 1 + exact * g
        difference = mpmath.log1p(exact * g) / exact - mpmath.log1p(g) if inside > 0 else mpmath.inf
        expected = float(difference / (1 - exact))
    gaps = torch.tensor([gap], dtype=torch.float64)
    value = excess_of_log_det(gaps, torch.log1p(gaps[0]), alpha)
    assert value.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("u", [-800.0, -3.0, -0.49, -1e-9, 0.0, 1e-9, 0.3, 2.0, 30.0])
def test_excess_of_the_exponential_is_its_definition(u, alpha):
    with mpmath.workdps(60):
        exact = mpmath.mpf(alpha) if 0 < alpha < 1 else abs(alpha - mpmath.mpf("1e-30"))
        gap = exact * mpmath.exp(u) + (1 - exact) - mpmath.exp(exact * mpmath.mpf(u))
        expected = float(gap / (exact * (1 - exact)))
    log_x, log_y = torch.tensor([u, 0.0], dtype=torch.float64)
    assert excess_of_exp(log_x, log_y, log_x, alpha).item() == pytest.approx(expected, rel=1e-12)


def test_excess_of_the_exponential_does_not_overflow(alpha):
    """The far ends of a line, where both densities vanish at their own pace."""
    log_x = torch.tensor([-1e3, -1e300, -5.0, -1e5], dtype=torch.float64)
    log_y = torch.tensor([-1e300, -1e3, -1e5, -torch.inf], dtype=torch.float64)
    log_x, log_y = log_x.requires_grad_(), log_y.requires_grad_()
    terms = excess_of_exp(log_x, log_y, log_x - log_y, alpha)
    terms.sum().backward()
    assert not terms.isnan().any()
    assert log_x.grad.isfinite().all()
    assert log_y.grad.isfinite().all()
