"""Patches: each pixel counts once in a total, and the twins follow a sum over patch marginals."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from alpha_bridge.adversarial import Bridge
from alpha_bridge.control import balanced_kappa
from alpha_bridge.divergence import alpha_divergence
from alpha_bridge.gaussian import log_likelihood
from alpha_bridge.networks import PatchDiscriminator
from alpha_bridge.observation import WHOLE, Patches
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.slots import GAMMAS

EXACT = {"rtol": 1e-9, "atol": 1e-11}
SOME = [Patches(4, 2, 1), Patches(8, 2, 3), Patches(3, 3), Patches(18, 4, 7)]
UNIT = torch.ones(1, dtype=torch.float64)


@pytest.mark.parametrize("patches", SOME, ids=str)
@pytest.mark.parametrize("size", [(18, 18), (24, 36)])
def test_totals_of_the_likelihood_are_that_of_the_whole_image(patches, size):
    x, y = torch.randn(2, 5, 3, *size, dtype=torch.float64)
    of_patches = patches.total(patches.log_likelihood(x, y, 0.3 * UNIT, 3))
    torch.testing.assert_close(of_patches, log_likelihood(x, y, 0.3 * UNIT, 3), **EXACT)
    torch.testing.assert_close(of_patches, WHOLE.log_likelihood(x, y, 0.3 * UNIT, 3), **EXACT)


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("size", [(32, 32), (40, 28), (29, 31)])
def test_a_network_of_patches_sees_the_pixels_that_it_says(halvings, size):
    network = PatchDiscriminator(1, width=2, halvings=halvings).double()
    x = torch.randn(1, 1, *size, dtype=torch.float64, requires_grad=True)
    logits, patches = network(x), network.scope
    assert logits.shape == patches.of_pixels(torch.ones(1, *size)).shape
    for row, column in product(range(0, logits.shape[1], 3), range(0, logits.shape[2], 3)):
        (slope,) = torch.autograd.grad(logits[0, row, column], x, retain_graph=True)
        seen = slope[0, 0].nonzero()
        for place, axis in ((row, 0), (column, 1)):
            begin = place * patches.stride - patches.padding
            assert seen[:, axis].min() >= max(begin, 0)
            assert seen[:, axis].max() < begin + patches.size


def test_a_patch_s_weight_falls_on_its_own_pixels():
    patches = Patches(4, 4)
    x, y = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8, requires_grad=True)
    log_p = patches.log_likelihood(x, y, torch.ones(1), 3)
    f = torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])
    patches.total(Bridge().forward(log_p, f, 0.5)).sum().backward()
    weight = torch.ones(8, 8)
    weight[:4, :4] = math.exp(-1)
    torch.testing.assert_close(y.grad[0, 0], weight)


def field(means, scale, patch):
    """The marginal of a patch of a field of independent pixels."""
    return Independent(Normal(means[..., patch], scale[patch]), 1)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.9])
def test_the_twins_of_a_known_field_follow_the_sum_over_patch_marginals(alpha):
    """Pixels in two rows of three, and two patches that share the middle column."""
    patches, sigma = Patches(2, 1), 0.8
    covered = torch.tensor([1.0, 2.0, 1.0, 1.0, 2.0, 1.0], dtype=torch.float64)
    scale = sigma * (covered / patches.overlap).sqrt()
    columns = ([0, 1, 3, 4], [1, 2, 4, 5])
    q = torch.tensor([0.1, -0.2, 0.0, 0.2, 0.1, -0.1], dtype=torch.float64)
    p = (q + torch.tensor([0.1, 0.05, -0.1, 0.1, -0.05, 0.1])).requires_grad_()

    def divergence(p):
        of_patches = (
            alpha_divergence(field(p, scale, patch), field(q, scale, patch), alpha)
            for patch in columns
        )
        return sum(of_patches) / patches.overlap

    nodes, shares = np.polynomial.hermite_e.hermegauss(5)
    grid = torch.tensor([*product(nodes, repeat=6)])
    weights = torch.tensor([*product(shares / shares.sum(), repeat=6)]).prod(-1)

    def ratios(x):
        of_patches = [
            field(q, scale, patch).log_prob(x[:, patch])
            - field(p.detach(), scale, patch).log_prob(x[:, patch])
            for patch in columns
        ]
        return torch.stack(of_patches, -1)[:, None]  # a row of two logits

    def image(x):
        return x.reshape(-1, 1, 2, 3)

    x = q + scale * grid
    mean = image(p.expand(len(grid), -1))
    log_p = patches.log_likelihood(image(x), mean, sigma * UNIT, 3)
    forward = patches.total(Bridge(clip=math.inf).forward(log_p, ratios(x), alpha))
    reverse = patches.total(Bridge(clip=math.inf).reverse(ratios(p + scale * grid), alpha))
    (expected,) = torch.autograd.grad(divergence(p), p)
    for twin in (forward / (1 - alpha), reverse):
        (found,) = torch.autograd.grad((weights * twin).sum(), p)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"size": 0, "stride": 1}, "size must be at least 1"),
        ({"size": 2, "stride": 3}, "a stride of 3"),
        ({"size": 4, "stride": 2, "padding": 3}, "a padding of 3"),
    ],
)
def test_patches_that_cannot_be_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        Patches(**given)


def test_patches_that_leave_out_pixels_are_refused():
    with pytest.raises(ValueError, match="leave out pixels of an image of 7"):
        Patches(4, 4).of_pixels(torch.ones(1, 7, 7))


@pytest.mark.parametrize("side", [32, 64, 256])
def test_the_gradients_of_likelihood_and_patches_keep_their_quotient_at_every_size(side):
    """At the σ that is the error, and with logits whose slopes are as large in each patch."""
    torch.manual_seed(0)
    patches, sigma = Patches(size=18, stride=4, padding=7), torch.tensor(0.1, dtype=torch.float64)
    x, noise = torch.randn(2, 1, 3, side, side, dtype=torch.float64)
    mean = (x + sigma * noise).requires_grad_()
    (likelihood,) = torch.autograd.grad(
        patches.total(patches.log_likelihood(x, mean, sigma, 3)).sum(), mean
    )
    weights = torch.randn_like(x)
    logits = patches.of_pixels((weights * mean).sum(-3))
    (adversarial,) = torch.autograd.grad(patches.total(logits).sum(), mean)
    kappa = balanced_kappa(float(sigma), patches.numbers((3, side, side)))
    quotient = kappa * likelihood.norm() / adversarial.norm()
    torch.testing.assert_close(float(quotient), 5 / 32 / 3**0.5, rtol=0.05, atol=0)


def test_with_patches_the_dial_has_the_same_weight_of_the_likelihood_at_every_size():
    def gamma(discriminator, side):
        shape = {"event_shape": (3, side, side), "realism": 0.9, "gamma.kind": "realism"}
        config = changed(Config(), {**shape, "model.discriminator": discriminator})
        return GAMMAS["realism"](config)

    assert gamma("patches", 256).kappa(0.9) == gamma("patches", 32).kappa(0.9)
    assert gamma("patches", 32).kappa(0.9) == gamma("whole", 32).kappa(0.9)
    assert gamma("whole", 256).kappa(0.9) < gamma("whole", 32).kappa(0.9)
