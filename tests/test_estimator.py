"""Both twins of many models: unbiased by z-tests over many draws, against sums and quadrature."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Geometric,
    Independent,
    LogNormal,
    MixtureSameFamily,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Transform,
    TransformedDistribution,
    constraints,
)

from alpha_bridge import estimator, go
from alpha_bridge.divergence import tsallis_log
from alpha_bridge.gamma import CosineGamma, SigmoidGamma
from alpha_bridge.gamma import Gamma as GammaOfAlpha

LIMIT = 4.5
DRAWS = 20_000


def grid(points, weights=None):
    """Points of a sum; as many weights, one by default."""
    return points, torch.ones(len(points)).double() if weights is None else weights


def mapped(curve, low, high):
    """Trapezoids on a line that a smooth map carries to the support."""
    u = torch.arange(low, high, 0.005, dtype=torch.float64, requires_grad=True)
    x = curve(u)
    (slope,) = torch.autograd.grad(x.sum(), u)
    return x.detach(), 0.005 * slope


INTEGERS = torch.arange(60, dtype=torch.float64)
NONNEGATIVE = grid(INTEGERS)
POSITIVE = mapped(torch.exp, -25, 5)
UNIT = mapped(torch.sigmoid, -25, 25)
LINE = mapped(torch.sinh, -8, 8)
NEAR = mapped(torch.sinh, -4, 4)
SPREAD = mapped(torch.exp, -9, 9)


def categorical(logits):
    return Categorical(logits=logits)


# density, parameters of the model, parameters of the data, the support
MODELS = {
    "bernoulli": (Bernoulli, [0.3], [0.6], grid(INTEGERS[:2])),
    "poisson": (Poisson, [2.0], [2.6], NONNEGATIVE),
    "geometric": (Geometric, [0.4], [0.5], NONNEGATIVE),
    "negative binomial": (NegativeBinomial, [3.0, 0.3], [3.5, 0.35], NONNEGATIVE),
    "categorical": (
        categorical,
        [[0.3, -1.0, 0.8, 0.0, 0.1]],
        [[-0.2, 0.0, 0.3, 0.7, 0.2]],
        grid(torch.arange(5)),
    ),
    "gamma": (Gamma, [2.0, 1.3], [2.5, 1.5], POSITIVE),
    "beta": (Beta, [2.0, 3.0], [2.5, 2.5], UNIT),
    "student t": (StudentT, [6.0, 0.3, 1.1], [6.0, 0.0, 1.0], LINE),
    "normal": (Normal, [0.5, 0.9], [0.0, 1.0], NEAR),
    "log-normal": (LogNormal, [0.4, 0.9], [0.0, 1.0], SPREAD),
}
DISCRETE = list(MODELS)[:5]
every_model = pytest.mark.parametrize("name", MODELS)


def tensors(values):
    return [torch.tensor(value, dtype=torch.float64) for value in values]


class Case:
    """A model and its data, with the exact gradient of (8) by a sum over the support."""

    def __init__(self, name):
        self.density, model, data, (self.x, self.weights) = MODELS[name]
        self.parameters = [value.requires_grad_() for value in tensors(model)]
        self.p, self.q = self.density(*self.parameters), self.density(*tensors(data))

    def gradient(self, alpha):
        log_p, log_q = self.p.log_prob(self.x), self.q.log_prob(self.x)
        if alpha > 0.5:  # where the other form of (8) would lose digits
            divergence = -(self.weights * log_p.exp() * tsallis_log(log_q - log_p, 1 - alpha)).sum()
            divergence = divergence / alpha
        else:
            divergence = -(self.weights * log_q.exp() * tsallis_log(log_p - log_q, alpha)).sum()
            divergence = divergence / (1 - alpha)
        return self.flat(torch.autograd.grad(divergence, self.parameters, retain_graph=True))

    def flat(self, gradients):
        return torch.cat([gradient.reshape(-1) for gradient in gradients])

    def z_scores(self, alpha, surrogate, count=DRAWS):
        """Of each parameter's mean gradient over ``count`` draws."""
        gradients = estimator.sample_gradients(self.density, self.parameters, count, surrogate)
        drawn = torch.cat([gradient.reshape(count, -1) for gradient in gradients], 1)
        error = drawn.mean(0) - self.gradient(alpha)
        rounding = 1e-9  # a twin may have no variance at all
        return error / (drawn.std(0) / count**0.5 + rounding)


