"""Which closed form serves a pair, how closed forms compose, and which shapes fit."""

import pytest
import torch
from torch.distributions import (
    AffineTransform,
    Bernoulli,
    Chi2,
    ExpTransform,
    Gamma,
    HalfNormal,
    Independent,
    Laplace,
    LogisticNormal,
    LogNormal,
    MultivariateNormal,
    Normal,
    Poisson,
    SigmoidTransform,
    TransformedDistribution,
    Uniform,
)

from alpha_bridge.divergence import (
    alpha_divergence,
    alpha_divergence_monte_carlo,
    alpha_divergence_quadrature,
    alpha_divergence_sum,
    log_divergence,
    register_alpha_divergence,
    register_log_divergence,
)
from alpha_bridge.divergence.registry import _CLOSED_FORMS

three = pytest.mark.parametrize("alpha", [0.0, 0.5, 1 - 1e-8])


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr("alpha_bridge.divergence.registry._CLOSED_FORMS", dict(_CLOSED_FORMS))


class Base(Uniform):
    """A family with a closed form."""


class Derived(Base):
    """A family within it."""


def constant(value):
    def closed_form(p, _, alpha):
        return torch.full_like(p.low, value * (1 + alpha))

    return closed_form


def registered(cls):
    return cls(real(0.0), real(1.0))


@pytest.mark.usefixtures("registry")
class TestDispatch:
    def test_most_specific_pair_serves(self):
        register_log_divergence(Base, Base)(constant(1.0))
        register_log_divergence(Derived, Derived)(constant(2.0))
        register_log_divergence(Derived, Base)(constant(3.0))
        values = [
            log_divergence(registered(p), registered(q), 0.0).item()
            for p in (Base, Derived)
            for q in (Base, Derived)
        ]
        assert values == [1.0, 1.0, 3.0, 2.0]

    def test_equally_specific_pairs_are_refused(self):
        register_log_divergence(Base, Derived)(constant(1.0))
        register_log_divergence(Derived, Base)(constant(2.0))
        with pytest.raises(ValueError, match="fit Derived and Derived equally well"):
            log_divergence(registered(Derived), registered(Derived), 0.5)

    @three
    def test_registered_divergence_is_what_alpha_divergence_returns(self, alpha):
        closed_form = register_alpha_divergence(Base, Base)(constant(0.1))
        p = registered(Base)
        torch.testing.assert_close(
            alpha_divergence(p, p, alpha), closed_form(p, p, alpha), rtol=1e-14, atol=0
        )

    def test_registered_divergence_composes(self):
        register_alpha_divergence(Base, Base)(constant(0.1))
        p = Independent(Base(torch.zeros(3).double(), torch.ones(3).double()), 1)
        single = 0.25 * 0.1 * 1.5
        assert alpha_divergence(p, p, 0.5).item() == pytest.approx(4 * (1 - (1 - single) ** 3))


@three
def test_subclass_is_served_by_its_family(alpha):
    torch.testing.assert_close(
        alpha_divergence(Chi2(real(3.0)), Gamma(real(2.0), real(1.0)), alpha),
        alpha_divergence(Gamma(real(1.5), real(0.5)), Gamma(real(2.0), real(1.0)), alpha),
    )


def test_independent_dimensions_multiply_their_overlaps():
    p, q = Bernoulli(real([0.2, 0.7, 1.0])), Bernoulli(real([0.5, 0.6, 0.4]))
    overlap = 1 - 0.21 * alpha_divergence(p, q, 0.3)
    whole = alpha_divergence(Independent(p, 1), Independent(q, 1), 0.3)
    torch.testing.assert_close(whole, (1 - overlap.prod()) / 0.21, rtol=1e-12, atol=0)


def test_independent_dimensions_add_at_the_ends():
    p, q = Normal(real([0.2, 0.7]), real(1.0)), Normal(real([0.0, 0.0]), real([1.0, 2.0]))
    for end in (0.0, 1.0):
        whole = alpha_divergence(Independent(p, 1), Independent(q, 1), end)
        torch.testing.assert_close(whole, alpha_divergence(p, q, end).sum())


@three
def test_independent_dimensions_nest(alpha):
    loc = torch.randn(2, 3, 4).double()
    p, q = Normal(loc, real(1.0)), Normal(torch.zeros_like(loc), real(1.5))
    flat = alpha_divergence(Independent(p, 2), Independent(q, 2), alpha)
    nested = Independent(Independent(p, 1), 1)
    torch.testing.assert_close(alpha_divergence(nested, Independent(q, 2), alpha), flat)
    full = Independent(
        MultivariateNormal(torch.zeros(3, 4).double(), 2.25 * torch.eye(4).double()), 1
    )
    torch.testing.assert_close(alpha_divergence(Independent(p, 2), full, alpha), flat)


