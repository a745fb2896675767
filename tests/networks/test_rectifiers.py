"""Passes that are written out, against autograd's; and which networks have them."""

import pytest
import torch
from torch import nn

from alpha_bridge.networks import (
    ConvDiscriminator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
    MLPTranslator,
)
from alpha_bridge.networks.rectifiers import ForwardPass, layers_of
from alpha_bridge.penalty import SpectralNorm

BATCH, INPUTS, OUTPUTS = 7, 3, 2
SIZES = {"hidden": (6, 5, 4)}

alone_and_stacked = pytest.mark.parametrize("trials", [None, 3])


class Setting:
    """A network, samples, a slope of each output and a weight of each sample, in float64."""

    def __init__(self, trials):
        torch.manual_seed(0)
        self.network = MLPGenerator(INPUTS, OUTPUTS, trials=trials, **SIZES).double()
        leading = self.network.trial_shape
        self.x = torch.randn(*leading, BATCH, INPUTS).double().requires_grad_()
        self.slopes = torch.randn(*leading, BATCH, OUTPUTS).double()
        self.weights = torch.randn(*leading, BATCH, 1).double()
        self.outputs = self.network(self.x)

    def back(self):
        forward = ForwardPass.of(layers_of(self.network), self.x.detach().mT)
        return forward.back(self.slopes.mT)

    def left(self):
        gradients = [parameter.grad for parameter in self.network.parameters()]
        self.network.zero_grad()
        return gradients

    def slope(self):
        """At the samples, by autograd."""
        sums = (self.slopes * self.outputs).sum()
        return torch.autograd.grad(sums, self.x, create_graph=True)[0]

    def of_parameters(self, loss):
        parameters = list(self.network.parameters())
        return torch.autograd.grad(loss, parameters, materialize_grads=True, retain_graph=True)


def left_by(back, weights=None):
    with torch.no_grad():
        back.leave(weights)


@alone_and_stacked
def test_a_pass_forward_makes_what_the_network_makes(trials):
    setting = Setting(trials)
    assert torch.equal(setting.back().forward.outputs.mT, setting.outputs)


@alone_and_stacked
def test_the_slope_at_the_samples_is_autograds(trials):
    setting = Setting(trials)
    torch.testing.assert_close(setting.back().at_input().mT, setting.slope())


@alone_and_stacked
def test_gradients_weigh_samples(trials):
    setting = Setting(trials)
    left_by(setting.back(), setting.weights.mT)
    expected = setting.of_parameters((setting.weights * setting.slopes * setting.outputs).sum())
    torch.testing.assert_close(setting.left(), list(expected))


@alone_and_stacked
def test_without_weights_all_samples_have_weight_one(trials):
    setting = Setting(trials)
    left_by(setting.back())
    expected = setting.of_parameters((setting.slopes * setting.outputs).sum())
    torch.testing.assert_close(setting.left(), list(expected))


@alone_and_stacked
def test_a_part_is_that_of_some_of_the_samples(trials):
    setting = Setting(trials)
    left_by(setting.back().part(2, 5))
    some = (setting.slopes * setting.outputs)[..., 2:5, :]
    torch.testing.assert_close(setting.left(), list(setting.of_parameters(some.sum())))


@alone_and_stacked
def test_the_gradient_of_a_penalty_of_the_slope_is_autograds(trials):
    setting = Setting(trials)
    back, slope = setting.back(), setting.slope()
    left_by(back)
    with torch.no_grad():
        back.add_penalty((4 * slope.detach() ** 3).mT)
    loss = (setting.slopes * setting.outputs).sum() + (slope**4).sum()
    torch.testing.assert_close(setting.left(), list(setting.of_parameters(loss)))


@pytest.mark.parametrize(
    "network", [MLPGenerator(3, 2), MLPEncoder(3, 2), MLPDiscriminator(3)], ids=repr
)
def test_the_layers_have_all_parameters(network):
    of_layers = [p for layer in layers_of(network) for p in (layer.weight, layer.bias)]
    assert list(map(id, of_layers)) == list(map(id, network.parameters()))


class Doubled(MLPGenerator):
    def forward(self, x):
        return 2 * super().forward(x)


def frozen():
    network = MLPGenerator(3, 2, **SIZES)
    network[0].weight.requires_grad_(False)
    return network


def watched():
    network = MLPGenerator(3, 2, **SIZES)
    network[2].register_forward_hook(lambda *_: None)
    return network


def clipped():
    network = MLPGenerator(3, 2, **SIZES)
    network[0].bias.register_hook(lambda gradient: gradient.clamp(-1, 1))
    return network


def smooth():
    network = MLPGenerator(3, 2, **SIZES)
    network[1] = nn.GELU()
    return network


def steep():
    network = MLPGenerator(3, 2, **SIZES)
    network[1].negative_slope = 0.1
    return network


def compiled():
    network = MLPGenerator(3, 2, **SIZES)
    network._compiled_call_impl = network._call_impl
    return network


OTHERS = {
    "a subclass": lambda: Doubled(3, 2),
    "a translator": lambda: MLPTranslator(3, 2),
    "convolutions": lambda: ConvDiscriminator(size=8, channels=1, width=4),
    "a spectral norm": lambda: SpectralNorm().prepare(MLPDiscriminator(3)),
    "a frozen weight": frozen,
    "a hook": watched,
    "a hook on a gradient": clipped,
    "another function": smooth,
    "another slope": steep,
    "compiled": compiled,
}


@pytest.mark.parametrize("network", OTHERS.values(), ids=OTHERS)
def test_other_networks_have_none(network):
    assert layers_of(network()) is None