def reverse(case, alpha, count=DRAWS):
    return case.z_scores(
        alpha, lambda p: estimator.reverse(p, case.q, alpha, estimator.draw(p)), count
    )


@every_model
@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.7, 0.9])
def test_forward_twin_agrees_with_the_exact_gradient(name, alpha):
    case = Case(name)
    x = case.q.sample((DRAWS,))
    z = case.z_scores(alpha, lambda p: estimator.forward(p, case.q, alpha, x))
    assert z.abs().max() < LIMIT


@every_model
@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.7, 1 - 1e-9, 1.0])
def test_reverse_twin_agrees_with_the_exact_gradient(name, alpha):
    assert reverse(Case(name), alpha).abs().max() < LIMIT


@every_model
@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_combination_agrees_with_the_exact_gradient(name, alpha):
    case = Case(name)
    x = case.q.sample((DRAWS,))
    z = case.z_scores(
        alpha,
        lambda p: estimator.bridge(p, case.q, alpha, SigmoidGamma(), x, estimator.draw(p)),
    )
    assert z.abs().max() < LIMIT


class Biased(GammaOfAlpha):
    """A γ whose halves do not add up: the reverse twin has two percent too much."""

    def value(self, alpha):
        return 1.02 * CosineGamma()(alpha)

    def slope_to_one(self, beta):
        return CosineGamma().kappa(1 - beta)


@pytest.mark.slow
@pytest.mark.parametrize(("gamma", "agrees"), [(CosineGamma(), True), (Biased(), False)])
@pytest.mark.parametrize("name", ["poisson", "normal"])
def test_two_percent_of_bias_in_gamma_are_seen(name, gamma, agrees):
    case, count, alpha = Case(name), 1_000_000, 0.8
    x = case.q.sample((count,))
    z = case.z_scores(
        alpha, lambda p: estimator.bridge(p, case.q, alpha, gamma, x, estimator.draw(p)), count
    )
    assert z.abs().max() < LIMIT if agrees else z.abs().max() > 1.5 * LIMIT


@every_model
def test_a_wrong_sign_is_seen(name):
    case = Case(name)
    x = case.q.sample((DRAWS,))
    z = case.z_scores(0.5, lambda p: -estimator.forward(p, case.q, 0.5, x))
    assert z.abs().max() > 2 * LIMIT


@pytest.mark.parametrize("name", DISCRETE)
def test_a_model_that_moves_within_the_ratio_is_seen(name):
    case = Case(name)

    def surrogate(p):
        x = p.sample()
        moving = case.q.log_prob(x) - p.log_prob(x)
        return estimator.reverse(p, case.q, 0.3, x) + moving * (0.7 * moving.detach()).exp()

    assert case.z_scores(0.3, surrogate).abs().max() > 2 * LIMIT


@pytest.mark.parametrize("name", DISCRETE)
def test_reverse_twin_of_a_discrete_model_sums_to_the_exact_gradient(name, alpha):
    case = Case(name)
    mass = case.weights * case.p.log_prob(case.x).exp().detach()
    surrogate = (mass * estimator.reverse(case.p, case.q, alpha, case.x)).sum()
    actual = case.flat(torch.autograd.grad(surrogate, case.parameters, retain_graph=True))
    torch.testing.assert_close(actual, case.gradient(alpha), rtol=1e-6, atol=1e-8)


@every_model
def test_forward_twin_sums_to_the_exact_gradient(name):
    case = Case(name)
    mass = case.weights * case.q.log_prob(case.x).exp()
    surrogate = (mass * estimator.forward(case.p, case.q, 0.6, case.x)).sum()
    actual = case.flat(torch.autograd.grad(surrogate, case.parameters, retain_graph=True))
    torch.testing.assert_close(actual, case.gradient(0.6), rtol=1e-6, atol=1e-9)


