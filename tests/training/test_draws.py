"""What networks draw by themselves, on the host and on a device that the test only imitates."""

from types import SimpleNamespace

import pytest
import torch

from alpha_bridge.training.batches import networks_draws


class Module:
    """What torch has of a device's generator: ``torch.cuda``, say."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(7)
        self.get_rng_state, self.set_rng_state = self.generator.get_state, self.generator.set_state
        self.manual_seed = self.generator.manual_seed

    def draw(self):
        return torch.rand(1, generator=self.generator).item()


@pytest.fixture
def device(monkeypatch):
    module = Module()
    monkeypatch.setattr(torch, "get_device_module", lambda _: module)
    return module


def process(rank=0, device="cuda"):
    return SimpleNamespace(device=torch.device(device), process_index=rank)


def drawn(device, step, rank=0, seed=3):
    """Of the host and of the device, at the beginning of an update."""
    with networks_draws(seed, process(rank)) as begin:
        begin(step)
        return torch.rand(1).item(), device.draw()


def test_a_device_begins_an_update_as_seed_update_and_process_say(device):
    assert drawn(device, 4) == drawn(device, 4)
    others = [drawn(device, 5), drawn(device, 4, rank=1), drawn(device, 4, seed=9)]
    for host, beside in others:
        assert host != drawn(device, 4)[0] and beside != drawn(device, 4)[1]


def test_what_was_drawn_before_does_not_matter(device):
    with networks_draws(3, process()) as begin:
        begin(3)
        device.draw()
        begin(4)
        assert (torch.rand(1).item(), device.draw()) == drawn(device, 4)


def test_both_generators_are_left_where_the_caller_had_them(device):
    before = torch.get_rng_state(), device.get_rng_state()
    drawn(device, 4)
    after = torch.get_rng_state(), device.get_rng_state()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_they_are_left_there_by_an_error_too():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), networks_draws(3, process(device="cpu")) as begin:
        begin(0)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
