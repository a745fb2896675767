"""A network that is given inputs of another size is told of by the layer that cannot take them."""

import pytest
import torch
from torch import nn

from alpha_bridge.networks.input_sizes import WrongSize, explained

NAME, GIVEN = "the discriminator", "these samples"


def test_the_first_layer_that_cannot_take_its_input_is_named():
    network = nn.Sequential(nn.Conv2d(3, 8, 4, stride=2), nn.Flatten(), nn.Linear(8, 1))
    with (
        pytest.raises(WrongSize, match=r"a Linear of it takes 8 numbers, and got 72: make") as seen,
        explained(network, NAME, GIVEN),
    ):
        network(torch.zeros(2, 3, 8, 8))
    assert seen.value.layer is network[2]
    with (
        pytest.raises(WrongSize, match=r"takes 3 channels, and got 1: make both fit"),
        explained(network, NAME, GIVEN),
    ):
        network(torch.zeros(2, 1, 8, 8))


def test_what_torch_refuses_for_another_reason_keeps_its_words():
    network = nn.Conv2d(3, 8, 9)
    with (
        pytest.raises(
            ValueError, match=r"the discriminator cannot take these samples: .*[Kk]ernel"
        ),
        explained(network, NAME, GIVEN),
    ):
        network(torch.zeros(2, 3, 4, 4))


def test_no_hook_is_left_behind():
    network = nn.Sequential(nn.Linear(2, 2))
    with explained(network, NAME, GIVEN):
        network(torch.zeros(1, 2))
    with pytest.raises(WrongSize), explained(network, NAME, GIVEN):
        network(torch.zeros(1, 3))
    assert not any(module._forward_pre_hooks for module in network.modules())
