"""What processes share after each update."""

from types import SimpleNamespace

import accelerate.utils
import pytest
import torch
from torch import nn

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.training.processes import share_buffers

TWO = SimpleNamespace(num_processes=2)


@pytest.fixture
def sent(monkeypatch):
    """What is broadcast, in place of which the main process has ones."""
    seen = []

    def broadcast(tensor):
        seen.append(tensor.clone())
        return torch.ones_like(tensor)

    monkeypatch.setattr(accelerate.utils, "broadcast", broadcast)
    return seen


def test_running_means_are_those_of_the_main_process_and_sigma_stays(sent):
    generator = nn.Sequential(MLPGenerator(2, 3), nn.BatchNorm1d(3))
    model = AlphaBridge(generator, MLPEncoder(2, 3), MLPDiscriminator(3), noise=0.4)
    share_buffers(model, TWO)
    assert sent
    assert generator[1].running_mean.tolist() == [1, 1, 1]
    assert model.sigma.item() == pytest.approx(0.4)


def test_networks_without_buffers_exchange_nothing(sent):
    share_buffers(AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)), TWO)
    assert not sent
