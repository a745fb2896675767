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
from alpha_bridge.networks.surrogate import GaussianHead
from alpha_bridge.penalty import SpectralNorm

BATCH, INPUTS, OUTPUTS = 7, 3, 2
SIZES = {"hidden": (6, 5, 4)}

alone_and_stacked = pytest.mark.parametrize("trials", [None, 3])


class Setting:
    """A network, samples, a slope of each output and a weight of each sample, in float64."""

    def __init__(self, trials, hidden=(6, 5, 4)):
        torch.manual_seed(0)
        self.network = MLPGenerator(INPUTS, OUTPUTS, hidden, trials).double()
        leading = self.network.trial_shape
        self.x = torch.randn(*leading, BATCH, INPUTS).double().requires_grad_()
        self.slopes = torch.randn(*leading, BATCH, OUTPUTS).double()
        self.weights = torch.randn(*leading, BATCH, 1).double()
        self.outputs = self.network(self.x)

    def forward(self):
        return ForwardPass.of(layers_of(self.network), self.x.detach().mT)

    def back(self):
        return self.forward().back(self.slopes.mT)

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
        back.set_gradients(weights)


@alone_and_stacked
def test_a_pass_forward_makes_what_the_network_makes(trials):
    setting = Setting(trials)
    assert torch.equal(setting.forward().outputs.mT, setting.outputs)


@alone_and_stacked
def test_the_slope_at_the_samples_is_autograds(trials):
    setting = Setting(trials)
    torch.testing.assert_close(setting.back().at_input(slice(None)).mT, setting.slope())


@alone_and_stacked
@pytest.mark.parametrize("hidden", [(), (6,), (6, 5, 4)], ids=str)
def test_gradients_weigh_samples(hidden, trials):
    setting = Setting(trials, hidden)
    left_by(setting.back(), setting.weights.mT)
    expected = setting.of_parameters((setting.weights * setting.slopes * setting.outputs).sum())
    torch.testing.assert_close(setting.left(), list(expected))


@alone_and_stacked
def test_without_weights_all_samples_have_weight_one(trials):
    setting = Setting(trials)
    left_by(setting.back())
    expected = setting.of_parameters((setting.slopes * setting.outputs).sum())
    torch.testing.assert_close(setting.left(), list(expected))


def test_gradients_take_the_place_of_those_that_were_there():
    setting = Setting(None)
    for parameter in setting.network.parameters():
        parameter.grad = torch.ones_like(parameter)
    left_by(setting.back())
    expected = setting.of_parameters((setting.slopes * setting.outputs).sum())
    torch.testing.assert_close(setting.left(), list(expected))


@alone_and_stacked
def test_a_part_is_that_of_some_of_the_samples(trials):
    setting = Setting(trials)
    left_by(setting.back().part(slice(2, 5)))
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
    of_layers = [p for layer in layers_of(network) for p in layer]
    assert list(map(id, of_layers)) == list(map(id, network.parameters()))


class Doubled(MLPGenerator):
    def forward(self, x):
        return 2 * super().forward(x)


def changed(change):
    """A network of known layers with one thing changed."""
    network = MLPGenerator(3, 2, **SIZES)
    change(network)
    return network


def ignore(*_):
    """What a hook does that only looks."""


OTHERS = {
    "a subclass": Doubled(3, 2),
    "a translator": MLPTranslator(3, 2),
    "convolutions": ConvDiscriminator(size=8, channels=1, width=4),
    "a spectral norm": SpectralNorm().prepare(MLPDiscriminator(3)),
    "a frozen weight": changed(lambda net: net[0].weight.requires_grad_(False)),
    "a hook of the network": changed(lambda net: net.register_forward_hook(ignore)),
    "a hook of a layer": changed(lambda net: net[2].register_forward_hook(ignore)),
    "a hook before a layer": changed(lambda net: net[2].register_forward_pre_hook(ignore)),
    "a hook behind a gradient": changed(lambda net: net[2].register_full_backward_hook(ignore)),
    "a hook before a gradient": changed(lambda net: net[2].register_full_backward_pre_hook(ignore)),
    "a hook of a parameter": changed(lambda net: net[0].bias.register_hook(ignore)),
    "a hook of what a parameter got": changed(
        lambda net: net[0].bias.register_post_accumulate_grad_hook(ignore)
    ),
    "a forward of its own": changed(lambda net: setattr(net, "forward", nn.Identity())),
    "a layer's forward of its own": changed(lambda net: setattr(net[2], "forward", ignore)),
    "another function": changed(lambda net: net.__setitem__(1, nn.GELU())),
    "another slope": changed(lambda net: setattr(net[1], "negative_slope", 0.1)),
    "a rectifier at the end": changed(lambda net: net.append(nn.LeakyReLU(0.2))),
    "a head at the end": changed(lambda net: net.append(GaussianHead())),
    "nothing in it": changed(lambda net: net.__delitem__(slice(None))),
    "compiled": changed(lambda net: setattr(net, "_compiled_call_impl", net._call_impl)),
}


@pytest.mark.parametrize("network", OTHERS.values(), ids=OTHERS)
def test_other_networks_have_none(network):
    assert layers_of(network) is None