def test_independent_of_no_dimension_is_itself():
    p, q = Normal(real([0.0, 1.0]), real(1.0)), Normal(real([1.0, 1.0]), real(1.0))
    torch.testing.assert_close(
        alpha_divergence(Independent(p, 0), Independent(q, 0), 0.5), alpha_divergence(p, q, 0.5)
    )


def test_independent_dimensions_without_closed_form_are_integrated():
    p, q = Laplace(real([0.0, 1.0]), real(1.0)), Laplace(real([1.0, 1.0]), real(2.0))
    whole = log_divergence(Independent(p, 1), Independent(q, 1), 0.5)
    torch.testing.assert_close(whole, log_divergence(p, q, 0.5).sum())


@three
def test_one_disjoint_dimension_is_enough(alpha):
    rate = real([0.3, 0.0], requires_grad=True)
    q = Independent(Bernoulli(real([0.3, 1.0])), 1)
    whole = alpha_divergence(Independent(Bernoulli(rate), 1), q, alpha)
    whole.backward()
    assert whole == (1 / (alpha * (1 - alpha)) if 0 < alpha < 1 else torch.inf)
    assert rate.grad.isfinite().all()


P, Q = Normal(real(0.7), real(1.3)), Normal(real(0.0), real(1.0))


@three
@pytest.mark.parametrize(
    "bijection", [ExpTransform(), SigmoidTransform(), AffineTransform(3.0, -2.0)]
)
def test_bijection_changes_no_divergence(bijection, alpha):
    p, q = (TransformedDistribution(d, [bijection]) for d in (P, Q))
    torch.testing.assert_close(
        alpha_divergence(p, q, alpha), alpha_divergence(P, Q, alpha), rtol=1e-14, atol=0
    )


@three
def test_quadrature_does_not_know_that_a_bijection_changes_nothing(alpha):
    p, q = LogNormal(real(0.7), real(1.3)), LogNormal(real(0.0), real(1.0))
    torch.testing.assert_close(
        alpha_divergence_quadrature(p, q, alpha), alpha_divergence(P, Q, alpha), rtol=1e-9, atol=0
    )


@three
def test_bijection_of_many_dimensions_changes_no_divergence(alpha):
    locs = real([[0.3, -1.0], [0.0, 0.5]])
    p, q = (LogisticNormal(loc, torch.ones(2).double()) for loc in locs)
    p_base, q_base = (Independent(Normal(loc, torch.ones(2).double()), 1) for loc in locs)
    torch.testing.assert_close(
        alpha_divergence(p, q, alpha), alpha_divergence(p_base, q_base, alpha)
    )


def test_unequal_bijections_are_integrated():
    p = TransformedDistribution(Q, [AffineTransform(real(0.7), real(1.3))])
    q = TransformedDistribution(Q, [AffineTransform(real(0.0), real(1.0))])
    torch.testing.assert_close(
        alpha_divergence(p, q, 0.3), alpha_divergence(P, Q, 0.3), rtol=1e-9, atol=0
    )


def test_bijections_that_learn_keep_their_gradient():
    scale = real(1.0, requires_grad=True)
    p = TransformedDistribution(P, [AffineTransform(real(0.0), scale)])
    q = TransformedDistribution(Q, [AffineTransform(real(0.0), real(1.0))])
    alpha_divergence(p, q, 0.3).backward()
    wider = real(1.0, requires_grad=True)
    alpha_divergence(Normal(0.7 * wider, 1.3 * wider), Q, 0.3).backward()
    torch.testing.assert_close(scale.grad, wider.grad)


@three
def test_map_that_folds_is_no_bijection(alpha):
    p, q = HalfNormal(real(2.0)), HalfNormal(real(1.0))
    expected = alpha_divergence(Normal(real(0.0), real(2.0)), Q, alpha)
    torch.testing.assert_close(alpha_divergence(p, q, alpha), expected, rtol=1e-9, atol=0)


def monte_carlo(p, q, alpha):
    return alpha_divergence_monte_carlo(p, q, alpha, 10, torch.Generator())


EVERY_WAY = [alpha_divergence, alpha_divergence_quadrature, alpha_divergence_sum, monte_carlo]


@pytest.mark.parametrize("divergence", EVERY_WAY)
@pytest.mark.parametrize("family", [Poisson, HalfNormal])
def test_batches_that_do_not_broadcast_are_refused(divergence, family):
    with pytest.raises(ValueError, match=r"must broadcast, got \(2,\) and \(3,\)"):
        divergence(family(torch.ones(2)), family(torch.ones(3)), 0.5)


@pytest.mark.parametrize("divergence", EVERY_WAY)
def test_events_that_differ_are_refused(divergence):
    p = Independent(Normal(torch.zeros(2), 1.0), 1)
    with pytest.raises(ValueError, match=r"events of one shape, got \(2,\) and \(\)"):
        divergence(p, Normal(0.0, 1.0), 0.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logarithmic_form_refuses_what_is_no_number(value):
    with pytest.raises(ValueError, match=f"alpha must be a finite number, got {value}"):
        log_divergence(P, Q, value)
