"""Batches: functions of seed and update, whoever draws them and when."""

from itertools import islice

import pytest
import torch
from accelerate import Accelerator

from alpha_bridge.data import DensitySource, grid
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.training.batches import Batches, _ahead


class Future:
    """A future that notes when it was begun and when it was asked."""

    def __init__(self, number, events):
        self.number, self.events = number, events
        events.append(("begun", number))

    def result(self):
        self.events.append(("asked", self.number))
        return self.number


def batches(draws=1, trials=None):
    networks = MLPGenerator, MLPEncoder, MLPDiscriminator
    sizes = ((2, 2), (2, 2), (2,))
    model = AlphaBridge(
        *(
            network(*size, (4,), trials=trials)
            for network, size in zip(networks, sizes, strict=True)
        )
    )
    return Batches(model, DensitySource(grid()), 6, 3, Accelerator(), draws)


def drawn(steps, **options):
    with batches(**options).ahead(steps) as updates:
        return list(updates)


def test_the_next_draw_is_begun_before_one_is_given_out():
    events = []
    results = _ahead(Future(number, events) for number in range(4))
    assert next(results) == 0
    assert events == [("begun", 0), ("begun", 1), ("asked", 0)]
    assert list(results) == [1, 2, 3]


def test_no_draw_is_begun_that_nobody_asked_for():
    events = []
    results = _ahead(Future(number, events) for number in range(10))
    assert list(islice(results, 3)) == [0, 1, 2]
    assert ("begun", 3) in events and ("begun", 4) not in events


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_paths_have_as_many_draws_as_updates(count):
    assert len(drawn(range(count))) == count
    assert list(_ahead(Future(number, []) for number in range(count))) == list(range(count))


def test_a_later_start_sees_what_the_whole_run_sees():
    whole, late = drawn(range(5)), drawn(range(3, 5))
    for [(x, noise)], [(same, other)] in zip(whole[3:], late, strict=True):
        assert torch.equal(x, same)
        assert torch.equal(noise.prior, other.prior)
        assert torch.equal(noise.posterior, other.posterior)
        assert torch.equal(noise.penalty, other.penalty)


def test_several_draws_of_an_update_are_one_sequence():
    single, double = drawn(range(4)), drawn(range(2), draws=2)
    flat = [draw for draws in double for draw in draws]
    for [(x, _)], (same, _) in zip(single, flat, strict=True):
        assert torch.equal(x, same)


def test_the_noise_of_a_penalty_is_one_uniform_number_of_each_sample_and_no_other_ones():
    updates = drawn(range(500), trials=2)
    noises = [noise for [(_, noise)] in updates]
    penalty, prior, posterior = (
        torch.stack([getattr(noise, name) for noise in noises]).transpose(0, 1).flatten(1, 2)
        for name in ("penalty", "prior", "posterior")
    )
    assert penalty.shape == (2, 3000) and penalty.min() >= 0 and penalty.max() < 1
    deciles = penalty.quantile(torch.linspace(0.1, 0.9, 9))
    torch.testing.assert_close(deciles, torch.linspace(0.1, 0.9, 9), rtol=0, atol=0.03)
    others = [penalty[1], *prior[0].unbind(-1), *posterior[0].unbind(-1)]
    correlations = torch.corrcoef(torch.stack([penalty[0], *others]))[0, 1:]
    assert correlations.abs().max() < 0.08  # 4 deviations of the estimate are .073


def test_a_trial_sees_what_a_run_of_its_seed_sees():
    ((x, noise),) = drawn(range(1), trials=2)[0]
    ((first, _),) = drawn(range(1))[0]
    assert x.shape == (2, 6, 2) and noise.prior.shape == (2, 6, 2)
    assert torch.equal(x[0], first)
    assert not torch.equal(x[1], first)
