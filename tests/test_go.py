"""GO gradients against sums over the whole support, and the displacement against rsample."""

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Exponential,
    Geometric,
    Independent,
    NegativeBinomial,
    Normal,
    OneHotCategorical,
    Poisson,
)

from alpha_bridge import go

LAST = 120
MODELS = {
    "bernoulli": (Bernoulli, [0.3]),
    "poisson": (Poisson, [2.5]),
    "geometric": (Geometric, [0.35]),
    "negative binomial": (NegativeBinomial, [3.0, 0.4]),
    "categorical": (lambda logits: Categorical(logits=logits), [[0.3, -1.0, 0.8, 0.0]]),
    "binomial": (lambda share: Binomial(5, share), [0.3]),
}
every_model = pytest.mark.parametrize("name", MODELS)


def model(name):
    density, values = MODELS[name]
    parameters = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    return density(*parameters), parameters


def support(p):
    dtype = torch.long if isinstance(p, Categorical) else torch.float64
    last = go._last(p)
    return torch.arange(int(last) + 1 if last < float("inf") else LAST, dtype=dtype)


def w(x):
    return torch.sin(x.double()) + 0.3 * x


@every_model
def test_the_surrogate_averages_to_the_gradient_over_the_whole_support(name):
    p, parameters = model(name)
    x = support(p)
    mass = p.log_prob(x).exp()
    expected = torch.autograd.grad((mass * w(x)).sum(), parameters, retain_graph=True)
    averaged = (mass.detach() * go.surrogate(p, x, w)).sum()
    torch.testing.assert_close(torch.autograd.grad(averaged, parameters), expected)


@every_model
def test_the_value_of_the_surrogate_is_that_of_the_function(name):
    p, _ = model(name)
    x = support(p)
    assert torch.equal(go.surrogate(p, x, w), w(x))


@every_model
def test_a_constant_added_to_the_function_leaves_the_gradient_of_each_sample(name):
    p, parameters = model(name)
    x = p.sample((20,))
    plain = torch.autograd.grad(go.surrogate(p, x, w).sum(), parameters, retain_graph=True)
    lifted = torch.autograd.grad(go.surrogate(p, x, lambda x: w(x) + 8).sum(), parameters)
    torch.testing.assert_close(lifted, plain)


@every_model
def test_no_sample_leaves_the_support(name):
    p, _ = model(name)
    assert go.surrogate(p, support(p)[-1:], p.log_prob).isfinite().all()


def test_the_parameter_within_the_function_is_a_constant():
    rate = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([3.0], dtype=torch.float64)
    inside = torch.autograd.grad(go.surrogate(Poisson(rate), x, lambda x: rate * x).sum(), rate)
    fixed = torch.autograd.grad(go.surrogate(Poisson(rate), x, lambda x: 2 * x).sum(), rate)
    assert inside == fixed


def test_independent_variables_move_one_at_a_time():
    rates = torch.tensor([0.5, 1.2], dtype=torch.float64, requires_grad=True)
    p = Independent(Poisson(rates), 1)
    x = torch.cartesian_prod(*2 * [torch.arange(40, dtype=torch.float64)])

    def product(x):
        return (x[..., 0] + 1).sqrt() * torch.cos(x[..., 1])

    mass = p.log_prob(x).exp()
    (expected,) = torch.autograd.grad((mass * product(x)).sum(), rates, retain_graph=True)
    averaged = (mass.detach() * go.surrogate(p, x, product)).sum()
    torch.testing.assert_close(torch.autograd.grad(averaged, rates)[0], expected)


def test_each_sample_may_have_parameters_of_its_own():
    shares = torch.tensor([0.2, 0.6, 0.6], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([2.0, 0.0, 2.0], dtype=torch.float64)
    go.surrogate(Geometric(shares), x, w).sum().backward()
    alone = []
    for share, value in zip(shares.tolist(), x, strict=True):
        own = torch.tensor(share, dtype=torch.float64, requires_grad=True)
        go.surrogate(Geometric(own), value, w).backward()
        alone.append(own.grad)
    torch.testing.assert_close(shares.grad, torch.stack(alone))


def test_sample_dimensions_come_before_those_of_the_batch():
    rates = torch.tensor([0.5, 3.0], dtype=torch.float64, requires_grad=True)
    x = Poisson(rates).sample((4, 3))
    assert go.surrogate(Poisson(rates), x, w).shape == (4, 3, 2)
    assert go.surrogate(Independent(Poisson(rates), 1), x, lambda x: x.sum(-1)).shape == (4, 3)


def test_attached_samples_move_as_reparameterised_ones():
    mean, scale = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.4, 1.7))
    p = Normal(mean, scale)
    x = p.rsample((50,))
    slope = torch.randn(50, dtype=torch.float64)
    expected = torch.autograd.grad((slope * x).sum(), [mean, scale])
    attached = go.attach(p, x)
    assert torch.equal(attached, x)
    actual = torch.autograd.grad((slope * attached).sum(), [mean, scale])
    torch.testing.assert_close(actual, expected)


def test_a_sample_may_be_attached_from_elsewhere():
    rate = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([0.3, 5.0], dtype=torch.float64)
    go.attach(Exponential(rate), x).sum().backward()  # x = −log(1 − u) / rate
    torch.testing.assert_close(rate.grad, -x.sum() / 2)


def test_whether_a_model_is_discrete():
    assert go.is_discrete(Independent(Poisson(torch.ones(2)), 1))
    assert not go.is_discrete(Beta(1.0, 1.0))


def test_variables_that_are_not_scalar_are_refused():
    p = OneHotCategorical(logits=torch.zeros(3))
    with pytest.raises(ValueError, match=r"got OneHotCategorical with events of shape \(3,\)"):
        go.surrogate(p, p.sample((2,)), lambda x: x.sum(-1))