def test_twins_of_a_vector_are_those_of_its_joint_density():
    mean, scale = torch.randn(2, 3, dtype=torch.float64).exp().requires_grad_()
    q = Independent(Normal(torch.zeros(3).double(), 1.0), 1)
    p = Independent(Normal(mean, scale), 1)
    assert estimator.forward(p, q, 0.5, q.sample((5, 4))).shape == (5, 4)
    assert estimator.reverse(p, q, 0.5, estimator.draw(p, 5, 4)).shape == (5, 4)


def test_reverse_twin_of_discrete_vectors_agrees_with_the_exact_gradient():
    rates = torch.tensor([1.0, 2.0], dtype=torch.float64)
    q = Independent(Poisson(torch.tensor([1.5, 1.6], dtype=torch.float64)), 1)
    moving = rates.clone().requires_grad_()
    pairs = torch.cartesian_prod(INTEGERS[:40], INTEGERS[:40])
    log_p, log_q = Independent(Poisson(moving), 1).log_prob(pairs), q.log_prob(pairs)
    divergence = -(log_q.exp() * tsallis_log(log_p - log_q, 0.4)).sum() / 0.6
    (exact,) = torch.autograd.grad(divergence, moving)
    (gradients,) = estimator.sample_gradients(
        lambda rate: Independent(Poisson(rate), 1),
        [rates],
        DRAWS,
        lambda p: estimator.reverse(p, q, 0.4, p.sample()),
    )
    z = (gradients.mean(0) - exact) / (gradients.std(0) / DRAWS**0.5)
    assert z.abs().max() < LIMIT


def test_samples_without_a_gradient_are_refused_where_they_need_one():
    p = Normal(torch.zeros(1, requires_grad=True), 1.0)
    with pytest.raises(ValueError, match=r"reverse twin of Normal needs samples that carry"):
        estimator.reverse(p, Normal(0.0, 1.0), 0.5, p.sample())


def test_samples_without_a_gradient_can_be_given_one():
    mean = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    p, q = Normal(mean, 1.0), Normal(torch.zeros(()).double(), 1.0)
    drawn = p.rsample((7,))
    expected = torch.autograd.grad(estimator.reverse(p, q, 0.4, drawn).sum(), mean)
    attached = go.attach(p, drawn)
    actual = torch.autograd.grad(estimator.reverse(p, q, 0.4, attached).sum(), mean)
    torch.testing.assert_close(actual, expected)


def test_only_the_surrogates_value_is_asked_for_without_gradients():
    p, q = Normal(0.5, 1.0), Normal(0.0, 1.0)
    with torch.no_grad():
        assert estimator.reverse(p, q, 0.5, p.sample((3,))).isfinite().all()


class Holding(Transform):
    """x ↦ loc + scale · x, where ``parameters()`` finds both."""

    domain = codomain = constraints.real
    bijective = True

    def __init__(self, parameters):
        super().__init__()
        self.parameters = parameters

    def _call(self, x):
        loc, scale = self.parameters()
        return loc + scale * x

    def _inverse(self, y):
        loc, scale = self.parameters()
        return (y - loc) / scale

    def log_abs_det_jacobian(self, x, y):
        _, scale = self.parameters()
        return scale.abs().log().expand_as(x + y)


class Nested:
    def __init__(self, *tensors):
        self.tensors = torch.nn.ParameterDict(dict(zip("ab", tensors, strict=True)))


