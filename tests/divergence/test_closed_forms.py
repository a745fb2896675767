"""Each closed form against the integral or sum that defines it, to 40 digits, with its gradient."""

from itertools import pairwise

import mpmath
import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Dirichlet,
    Exponential,
    Gamma,
    Normal,
    kl_divergence,
)

from alpha_bridge.divergence import alpha_divergence, log_divergence, renyi_divergence
from alpha_bridge.divergence.excess import excess_of_exp, excess_of_log_det, excess_of_log_gamma
from tests.divergence.high_precision import ALPHAS, BEYOND, CASES, DIGITS, compute, stored, table
from tests.looping import at_each, at_each_alpha

APART = [
    case for case in CASES if max(abs(a - b) for a, b in zip(case.p, case.q, strict=True)) > 0.01
]
families = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.mark.parametrize("case", CASES[::4], ids=str)
def test_the_reference_integrates_both_densities(case):
    with mpmath.workdps(DIGITS):
        for side in (1, 2):
            mass = mpmath.fsum(row[0] * mpmath.exp(row[side]) for row in table(case))
            assert abs(mass - 1) < 1e-23


@pytest.mark.parametrize(("case", "alpha"), [(CASES[0], 0.1), (CASES[12], 1.0), (CASES[15], 1e-8)])
def test_the_stored_numbers_are_those_of_their_script(case, alpha):
    assert stored(case, alpha) == compute(case, alpha)


def test_every_case_is_stored_at_every_alpha():
    for case in CASES:
        for alpha in (*ALPHAS, *BEYOND):
            assert stored(case, alpha)


@families
@at_each_alpha
def test_closed_form_is_the_integral_that_defines_it(case, alpha):
    p, q, _ = case.distributions()
    expected = stored(case, alpha)["value"]
    assert alpha_divergence(p, q, alpha).item() == pytest.approx(expected, rel=1e-10)


@families
@at_each_alpha
def test_gradients_are_the_integrals_of_equation_9(case, alpha):
    p, q, leaves = case.distributions(requires_grad=True)
    alpha_divergence(p, q, alpha).backward()
    for leaf, expected in zip(leaves, stored(case, alpha)["gradients"], strict=True):
        assert leaf.grad.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-14)


@at_each("alpha", [0.0, 0.5, 1 - 1e-8])
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


@at_each("alpha", [alpha for alpha in ALPHAS if alpha <= 0.5])
@families
def test_exchange_of_p_and_q_mirrors_alpha(case, alpha):
    p, q, _ = case.distributions()
    torch.testing.assert_close(
        alpha_divergence(p, q, alpha), alpha_divergence(q, p, 1 - alpha), rtol=1e-11, atol=0
    )


@at_each("alpha", [0.0, 1e-8, 0.5, 1.0])
@families
def test_divergence_from_itself_is_zero_and_so_is_its_gradient(case, alpha):
    _, _, (leaf, _) = case.distributions(requires_grad=True)
    divergence = alpha_divergence(case.build(leaf), case.build(leaf.detach()), alpha)
    divergence.backward()
    assert divergence.item() == pytest.approx(0, abs=1e-15)
    assert leaf.grad.tolist() == pytest.approx([0] * len(leaf), abs=1e-14)


@pytest.mark.parametrize("case", APART, ids=str)
@at_each_alpha
def test_float32_keeps_five_digits(case, alpha):
    p, q, _ = case.distributions(torch.float32)
    value = alpha_divergence(p, q, alpha)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(stored(case, alpha)["value"], rel=1e-5)


@families
def test_renyi_divergence_increases_with_its_order(case):
    p, q, _ = case.distributions()
    orders = [1e-6, 0.2, 0.5, 0.9, 1.0, 1.1, 1.5, 2.0, 3.0]
    values = [renyi_divergence(p, q, order).item() for order in orders]
    assert all(a <= b for a, b in pairwise(values))
    assert values[0] < values[-1]


@pytest.mark.parametrize("order", BEYOND)
@families
def test_logarithmic_form_continues_beyond_the_unit_interval(case, order):
    p, q, _ = case.distributions()
    expected = stored(case, order)["logarithmic"]
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


@at_each_alpha
def test_dirichlet_of_two_is_beta(alpha):
    p, q = torch.tensor([[2.0, 3.0], [1.5, 0.7]]).double()
    torch.testing.assert_close(
        alpha_divergence(Dirichlet(p), Dirichlet(q), alpha),
        alpha_divergence(Beta(*p), Beta(*q), alpha),
        rtol=1e-14,
        atol=0,
    )


@at_each_alpha
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


@at_each_alpha
def test_gradient_of_dirichlet_is_its_slope(alpha):
    def divergence(p, q):
        return alpha_divergence(Dirichlet(p), Dirichlet(q), alpha)

    p = torch.tensor([[2.0, 3.0, 0.4], [1.0, 1.0, 5.0]], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([1.5, 0.7, 2.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(divergence, (p, q))


@at_each_alpha
def test_exponential_is_gamma_of_concentration_one(alpha):
    p, q = Exponential(torch.tensor(2.0).double()), Exponential(torch.tensor(0.7).double())
    p_gamma, q_gamma = (Gamma(torch.ones_like(d.rate), d.rate) for d in (p, q))
    expected = alpha_divergence(p, q, alpha)
    for pair in ((p_gamma, q_gamma), (p, q_gamma), (p_gamma, q)):
        torch.testing.assert_close(alpha_divergence(*pair, alpha), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("ratio", [1 + 1e-9, 1.001, 3.0, 1e3, 1e9])
@at_each_alpha
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
@at_each("alpha", [-0.3, 0.0, 1e-8, 0.3, 0.5])
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
@at_each_alpha
def test_excess_of_the_exponential_is_its_definition(u, alpha):
    with mpmath.workdps(60):
        exact = mpmath.mpf(alpha) if 0 < alpha < 1 else abs(alpha - mpmath.mpf("1e-30"))
        gap = exact * mpmath.exp(u) + (1 - exact) - mpmath.exp(exact * mpmath.mpf(u))
        expected = float(gap / (exact * (1 - exact)))
    log_x, log_y = torch.tensor([u, 0.0], dtype=torch.float64)
    assert excess_of_exp(log_x, log_y, log_x, alpha).item() == pytest.approx(expected, rel=1e-12)


@at_each_alpha
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
