"""Patches: each pixel counts once in a total, and the twins follow patches wherever they lie."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from alpha_bridge.adversarial import Bridge
from alpha_bridge.control import balanced_kappa
from alpha_bridge.divergence import alpha_divergence, alpha_divergence_quadrature
from alpha_bridge.gaussian import log_likelihood
from alpha_bridge.networks import PatchDiscriminator
from alpha_bridge.observation import WHOLE, Patches
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.slots import GAMMAS
from tests.looping import at_each, at_each_alpha

EXACT = {"rtol": 1e-9, "atol": 1e-11}
SOME = [Patches(4, 2, 1), Patches(8, 2, 3), Patches(3, 3), Patches(18, 4, 7)]
UNIT = torch.ones(1, dtype=torch.float64)
SIGMA = 0.8


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


def test_a_network_of_patches_has_one_function_for_all_places():
    network = PatchDiscriminator(1, width=2, halvings=1).double()
    size, stride = network.scope.size, network.scope.stride
    patch = torch.randn(size, size, dtype=torch.float64)
    x = torch.zeros(1, 1, 5 * size, 5 * size, dtype=torch.float64)
    places = [(stride * k - network.scope.padding, k) for k in (4, 10)]
    for begin, _ in places:
        x[..., begin : begin + size, begin : begin + size] = patch
    first, second = (network(x)[0, k, k] for _, k in places)
    torch.testing.assert_close(first, second)


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
def test_with_a_ratio_for_each_place_the_twins_follow_the_sum_over_patch_marginals(alpha):
    """Pixels in two rows of three, and two patches that share the middle column. A network that
    has one function for all places cannot have these ratios."""
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


def means_of_twins(patches, q, p, noise, weights, logits, alpha):
    """Of the forward twin, times 1 − α, and of the reverse one, for images of means q and p."""
    bridge = Bridge(clip=math.inf)
    x, fakes = q + SIGMA * noise, p + SIGMA * noise
    log_p = patches.log_likelihood(x[:, None], p.expand_as(x)[:, None], SIGMA * UNIT, 3)
    halves = bridge.forward(log_p, logits(x), alpha), bridge.reverse(logits(fakes), alpha)
    return [(weights * patches.total(half)).sum() for half in halves]


def gradient(value, p):
    (found,) = torch.autograd.grad(value, p, retain_graph=True)
    return found


@at_each_alpha
def test_both_twins_of_patches_that_are_alike_follow_the_sum_over_patch_marginals(alpha):
    """Two patches of 2 × 2 pixels, side by side."""
    q = torch.tensor([[0.1, -0.2], [0.0, 0.2]], dtype=torch.float64)
    p = torch.tensor([[0.2, -0.1], [-0.1, 0.3]], dtype=torch.float64, requires_grad=True)

    def marginal(means):
        return Independent(Normal(means, SIGMA), 2)

    def logits(x):
        patch = torch.stack(x.split(2, -1), 1)
        return (marginal(q).log_prob(patch) - marginal(p.detach()).log_prob(patch))[:, None]

    nodes, shares = np.polynomial.hermite_e.hermegauss(6)
    noise = torch.tensor([*product(nodes, repeat=4)]).reshape(-1, 2, 2).repeat(1, 1, 2)
    weights = torch.tensor([*product(shares / shares.sum(), repeat=4)]).prod(-1)
    images = q.repeat(1, 2), p.repeat(1, 2)
    forward, reverse = means_of_twins(Patches(2, 2), *images, noise, weights, logits, alpha)
    expected = gradient(2 * alpha_divergence(marginal(p), marginal(q), alpha), p)
    torch.testing.assert_close(gradient(reverse, p), expected, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(gradient(forward, p), (1 - alpha) * expected, rtol=1e-6, atol=1e-8)


Q = torch.tensor([1.0, -0.4, 0.3], dtype=torch.float64)
P = torch.tensor([-0.7, 0.5, 0.6], dtype=torch.float64)


def anywhere(means):
    """The mean over places of the marginals of pixels in a row."""
    return MixtureSameFamily(Categorical(torch.ones_like(means)), Normal(means, SIGMA))


def places(means, u):
    """At which place a pixel u is, in a field of these means."""
    return Categorical(logits=Normal(means, SIGMA).log_prob(u[:, None]))


def twins_of_pixels(q, p, alpha):
    """The twins of patches of one pixel each, and the best of the logits that know no places.

    How pixels hang together plays no part: all have the same noise.
    """

    def logits(x):
        return anywhere(q).log_prob(x) - anywhere(p.detach()).log_prob(x)

    noise = torch.linspace(-9, 9, 1801, dtype=torch.float64)
    weights = Normal(0.0, UNIT).log_prob(noise).exp() * 0.01
    return means_of_twins(
        Patches(1, 1), q[None], p[None], noise[:, None, None], weights, logits, alpha
    )


def test_the_best_logit_that_knows_no_places_is_the_ratio_of_means_over_places():
    u = torch.linspace(-5, 5, 11, dtype=torch.float64)
    f = (anywhere(Q).log_prob(u) - anywhere(P).log_prob(u)).requires_grad_()
    real, fake = (Normal(means, SIGMA).log_prob(u[:, None]).exp().sum(-1) for means in (Q, P))
    bridge, chance = Bridge(), torch.full_like(f, -math.inf)
    loss = real * bridge.discriminator(f, chance) + fake * bridge.discriminator(-chance, f)
    torch.testing.assert_close(gradient(loss.sum(), f), torch.zeros_like(f), rtol=0, atol=1e-15)


@at_each_alpha
def test_the_reverse_twin_of_any_field_follows_patches_averaged_over_places(alpha):
    p = P.clone().requires_grad_()
    _, reverse = twins_of_pixels(Q, p, alpha)
    followed = alpha_divergence_quadrature(anywhere(p), anywhere(Q), alpha)
    torch.testing.assert_close(
        gradient(reverse, p), gradient(len(P) * followed, p), rtol=1e-7, atol=1e-9
    )


@at_each_alpha
def test_the_forward_twin_of_any_field_has_the_gap_of_a_bound_as_well(alpha):
    """As with latents, in place of which are places."""
    p = P.clone().requires_grad_()
    forward, _ = twins_of_pixels(Q, p, alpha)
    followed = alpha_divergence_quadrature(anywhere(p), anywhere(Q), alpha)
    u = torch.linspace(-9, 9, 1801, dtype=torch.float64)
    held = (alpha * anywhere(P).log_prob(u) + (1 - alpha) * anywhere(Q).log_prob(u)).exp() * 0.01
    gap = (held * kl_divergence(places(Q, u), places(p, u))).sum()
    expected = gradient(len(P) * ((1 - alpha) * followed + gap), p)
    torch.testing.assert_close(gradient(forward, p), expected, rtol=1e-7, atol=1e-9)


def test_the_likelihood_of_a_patch_at_its_place_bounds_that_of_the_patch_anywhere():
    u = torch.linspace(-5, 5, 101, dtype=torch.float64)
    r = places(Q, u)
    own = (r.probs * Normal(P, SIGMA).log_prob(u[:, None])).sum(-1)
    bound = own - kl_divergence(r, Categorical(torch.ones_like(P)))
    log_p = anywhere(P).log_prob(u)
    assert (bound <= log_p).all()
    torch.testing.assert_close(log_p - bound, kl_divergence(r, places(P, u)), **EXACT)


@at_each("alpha", [0.0, 0.5, 1.0])
def test_patches_averaged_over_places_are_at_most_as_far_apart_as_they_are_each(alpha):
    each = alpha_divergence(Normal(P, SIGMA), Normal(Q, SIGMA), alpha).mean()
    assert alpha_divergence_quadrature(anywhere(P), anywhere(Q), alpha) < each


@at_each_alpha
def test_the_likelihood_alone_brings_right_patches_to_their_places(alpha):
    """Two pixels that are swapped."""
    q = torch.tensor([1.0, -1.0], dtype=torch.float64)
    p = (-q).requires_grad_()
    forward, reverse = twins_of_pixels(q, p, alpha)
    each = alpha_divergence(Normal(p, SIGMA), Normal(q, SIGMA), alpha).sum()
    torch.testing.assert_close(gradient(reverse, p), torch.zeros_like(p), rtol=0, atol=1e-12)
    for of in (forward, each):
        assert gradient(of, p)[0] < -0.1
        assert gradient(of, p)[1] > 0.1


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
