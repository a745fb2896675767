"""The two halves of the gradient apart: what they add up to, and how they are described."""

import math

import pytest
import torch

from alpha_bridge.control import OnlineGamma, optimal_gamma
from alpha_bridge.gamma import LinearGamma, SigmoidGamma
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import SpectralNorm
from alpha_bridge.training import Callback, Optimization, fit
from alpha_bridge.training.checkpoint import save
from alpha_bridge.training.gradients import PARTS, centred_moments, describe_twins, twin_gradients
from alpha_bridge.training.machine import available_accelerator
from tests.control.pairs import paired_moments

BATCH = 32


def model(trials=None):
    torch.manual_seed(0)
    hidden = (16,)
    return AlphaBridge(
        MLPGenerator(2, 3, hidden, trials),
        MLPEncoder(2, 3, hidden, trials),
        MLPDiscriminator(3, hidden, trials),
        noise=0.7,
        learn_noise=True,
    ).double()


def batch(trials=()):
    rng = torch.Generator().manual_seed(1)

    def draw(size):
        return torch.randn(*trials, BATCH, size, generator=rng, dtype=torch.float64)

    return draw(3), Noise(draw(2), draw(2))


def stacked(pairs):
    """Gradients of both halves, ``(*trials, parts, parameters)``."""
    halves = zip(*pairs, strict=True)
    return [torch.stack([torch.cat(part, -1) for part in half], -2) for half in halves]


def apart(h, g):
    """The gradients of each part, as of two parameters, from ``(*trials, parts, parameters)``."""
    split = ([part.split(2, -1) for part in half.unbind(-2)] for half in (h, g))
    return [*zip(*split, strict=True)]


def generator_gradient(model, alpha, gamma):
    """θ's gradient as training takes it, by the plain way."""
    x, noise = batch()
    losses = DataBridge(one_backward=False).losses(model, x, noise, alpha, gamma)
    loss = losses.of_networks[("generator",)].mean()
    parameters = list(model.network_parameters("generator"))
    gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in gradients])


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.5, 1 - 1e-8])
def test_the_halves_add_up_to_the_gradient_of_training(alpha):
    networks, gamma = model(), SigmoidGamma()
    h, g = stacked(twin_gradients(networks, DataBridge(), *batch(), alpha))
    combined = gamma.kappa(alpha) * h.mean(0) + gamma(alpha) * g.mean(0)
    torch.testing.assert_close(combined, generator_gradient(networks, alpha, gamma))


def test_at_one_the_reverse_half_is_the_gradient_of_training():
    networks = model()
    _, g = stacked(twin_gradients(networks, DataBridge(), *batch(), 1.0))
    torch.testing.assert_close(g.mean(0), generator_gradient(networks, 1.0, LinearGamma()))


def test_there_is_a_gradient_for_each_part_and_parameter():
    networks = model()
    size = sum(p.numel() for p in networks.network_parameters("generator"))
    h, g = stacked(twin_gradients(networks, DataBridge(), *batch(), 0.5))
    assert h.shape == g.shape == (PARTS, size)


def test_trials_have_gradients_of_their_own():
    h, _ = stacked(twin_gradients(model(trials=3), DataBridge(), *batch(trials=(3,)), 0.5))
    alone, _ = stacked(twin_gradients(model(), DataBridge(), *batch(), 0.5))
    assert h.shape == (3, *alone.shape)


def test_measuring_leaves_gradients_mode_and_buffers_as_they_were():
    networks = model()
    networks.discriminator = SpectralNorm().prepare(networks.discriminator)
    networks.train()
    before = {name: value.clone() for name, value in networks.state_dict().items()}
    assert len([*twin_gradients(networks, DataBridge(), *batch(), 0.5)]) == PARTS
    assert networks.training and all(p.grad is None for p in networks.parameters())
    assert all(torch.equal(value, before[name]) for name, value in networks.state_dict().items())


def test_equal_halves_agree_and_do_not_vary():
    one = torch.ones(PARTS, 4)
    numbers = describe_twins(apart(one, one), 0.25)
    assert numbers["twins/cosine"] == pytest.approx(1)
    assert numbers["twins/norm_ratio"] == pytest.approx(0.75)
    assert numbers["twins/variance_forward"] == numbers["twins/variance_reverse"] == 0


