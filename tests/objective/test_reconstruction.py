"""The bridge of reconstructions: its gradient in closed form, a frozen encoder, one pass."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from alpha_bridge.adversarial import Bridge
from alpha_bridge.control import balanced_kappa
from alpha_bridge.divergence import alpha_divergence
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import ConvEncoder, ConvGenerator, PatchDiscriminator
from alpha_bridge.objective import Noise, ReconstructionBridge
from alpha_bridge.objective.backward import summed
from alpha_bridge.observation import FeatureLikelihood
from alpha_bridge.path import AlphaPath
from alpha_bridge.training import fit

ALPHAS = [0.0, 0.2, 0.5, 0.8, 0.99]
GAMMA = SigmoidGamma(c=4.0, d=-2.0)


class Ratio(nn.Module):
    """The exact log ratio of two known densities, a constant to their parameters."""

    def __init__(self, q, p):
        super().__init__()
        self.q, self.p = q, p

    def forward(self, x):
        return self.q.log_prob(x) - self.p.log_prob(x)


class Affine(nn.Module):
    """An encoder :math:`N(a x, s^2)`."""

    def __init__(self, a, s):
        super().__init__()
        self.a, self.log_variance = a, 2 * math.log(s)

    def forward(self, x):
        return self.a * x, torch.full_like(x, self.log_variance)


def linear_gaussian():
    """Data N(0, 1.5²), an encoder, a decoder w z that is not at its optimum, and its density."""
    q, a, s = Normal(0.0, torch.tensor(1.5, dtype=torch.float64)), 0.7, 0.5
    aggregated = math.sqrt((a * 1.5) ** 2 + s**2)
    generator = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(generator.weight, 1.1)
    return q, a, s, aggregated, generator


def gauss_hermite(count):
    nodes, shares = np.polynomial.hermite_e.hermegauss(count)
    return torch.tensor(nodes), torch.tensor(shares / shares.sum())


def expected_twins(q, a, s, generator, sigma, p, alpha):
    """Means of both twins over data and noise, by quadrature; the ratio is that of q and p."""
    model = AlphaBridge(generator, Affine(a, s), Ratio(q, p), sigma).double()
    (x, of_x), (epsilon, of_epsilon) = gauss_hermite(60), gauss_hermite(20)
    grid = torch.cartesian_prod(x, epsilon)
    weights = torch.cartesian_prod(of_x, of_epsilon).prod(-1)
    noise = Noise(grid[:, 1:], grid[:, 1:])
    objective = ReconstructionBridge(Bridge(clip=math.inf))
    twins = objective.twins(model, q.scale * grid[:, :1], noise, alpha)
    return [(weights * twin).sum() for twin in twins]


@pytest.mark.parametrize("alpha", [*ALPHAS, 1.0])
def test_the_reverse_twin_follows_the_divergence_of_reconstructions(alpha):
    q, a, s, aggregated, generator = linear_gaussian()
    w = generator.weight
    p = Normal(0.0, (w.abs() * aggregated).squeeze())
    constant = Normal(0.0, p.scale.detach())
    _, reverse = expected_twins(q, a, s, generator, 0.8, constant, alpha)
    (found,) = torch.autograd.grad(reverse, w)
    (expected,) = torch.autograd.grad(alpha_divergence(p, q, alpha), w)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_forward_twin_follows_the_divergence_and_the_gap_of_its_bound(alpha):
    r"""The gap is :math:`E_{r_\alpha}[KL[q_\phi(z|x) \| p_\theta(z|x)]] / (1 - \alpha)`."""
    q, a, s, aggregated, generator = linear_gaussian()
    w, sigma = generator.weight, 0.8
    p = Normal(0.0, (w.square() * aggregated**2 + sigma**2).sqrt().squeeze())
    constant = Normal(0.0, p.scale.detach())
    forward, _ = expected_twins(q, a, s, generator, sigma, constant, alpha)
    (found,) = torch.autograd.grad(forward / (1 - alpha), w)

    nodes, weights = gauss_hermite(60)
    x = q.scale * nodes
    variance = 1 / (1 / aggregated**2 + w.squeeze() ** 2 / sigma**2)
    posterior = Normal(variance * w.squeeze() * x / sigma**2, variance.sqrt())
    gap = kl_divergence(Normal(a * x, torch.tensor(s, dtype=torch.float64)), posterior)
    of_r = weights * (-alpha * (q.log_prob(x) - constant.log_prob(x))).exp()
    bound = alpha_divergence(p, q, alpha) + (of_r * gap).sum() / (1 - alpha)
    (expected,) = torch.autograd.grad(bound, w)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


def images(frozen=False, features=None):
    torch.manual_seed(0)
    sizes = {"size": 8, "channels": 1, "width": 2, "hidden": 4}
    encoder = ConvEncoder(2, **sizes).requires_grad_(not frozen)
    model = AlphaBridge(ConvGenerator(2, **sizes), encoder, PatchDiscriminator(1, 2, 1), 0.5)
    return model.double(), ReconstructionBridge(kl_weight=1e-6, features=features)


def draws(batch=4):
    z = torch.randn(2, batch, 2, dtype=torch.float64)
    return torch.randn(batch, 1, 8, 8, dtype=torch.float64), Noise(*z)


def test_at_zero_the_generator_has_the_loss_of_an_autoencoder():
    model, objective = images()
    x, noise = draws()
    losses = objective.losses(model, x, noise, 0.0, GAMMA).values
    mean, log_variance = model.posterior(x)
    decoded = model.decode(mean + (log_variance / 2).exp() * noise.posterior)
    squared = (x - decoded).square().flatten(1).sum(1)
    expected = squared / (2 * 0.5**2) + 64 * (math.log(0.5) + math.log(2 * math.pi) / 2)
    torch.testing.assert_close(losses["generator"], expected)


def test_features_join_the_likelihood_patch_by_patch():
    model, plain = images()
    _, both = images(features=FeatureLikelihood(nn.AvgPool2d(2)))
    x, noise = draws()
    of_pixels, of_both = (
        objective.losses(model, x, noise, 0.0, GAMMA).values["generator"]
        for objective in (plain, both)
    )
    decoded = plain.fakes(model, x, noise)
    nats = FeatureLikelihood(nn.AvgPool2d(2))(x, decoded).sum((-2, -1))
    torch.testing.assert_close(of_both, of_pixels - nats)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_a_frozen_encoder_has_no_pass_and_stays_bit_for_bit(alpha):
    model, objective = images(frozen=True)
    x, noise = draws()
    losses = objective.losses(model, x, noise, alpha, GAMMA)
    assert not any("encoder" in networks for networks in losses.of_networks)
    before = copy.deepcopy(model.encoder.state_dict())
    data = torch.randn(20, 1, 8, 8)
    path = AlphaPath.three_steps(ml=1, transfer=2, adversarial=1, start=alpha, end=alpha)
    state = fit(model.float(), data, path, objective=objective, batch_size=4, progress=False)
    averaged = state.averaged()
    for name, value in before.items():
        assert torch.equal(averaged.encoder.state_dict()[name], value.float())
    assert "encoder" not in state.optimizers and not model.encoder.training


def test_one_pass_through_the_generator_serves_reconstructions_and_fakes():
    model, objective = images()
    passes = []
    model.generator.register_forward_hook(lambda *_: passes.append(1))
    objective.losses(model, *draws(), 0.5, GAMMA)
    assert len(passes) == 1


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_a_normalized_loss_divides_both_arms_alike(alpha):
    model, objective = images()
    x, noise = draws()
    arms = [*model.generator.parameters(), *model.encoder.parameters()]
    plain, normalized = (
        torch.autograd.grad(
            objective.losses(model, x, noise, alpha, GAMMA).values["encoder"].mean(), arms
        )
        for objective in (objective, replace(objective, normalized=True))
    )
    scale = GAMMA.kappa(alpha) + balanced_kappa(0.5, 32 * 32) * GAMMA(alpha)
    for mine, of_plain in zip(normalized, plain, strict=True):
        torch.testing.assert_close(mine * scale, of_plain)


def test_losses_that_stay_apart_are_summed_by_nobody():
    one = torch.ones(2)
    assert set(summed({"generator": one, "discriminator": one}, ["generator"])) == {
        ("generator",),
        ("discriminator",),
    }
