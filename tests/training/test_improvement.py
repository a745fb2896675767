"""A Step I that was too short is told of when it ends, and only then."""

import pytest
import torch

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.path import AlphaPath, constant
from alpha_bridge.training import fit
from alpha_bridge.training.decoder_noise import MeasuredNoise
from alpha_bridge.training.improvement import StepOne, still_falling


def losses(updates, rate, spread=1.0):
    """Those of a Step I that levels off at a rate, with a spread from batch to batch."""
    noise = torch.randn(updates, generator=torch.Generator().manual_seed(0))
    return list(50 * torch.exp(-rate * torch.arange(updates)) + spread * noise)


@pytest.mark.parametrize(("updates", "falls"), [(30, True), (60, True), (400, False), (20, False)])
def test_losses_fall_until_they_are_level(updates, falls):
    assert bool(still_falling(losses(updates, 0.03))) == falls


def test_noise_alone_is_level():
    assert not any(still_falling(losses(updates, 9.0)) for updates in (25, 26, 50, 333))


def test_losses_of_trials_are_taken_together():
    several = [torch.stack([loss, loss + 7]) for loss in losses(60, 0.03)]
    assert still_falling(several)


def test_losses_that_are_no_numbers_are_not_judged():
    assert still_falling([torch.tensor(torch.nan)] * 30) == ""


@pytest.mark.parametrize(
    ("path", "lines"),
    [(AlphaPath.three_steps(ml=30, transfer=1, adversarial=1), 1), (constant(0.0, 30), 0)],
    ids=["a bridge", "likelihood alone"],
)
def test_it_is_told_once_and_only_where_alpha_leaves_zero(path, lines):
    networks = MLPGenerator(2, 2, (8,)), MLPEncoder(2, 2, (8,)), MLPDiscriminator(2, (8,))
    data, told = 30 + torch.randn(64, 2, generator=torch.Generator().manual_seed(0)), []
    fit(AlphaBridge(*networks), data, path, batch_size=32, callbacks=[StepOne(told.append)])
    assert len(told) == lines
    assert all(line.startswith("Step I may have been too short") for line in told)


def test_nothing_is_told_where_sigma_moved():
    networks = MLPGenerator(1, 4, (8,)), MLPEncoder(1, 4, (8,)), MLPDiscriminator(4, (8,))
    data, told = 30 + torch.randn(64, 4, generator=torch.Generator().manual_seed(0)), []
    path = AlphaPath.three_steps(ml=30, transfer=1, adversarial=1)
    moved = [MeasuredNoise(0.9), StepOne(told.append)]
    fit(AlphaBridge(*networks), data, path, batch_size=32, callbacks=moved)
    assert told == []
