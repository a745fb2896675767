"""What the flight recorder takes for a collapse, and what of the data's own law it does not."""

import pytest
import torch

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.settings import WatchConfig
from alpha_bridge.training import closeness as closeness_module
from alpha_bridge.training.closeness import LARGE, _nearest, closeness
from alpha_bridge.training.incidents import measured

COUNT, LOOKS, PATIENCE, RUNS = 128, 15, 5, 15


class Same(torch.nn.Identity):
    """A generator whose samples are given as its latents."""

    latent_shape = (1,)


def spread(samples, data):
    size = data.shape[-1]
    networks = AlphaBridge(Same(), MLPEncoder(size, size), MLPDiscriminator(size))
    noise = Noise(samples, samples)
    return measured(networks, DataBridge(), data, noise)["watch/spread"].item()


def collapsed(samples, data):
    return spread(samples, data) < WatchConfig().spread


def rare(count):
    """One category of three is that of 1 % of the rows."""
    shares = torch.tensor([0.495, 0.495, 0.01])
    return torch.nn.functional.one_hot(torch.multinomial(shares, count, True), 3).float()


def zeros(count):
    return torch.randn(count, 1) * (torch.rand(count, 1) < 0.5)


LAWS = {
    "normal": lambda count: torch.randn(count, 8),
    "a rare category": rare,
    "Cauchy": lambda count: torch.randn(count, 1) / torch.randn(count, 1),
    "lognormal": lambda count: (2 * torch.randn(count, 1)).exp(),
    "half zeros": zeros,
    "binary": lambda count: (torch.rand(count, 6) < 0.5).float(),
    "whole numbers": lambda count: torch.randint(100, (count, 1)).float(),
}


@pytest.mark.parametrize("law", LAWS)
def test_samples_of_the_law_of_the_data_are_no_collapse(law):
    torch.manual_seed(0)
    for _ in range(RUNS):
        data, lasted = LAWS[law](COUNT), 0
        for _ in range(LOOKS):
            lasted = lasted + 1 if collapsed(LAWS[law](COUNT), data) else 0
            assert lasted < PATIENCE


@pytest.mark.parametrize("law", [law for law in LAWS if law != "a rare category"])
def test_samples_that_are_all_alike_are_a_collapse(law):
    torch.manual_seed(0)
    assert collapsed(LAWS[law](1).expand(COUNT, -1), LAWS[law](COUNT))


def test_copies_of_a_few_samples_are_a_collapse_whatever_lies_apart():
    torch.manual_seed(0)
    data, few = torch.randn(COUNT, 8), torch.randn(10, 8)
    copies = few[torch.randint(10, (COUNT,))]
    copies[:40] = torch.randn(40, 8)
    assert collapsed(copies, data)


def test_trials_and_sets_of_other_sizes_are_compared_each_with_its_own():
    torch.manual_seed(0)
    samples, data = torch.randn(3, 40, 2, 2), torch.randn(3, 25, 2, 2)
    found = closeness(samples, data, 2)
    each = [closeness(one, other, 1) for one, other in zip(samples, data, strict=True)]
    assert torch.equal(found, torch.stack(each))


def test_samples_far_from_0_are_as_far_apart():
    torch.manual_seed(0)
    data = torch.randn(COUNT, 2)
    assert closeness(data / 8 + 100, data, 1).item() == pytest.approx(1 / 8, rel=1e-2)


def test_one_sample_is_neither_closer_nor_farther():
    assert closeness(torch.ones(1, 2), torch.zeros(1, 2), 1) == 1


@pytest.mark.parametrize("shift", [0, 100])
def test_the_nearest_of_large_samples_is_as_far_as_that_of_small_ones(monkeypatch, shift):
    torch.manual_seed(0)
    some = torch.randn(2, 20, 3 * 20 * 20)
    alike = some[:, :5] + torch.randn(2, 5, 3 * 20 * 20) / 100
    images = torch.cat([some, some[:, :5], alike, some[:, 5:7]], 1) + shift
    assert images.shape[-1] > LARGE
    found = _nearest(images)
    monkeypatch.setattr(closeness_module, "LARGE", images.shape[-1])
    torch.testing.assert_close(found, _nearest(images), rtol=1e-5, atol=0)
    assert ((found == 0).sum(-1) == 14).all()


def test_one_large_sample_has_no_nearest():
    assert _nearest(torch.ones(2, 1, LARGE + 1)).isinf().all()