HOLDERS = {
    "closure": lambda loc, scale: lambda: (loc, scale),
    "tuple": lambda loc, scale: partial(tuple, (loc, scale)),
    "dict": lambda loc, scale: {"loc": loc, "scale": scale}.values,
    "module": lambda loc, scale: Nested(loc, scale).tensors.values,
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_reverse_twin_does_not_depend_on_what_holds_the_parameters(holder, alpha):
    loc, scale = (torch.nn.Parameter(value) for value in tensors([0.4, 1.3]))
    q, z = Normal(*tensors([0.0, 1.0])), torch.randn(9, dtype=torch.float64)

    def gradient(p):
        surrogate = estimator.reverse(p, q, alpha, loc + scale * z).sum()
        return torch.stack(torch.autograd.grad(surrogate, [loc, scale]))

    held = Holding(HOLDERS[holder](loc, scale))
    actual = gradient(TransformedDistribution(Normal(*tensors([0.0, 1.0])), [held]))
    torch.testing.assert_close(actual, gradient(Normal(loc, scale)))


def test_reverse_twin_leaves_the_parameters_of_the_data_alone():
    mean, other = (value.requires_grad_() for value in tensors([0.4, 0.1]))
    p, q = Normal(mean, 1.0), Normal(other, 1.0)
    estimator.reverse(p, q, 0.5, estimator.draw(p, 4)).sum().backward()
    assert mean.grad is not None and other.grad is None


def test_reverse_twin_of_one_model_is_taken_to_each_of_several_data():
    mean, q = torch.tensor(0.4, requires_grad=True), Normal(torch.tensor([0.0, 1.0]), 1.0)
    p = Normal(mean, 1.0)
    x = estimator.draw(p)
    apart = [estimator.reverse(p, Normal(at, 1.0), 0.5, x) for at in (0.0, 1.0)]
    together = estimator.reverse(p, q, 0.5, x)
    torch.testing.assert_close(together, torch.stack(apart))
    for one, other in zip(apart, together, strict=True):
        gradients = (torch.autograd.grad(y, mean, retain_graph=True) for y in (one, other))
        torch.testing.assert_close(*gradients)


def test_samples_that_move_with_some_parameters_only_are_refused():
    loc, scale = (value.requires_grad_() for value in tensors([0.4, 1.3]))
    p = Normal(loc, scale)
    x = loc + scale.detach() * torch.randn(5, dtype=torch.float64)
    with pytest.raises(ValueError, match="samples of Normal do not move with 1 of the 2 tensors"):
        estimator.reverse(p, p, 0.5, x)


def test_a_mixture_of_scalars_is_right_with_attached_samples(alpha):
    logits, means = (value.requires_grad_() for value in tensors([[0.2, -0.3], [-1.0, 1.5]]))
    p = MixtureSameFamily(Categorical(logits=logits), Normal(means, 0.8))
    q = Normal(*tensors([0.2, 0.7]))
    x = torch.linspace(-9, 9, 721, dtype=torch.float64)
    log_p, log_q, step = p.log_prob(x), q.log_prob(x), 0.025
    if alpha > 0.5:
        divergence = -(log_p.exp() * tsallis_log(log_q - log_p, 1 - alpha)).sum() * step / alpha
    else:
        divergence = -(log_q.exp() * tsallis_log(log_p - log_q, alpha)).sum() * step / (1 - alpha)
    exact = torch.autograd.grad(divergence, [logits, means], retain_graph=True)
    twin = estimator.reverse(p, q, alpha, go.attach(p, x))
    surrogate = (log_p.exp().detach() * twin).sum() * step
    torch.testing.assert_close(
        torch.autograd.grad(surrogate, [logits, means]), exact, rtol=1e-6, atol=1e-8
    )


def test_gradients_of_samples_add_up_to_that_of_their_sum():
    case = Case("gamma")
    x = case.q.sample((6,))
    apart = estimator.sample_gradients(
        Gamma, case.parameters, 6, lambda p: estimator.forward(p, case.q, 0.5, x)
    )
    together = torch.autograd.grad(estimator.forward(case.p, case.q, 0.5, x).sum(), case.parameters)
    torch.testing.assert_close([gradient.sum(0) for gradient in apart], list(together))


def test_reverse_twin_of_a_discrete_model_is_continuous_at_one():
    case, x = Case("poisson"), INTEGERS[:9]
    gradients = [
        torch.autograd.grad(
            estimator.reverse(case.p, case.q, alpha, x).sum(), case.parameters, retain_graph=True
        )[0]
        for alpha in (1.0, 1 - 1e-9, 1 - 1e-6)
    ]
    for one, other in pairwise(gradients):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=0)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan])
def test_alpha_outside_the_unit_interval_is_refused(alpha):
    p, x = Poisson(2.0), torch.ones(1)
    with pytest.raises(ValueError, match="alpha must lie in"):
        estimator.forward(p, p, alpha, x)
    with pytest.raises(ValueError, match="alpha must lie in"):
        estimator.reverse(p, p, alpha, x)
