"""The reverse twin of zuko's flows, against quadrature of the divergence itself."""

import copy
import importlib

import pytest
import torch
from torch.distributions import Distribution, Independent, Normal, TransformedDistribution
from torch.distributions.transforms import AffineTransform

from alpha_bridge import estimator, go
from alpha_bridge.divergence import tsallis_log


@pytest.fixture
def zuko(monkeypatch):
    """The library; that it switches off torch's checks for everyone ends with the test."""
    monkeypatch.setattr(Distribution, "_validate_args", False)
    monkeypatch.setattr(Distribution, "arg_constraints", {})
    return importlib.import_module("zuko")


def data(dimensions):
    mean, scale = torch.tensor([[0.3, -0.2], [1.2, 0.9]], dtype=torch.float64)
    return Independent(Normal(mean[:dimensions], scale[:dimensions]), 1)


def grid(dimensions, end, step):
    """Points of a sum, and the volume of each."""
    line = torch.arange(-end, end, step, dtype=torch.float64)
    return torch.cartesian_prod(*[line] * dimensions).reshape(-1, dimensions), step**dimensions


def flow_of(zuko, kind, dimensions):
    torch.manual_seed(0)
    smooth = {"hidden_features": (8,), "activation": torch.nn.Tanh}
    flow = getattr(zuko.flows, kind)(dimensions, transforms=2, **smooth).double()
    with torch.no_grad():  # nearer to the base, so that sums converge
        torch._foreach_mul_(list(flow.parameters()), 0.3)
    return flow


def gradients(value, module):
    each = torch.autograd.grad(value, list(module.parameters()), retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in each])


def exact(module, q, alpha, step):
    """Gradient of the divergence by a sum over samples."""
    p, (x, volume) = module(), grid(*q.event_shape, 9, step)
    log_p, log_q = p.log_prob(x), q.log_prob(x)
    if alpha > 0.5:
        divergence = -(log_p.exp() * tsallis_log(log_q - log_p, 1 - alpha)).sum() / alpha
    else:
        divergence = -(log_q.exp() * tsallis_log(log_p - log_q, alpha)).sum() / (1 - alpha)
    return gradients(volume * divergence, module)


def summed(module, p, q, alpha, step):
    """The reverse twin's mean, by a sum over the base of a flow."""
    flow, (z, volume) = module(), grid(*q.event_shape, 7, step)
    mass = volume * flow.base.log_prob(z).exp()
    return gradients((mass * estimator.reverse(p, q, alpha, flow.transform.inv(z))).sum(), module)


# the density of a spline has kinks, so that its sum needs a fine line
QUADRATURES = {"MAF": (2, 0.1, 1e-4), "NSF": (1, 5e-4, 2e-3)}


@pytest.mark.parametrize("kind", QUADRATURES)
@pytest.mark.parametrize("at", [0.1, 0.5, 0.9, 1.0])
def test_reverse_twin_of_a_flow_sums_to_the_exact_gradient(zuko, kind, at):
    dimensions, step, bound = QUADRATURES[kind]
    flow, q = flow_of(zuko, kind, dimensions), data(dimensions)
    actual, expected = summed(flow, flow(), q, at, step), exact(flow, q, at, step)
    torch.testing.assert_close(actual, expected, rtol=0, atol=bound * float(expected.abs().max()))


@pytest.mark.parametrize("kind", QUADRATURES)
@pytest.mark.parametrize("torchs", [False, True], ids=["zuko's", "torch's"])
def test_reverse_twin_of_a_flow_is_that_of_a_fixed_density(zuko, kind, torchs, alpha):
    flow, q = flow_of(zuko, kind, 2), data(2)
    p, fixed = flow(), copy.deepcopy(flow).requires_grad_(False)()
    x = p.rsample((16,))
    expected = -tsallis_log(q.log_prob(x) - fixed.log_prob(x), 1 - alpha)
    model = TransformedDistribution(p.base, [p.transform.inv]) if torchs else p
    actual = estimator.reverse(model, q, alpha, x)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(*(gradients(value.sum(), flow) for value in (actual, expected)))


def test_forward_twin_of_a_mixture_sums_to_the_exact_gradient(zuko):
    torch.manual_seed(0)
    mixture, q, (x, area) = zuko.mixtures.GMM(2, components=3).double(), data(2), grid(2, 9, 0.1)
    twin = estimator.forward(mixture(), q, 0.3, x)
    actual = gradients((area * q.log_prob(x).exp() * twin).sum(), mixture)
    torch.testing.assert_close(actual, exact(mixture, q, 0.3, 0.1), rtol=1e-6, atol=1e-8)


def test_reverse_twin_of_a_mixture_of_vectors_is_refused(zuko):
    p = zuko.mixtures.GMM(2, components=3).double()()
    with pytest.raises(ValueError, match="reverse twin of Mixture needs samples that carry"):
        estimator.reverse(p, data(2), 0.5, estimator.draw(p, 4))
    with pytest.raises(ValueError, match="GO gradients need scalar variables, got Mixture"):
        go.attach(p, estimator.draw(p, 4))


def test_samples_of_a_mixture_without_distribution_function_cannot_be_given_a_gradient(zuko):
    p = zuko.distributions.Mixture(Normal(torch.randn(2), 1.0), torch.randn(2))
    with pytest.raises(ValueError, match="need a distribution function, and Mixture has none"):
        go.attach(p, p.sample((4,)))


def test_a_flow_whose_base_does_not_reparameterise_is_refused(zuko):
    """Its samples carry the gradient of the transform alone, without a word."""
    mixture = zuko.mixtures.GMM(2, components=3).double()
    scale = torch.ones(2, dtype=torch.float64, requires_grad=True)
    p = zuko.distributions.NormalizingFlow(AffineTransform(0.0, scale, 1), mixture())
    with pytest.raises(ValueError, match="samples of NormalizingFlow do not move with 4 of the 5"):
        estimator.reverse(p, data(2), 0.5, estimator.draw(p, 4))
