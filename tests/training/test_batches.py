"""Batches: functions of seed and update, whoever draws them and when."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from alpha_bridge.data import DensitySource, grid, source_of
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


def test_held_out_samples_are_read_once(monkeypatch):
    of, calls = batches(), []
    plain = of.source.held_out
    monkeypatch.setattr(of.source, "held_out", lambda count: calls.append(count) or plain(count))
    (x, noise), (again, other) = (of.unseen(step, 4) for step in (0, 1))
    assert torch.equal(x, again) and not torch.equal(noise.prior, other.prior)
    assert torch.equal(of.unseen(2, 3)[0], plain(3))
    assert calls == [4, 3]


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


IMAGES = np.random.default_rng(0).integers(0, 256, (40, 12, 16, 3), dtype=np.uint8)


def of_crops(crop, rank=0, ranks=1):
    """Batches of 8 crops, by one of several processes; a latent has a pixel for each four."""
    model = AlphaBridge(nn.Identity(), nn.Identity(), nn.Identity(), latent_shape=(5, 3, 4))
    process = SimpleNamespace(num_processes=ranks, process_index=rank, device=torch.device("cpu"))
    return Batches(model, source_of(IMAGES), 8, 3, process, crop=crop)


def crops(steps, **options):
    with of_crops(8, **options).ahead(steps) as updates:
        return [draw for [draw] in updates]


def test_a_crop_is_a_square_of_its_image():
    whole, (small, noise) = of_crops(None).first(), crops(range(1))[0]
    assert small.shape == (8, 3, 8, 8)
    assert noise.prior.shape == noise.posterior.shape == (8, 5, 2, 2)
    squares = whole.unfold(2, 8, 1).unfold(3, 8, 1)
    found = (squares == small[:, :, None, None]).all(-1).all(-1).all(1)
    assert found.flatten(1).any(1).all()
    assert len({tuple(where.tolist()) for where in found.nonzero()[:, 1:]}) > 3


def test_crops_are_functions_of_seed_and_update_in_any_number_of_processes():
    alone = crops(range(3))
    late = crops(range(2, 3))
    shared = [crops(range(3), rank=rank, ranks=2) for rank in (0, 1)]
    assert torch.equal(alone[2][0], late[0][0])
    for step, (x, noise) in enumerate(alone):
        parts = [part[step] for part in shared]
        assert torch.equal(x, torch.cat([of for of, _ in parts]))
        assert torch.equal(noise.posterior, torch.cat([of.posterior for _, of in parts]))


def test_what_is_measured_is_whole():
    batches = of_crops(8)
    x, noise = batches.unseen(0, 4)
    assert (batches.first().shape[2:], x.shape[2:]) == ((12, 16), (12, 16))
    assert noise.prior.shape == (4, 5, 3, 4)


@pytest.mark.parametrize(
    ("crop", "data", "said"),
    [
        (13, IMAGES, "images of 16×12 pixels have no crop of 13: give --images.crop of at most 12"),
        (0, IMAGES, "have no crop of 0"),
        (
            2,
            np.zeros((9, 2), np.float32),
            r"only images can be cropped, .* shape \(2,\): leave out",
        ),
    ],
)
def test_a_crop_that_there_is_not_is_refused(crop, data, said):
    with pytest.raises(ValueError, match=said):
        Batches(of_crops(None).model, source_of(data), 4, 0, Accelerator(), crop=crop)