def test_the_variance_is_that_of_the_gradient_of_one_batch():
    torch.manual_seed(0)
    parts = 3 * torch.randn(20_000, PARTS, 2, dtype=torch.float64)
    stated = describe_twins(apart(parts, parts), 0.5)["twins/variance_forward"].mean()
    seen = parts.mean(-2).var(0).sum()
    assert stated == pytest.approx(seen.item(), rel=0.02)
    assert seen == pytest.approx(2 * 9 / PARTS, rel=0.03)


def test_one_part_has_no_variance():
    one = torch.ones(1, 4)
    assert math.isnan(describe_twins(apart(one, one), 0.5)["twins/variance_forward"])


def test_the_cosine_is_that_of_the_means():
    h, g = torch.randn(2, PARTS, 5, generator=torch.Generator().manual_seed(0)).unbind()
    expected = torch.nn.functional.cosine_similarity(h.mean(0), g.mean(0), dim=0)
    assert describe_twins(apart(h, g), 0.5)["twins/cosine"] == pytest.approx(expected.item())


def test_describing_changes_no_gradient():
    h, g = torch.randn(2, PARTS, 5, generator=torch.Generator().manual_seed(0)).unbind()
    before = h.clone(), g.clone()
    describe_twins(apart(h, g), 0.5)
    assert torch.equal(h, before[0]) and torch.equal(g, before[1])


@pytest.mark.parametrize("trials", [(), (3,)])
def test_moments_are_those_of_all_parts_at_once(trials):
    rng = torch.Generator().manual_seed(0)
    h, g = torch.randn(2, *trials, PARTS, 5, generator=rng, dtype=torch.float64).unbind()
    moments = centred_moments(apart(100 + h, g - 7), available_accelerator())
    centred = (half - half.mean(-2, keepdim=True) for half in (h, g))
    expected = paired_moments(*(half.flatten(0, -2) for half in centred)).total()
    for name, value in vars(expected).items():
        torch.testing.assert_close(getattr(moments, name), value)


class Gammas(Callback):
    """Remembers γ of every update, and keeps a checkpoint of one of them."""

    def __init__(self, folder=None, at=None):
        self.folder, self.at, self.seen = folder, at, {}

    def after(self, event):
        self.seen[event.step] = event.gamma
        if event.step == self.at:
            save(event.state, self.folder)


PATH = AlphaPath.three_steps(ml=2, transfer=12, adversarial=2)


def train(gamma, callback, checkpoint=None):
    torch.manual_seed(0)
    networks = AlphaBridge(MLPGenerator(2, 2), MLPEncoder(2, 2), MLPDiscriminator(2))
    data = torch.randn(200, 2, generator=torch.Generator().manual_seed(3))
    fit(
        networks,
        data,
        PATH,
        gamma=gamma,
        optimization=Optimization(),
        batch_size=BATCH,
        callbacks=[callback],
        checkpoint=checkpoint,
    )
    return callback.seen


def test_the_optimal_gamma_is_measured_in_training():
    gamma = OnlineGamma(every=3)
    seen = train(gamma, Gammas())
    assert seen[1] == seen[2] == 0
    assert all(0 <= seen[step] <= 1 and math.isfinite(seen[step]) for step in range(3, 15))
    assert seen[15] == seen[16] == 1
    sigmoid = SigmoidGamma()
    assert any(seen[step] != sigmoid(PATH(step - 1)) for step in range(3, 15))
    assert gamma(0.5) == pytest.approx(float(optimal_gamma(gamma.moments, 0.5)), abs=1e-6)


def test_the_optimal_gamma_goes_on_from_a_checkpoint(tmp_path):
    folder = tmp_path / "checkpoint"
    whole = train(OnlineGamma(every=3), Gammas(folder, at=8))
    resumed = train(OnlineGamma(every=3), Gammas(), checkpoint=folder)
    assert resumed == {step: gamma for step, gamma in whole.items() if step > 8}
