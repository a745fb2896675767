"""The usual sum of losses: its terms by hand, when the discriminator joins, the adaptive weight."""

import pytest
import torch
from torch import nn

from alpha_bridge.gamma import LinearGamma
from alpha_bridge.gaussian import kl_to_prior
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import ConvEncoder, ConvGenerator, PatchDiscriminator
from alpha_bridge.objective import Noise, VQGANSum
from alpha_bridge.observation import FeatureDistance

GAMMA = LinearGamma()


@pytest.fixture
def model():
    sizes = {"size": 8, "channels": 1, "width": 2, "hidden": 4}
    discriminator = PatchDiscriminator(1, 2, 1)
    return AlphaBridge(ConvGenerator(2, **sizes), ConvEncoder(2, **sizes), discriminator).double()


@pytest.fixture
def draws():
    z = torch.randn(4, 2, dtype=torch.float64)
    return torch.randn(4, 1, 8, 8, dtype=torch.float64), Noise(z, z)


def test_before_it_starts_the_arms_have_l1_kl_and_features_alone(model, draws):
    x, noise = draws
    features = FeatureDistance(nn.Conv2d(1, 2, 3).double())
    losses = VQGANSum(kl_weight=0.1, features=features).losses(model, x, noise, 0.0, GAMMA)
    mean, log_variance = model.posterior(x)
    y = model.decode(mean + (log_variance / 2).exp() * noise.posterior)
    expected = (x - y).abs().flatten(1).mean(1) + features(x, y)
    expected += 0.1 / 64 * kl_to_prior(mean, log_variance)
    torch.testing.assert_close(losses.values["generator"], expected)
    assert losses.diagnostics["adversarial_weight"] == 0


def test_the_discriminator_has_the_hinge_loss_of_its_patches(model, draws):
    x, noise = draws
    found = VQGANSum().losses(model, x, noise, 0.0, GAMMA).values["discriminator"]
    y = VQGANSum().fakes(model, x, noise)
    real, fake = (1 - model.logits(x)).relu(), (1 + model.logits(y)).relu()
    torch.testing.assert_close(found, (real + fake).mean((-2, -1)))


def test_the_adaptive_weight_gives_both_halves_gradients_of_one_size_at_the_last_layer(
    model, draws
):
    """But for the 1e-4 that the recipe adds, which is little beside these logits."""
    x, noise = draws
    model.discriminator.layers[-1].weight.data *= 1000
    objective = VQGANSum(weight=0.5, adaptive=True)
    last = [p for p in model.generator.parameters() if p.ndim > 1][-1]

    def norm(loss):
        return torch.autograd.grad(loss.mean(), last, retain_graph=True)[0].norm()

    off, on = (
        objective.losses(model, x, noise, alpha, GAMMA).values["generator"] for alpha in (0.0, 1.0)
    )
    likeness, adversarial = objective.twins(model, x, noise, 1.0)
    weight = objective.losses(model, x, noise, 1.0, GAMMA).diagnostics["adversarial_weight"]
    torch.testing.assert_close(on - off, weight * adversarial)
    ratio = norm(weight.detach() * adversarial) / norm(likeness)
    torch.testing.assert_close(ratio, torch.tensor(0.5).double(), rtol=1e-3, atol=0)
