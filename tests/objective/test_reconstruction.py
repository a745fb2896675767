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
from tests.looping import at_each_alpha

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
        self.a, self.s = (nn.Parameter(torch.tensor(of, dtype=torch.float64)) for of in (a, s))

    def forward(self, x):
        return self.a * x, 2 * self.s.log().expand_as(x)


class LinearGaussian:
    """Data N(0, 1.5²), an encoder, and a decoder w z + σ ε that is not at its optimum."""

    def __init__(self, sigma):
        self.q, self.sigma = Normal(0.0, torch.tensor(1.5, dtype=torch.float64)), sigma
        self.encoder, self.generator = Affine(0.7, 0.5), nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(self.generator.weight, 1.1)
        self.a, self.s, self.w = self.encoder.a, self.encoder.s, self.generator.weight.squeeze()

    @property
    def aggregated(self):
        """The aggregated posterior, which depends on the encoder."""
        variance = (self.a * self.q.scale).square() + self.s.square()
        return Normal(0.0, variance.sqrt())

    def density(self, sigma):
        """Of what latents are decoded to, with noise of this σ."""
        variance = (self.w * self.aggregated.scale).square() + sigma**2
        return Normal(0.0, variance.sqrt())

    def encoded(self, x):
        return Normal(self.a * x, self.s)

    def posterior(self, x):
        """Of the latents of the model."""
        w, sigma = self.w, self.sigma
        variance = 1 / (1 / self.aggregated.variance + (w / sigma).square())
        return Normal(variance * w * x / sigma**2, variance.sqrt())

    def gradients(self, value):
        """To the decoder's w, and to the encoder's a and s."""
        arms = [self.generator.weight, self.a, self.s]
        return torch.autograd.grad(value, arms, materialize_grads=True)


def gauss_hermite(count):
    nodes, shares = np.polynomial.hermite_e.hermegauss(count)
    return torch.tensor(nodes), torch.tensor(shares / shares.sum())


def expected_twins(problem, p, alpha):
    """Means of both twins over data and noise, by quadrature; the ratio is that of q and p."""
    ratio = Ratio(problem.q, Normal(0.0, p.scale.detach()))
    model = AlphaBridge(problem.generator, problem.encoder, ratio, problem.sigma).double()
    (x, of_x), (epsilon, of_epsilon) = gauss_hermite(60), gauss_hermite(20)
    grid = torch.cartesian_prod(x, epsilon)
    weights = torch.cartesian_prod(of_x, of_epsilon).prod(-1)
    noise = Noise(grid[:, 1:], grid[:, 1:])
    objective = ReconstructionBridge(Bridge(clip=math.inf))
    twins = objective.twins(model, problem.q.scale * grid[:, :1], noise, alpha)
    return [(weights * twin).sum() for twin in twins]


@at_each_alpha
def test_the_reverse_twin_follows_the_divergence_of_reconstructions_in_both_arms(alpha):
    problem = LinearGaussian(sigma=0.8)
    p = problem.density(sigma=0.0)
    _, reverse = expected_twins(problem, p, alpha)
    found = problem.gradients(reverse)
    expected = problem.gradients(alpha_divergence(p, problem.q, alpha))
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


@at_each_alpha
def test_the_forward_twin_follows_the_divergence_and_the_gap_of_its_bound_in_both_arms(alpha):
    r"""It leaves out the gap, :math:`KL[q_\phi(z|x) \| p_\theta(z|x)]`, and the twin leaves out the
    last term of the bound, :math:`KL[q_\phi(z|x) \| \bar q(z)]`, in which θ has no part."""
    problem = LinearGaussian(sigma=0.8)
    q, p = problem.q, problem.density(problem.sigma)
    forward, _ = expected_twins(problem, p, alpha)

    nodes, weights = gauss_hermite(60)
    x = q.scale * nodes
    held = weights * (-alpha * (q.log_prob(x) - p.log_prob(x))).exp().detach()
    gap = (held * kl_divergence(problem.encoded(x), problem.posterior(x))).sum()
    last = (held * kl_divergence(problem.encoded(x), problem.aggregated)).sum()
    expected = problem.gradients((1 - alpha) * alpha_divergence(p, q, alpha) + gap - last)
    found = problem.gradients(forward)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


@at_each_alpha
def test_both_arms_follow_one_line_and_the_encoder_a_bound_of_the_last_term_too(alpha):
    problem, weight = LinearGaussian(sigma=0.8), 0.3
    ratio = Ratio(problem.q, Normal(0.0, problem.density(sigma=0.0).scale.detach()))
    model = AlphaBridge(problem.generator, problem.encoder, ratio, problem.sigma).double()
    x, *noise = torch.randn(3, 50, 1, dtype=torch.float64)
    objective = ReconstructionBridge(kl_weight=weight)
    forward, reverse = objective.twins(model, x, Noise(*noise), alpha)
    kappa = GAMMA.kappa(alpha) if alpha < 1 else 0.0
    line = problem.gradients((kappa * forward + GAMMA(alpha) * reverse).mean())
    of_kl = problem.gradients(
        weight * kl_divergence(problem.encoded(x), Normal(torch.zeros_like(x), 1.0)).mean()
    )
    passes = objective.losses(model, x, Noise(*noise), alpha, GAMMA).of_networks
    (of_arms,) = (loss for networks, loss in passes.items() if "generator" in networks)
    expected = [of_line + more for of_line, more in zip(line, of_kl, strict=True)]
    torch.testing.assert_close(problem.gradients(of_arms.mean()), tuple(expected))


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
