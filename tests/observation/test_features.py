"""Features are observed with noise of their own, at its best, and every nat lies on a pixel."""

import pytest
import torch
from torch import nn
from torch.distributions import Normal

from alpha_bridge.observation import FeatureDistance, FeatureLikelihood, features


class Several(nn.Module):
    """Maps that are coarser and finer than the image, and a vector."""

    def forward(self, x):
        finer = nn.functional.interpolate(x, scale_factor=2), nn.functional.interpolate(x, (12, 17))
        coarser = nn.functional.avg_pool2d(x, 2), nn.functional.avg_pool2d(x, 5)
        return *coarser, *finer, x.mean((-2, -1))


def test_the_nats_are_those_of_gaussians_with_the_batch_s_mean_squared_error():
    network = Several()
    x, y = torch.randn(2, 4, 3, 10, 15, dtype=torch.float64)
    found = FeatureLikelihood(network)(x, y)
    assert found.shape == (4, 10, 15)
    expected = 0
    for true, made in zip(network(x), network(y), strict=True):
        scale = (true - made).square().mean().sqrt()
        expected += Normal(made, scale).log_prob(true).flatten(1).sum(1)
    torch.testing.assert_close(found.sum((-2, -1)), expected)


def test_the_gradient_is_that_of_the_best_noise():
    """Where the noise is at its optimum, that it moves too has no part in the slope."""
    network = nn.Conv2d(1, 2, 3).double().requires_grad_(False)
    x, y = torch.randn(2, 4, 1, 6, 6, dtype=torch.float64)
    y.requires_grad_()
    (found,) = torch.autograd.grad(FeatureLikelihood(network)(x, y).sum(), y)
    squared = (network(x) - network(y)).square()
    (expected,) = torch.autograd.grad(-squared.numel() / 2 * squared.mean().log(), y)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("places", [(1, 1), (2, 3), (4, 6), (5, 7), (8, 12), (11, 6)])
def test_equal_places_give_equal_pixels(places):
    nats = torch.full((2, *places), 3.0, dtype=torch.float64)
    expected = torch.full((2, 4, 6), 3.0 * places[0] * places[1] / 24, dtype=torch.float64)
    torch.testing.assert_close(features._spread(nats, (4, 6)), expected)


def test_each_place_gives_its_nats_to_the_pixels_that_it_covers():
    nats = torch.arange(1.0, 5.0).view(1, 2, 2)
    found = features._spread(nats, (4, 4))
    assert torch.equal(found, nats.repeat_interleave(2, 1).repeat_interleave(2, 2) / 4)
    assert torch.equal(features._spread(found, (2, 2)), nats)


def test_features_that_are_equal_have_finite_nats():
    x = torch.ones(2, 1, 4, 4)
    assert FeatureLikelihood(nn.Identity())(x, x).isfinite().all()


@pytest.mark.parametrize("of", [FeatureLikelihood, FeatureDistance])
def test_the_network_follows_the_images_to_their_device(of, monkeypatch):
    """The device meta, which computes nothing and cannot count, stands for an accelerator."""
    monkeypatch.setattr(features, "_spread", lambda nats, _: nats)
    network = nn.Conv2d(3, 4, 3).requires_grad_(False)
    x = torch.zeros(2, 3, 8, 8, device="meta")
    assert of(network)(x, x.clone().requires_grad_()).device == x.device
