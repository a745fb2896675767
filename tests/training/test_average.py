"""A network that is looked at while another one, of the same memory, trains."""

import pytest
import torch
from torch import nn

from alpha_bridge.networks import MLPDiscriminator
from alpha_bridge.penalty import SpectralNorm
from alpha_bridge.training.average import at_rest


def spectral():
    return SpectralNorm().prepare(MLPDiscriminator(3, (4,)))


def normalised():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))


def compiled():
    network = normalised()
    network._compiled_call_impl = lambda _: pytest.fail("the other network was called")
    return network


@pytest.fixture(params=[spectral, normalised, compiled])
def network(request):
    torch.manual_seed(0)
    return request.param()


def test_it_gives_what_the_network_gives_in_evaluation_mode(network):
    x = torch.randn(5, 3)
    seen = at_rest(network)(x)
    assert not seen.requires_grad
    vars(network).pop("_compiled_call_impl", None)
    assert torch.equal(seen, network.eval()(x))


def test_neither_changes_the_other(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    seen = at_rest(network)
    seen(torch.randn(5, 3))
    seen.train().requires_grad_(False)
    seen.eval()
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
