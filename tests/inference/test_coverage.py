"""What the generator misses: a known missing mode comes first, in comparable units."""

import numpy as np
import pytest
import torch

from alpha_bridge import AlphaBridge, Optimization, constant, fit
from alpha_bridge.data import from_array, unbalanced
from alpha_bridge.inference.coverage import rank_by_coverage
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator

MISSING = 4


def vectors(hidden, noise):
    torch.manual_seed(0)
    networks = MLPGenerator(2, 2, hidden), MLPEncoder(2, 2, hidden), MLPDiscriminator(2, hidden)
    return AlphaBridge(*networks, noise=noise)


@pytest.fixture(scope="module")
def without_a_mode():
    """Nine unequal modes, ranked by a model that was trained on all of them but the middle one."""
    mixture = unbalanced(side=3)
    x, modes = mixture.labelled_sample(4000, np.random.default_rng(0))
    source = from_array(x[modes != MISSING].numpy())
    model = vectors(hidden=(64, 64), noise=0.1)
    rates = Optimization(generator=3e-3, encoder=3e-3, average=0.98)
    model = fit(model, source, constant(0.0, 800), optimization=rates, batch_size=128).averaged()
    held_out, labels = mixture.labelled_sample(1000, np.random.default_rng(1))
    x = source.units.normalize(held_out)
    model.eval()
    return rank_by_coverage(model, x, model.sample(2000), model.best_sigma(x), 20, labels.tolist())


def precision(samples, key):
    """Share of the missing mode among as many of the worst as it has samples."""
    count = sum(sample.label == MISSING for sample in samples)
    worst = sorted(samples, key=key)[:count]
    return sum(sample.label == MISSING for sample in worst) / count


@pytest.mark.slow
def test_a_known_missing_mode_is_at_the_top(without_a_mode):
    share = sum(sample.label == MISSING for sample in without_a_mode) / len(without_a_mode)
    assert share < 0.04
    assert precision(without_a_mode, lambda sample: sample.rank) > 0.7


@pytest.mark.slow
def test_samples_of_the_missing_mode_are_farther_from_their_reconstructions(without_a_mode):
    distances = {
        missing: np.median([s.distance for s in without_a_mode if (s.label == MISSING) == missing])
        for missing in (True, False)
    }
    assert distances[True] > 2 * distances[False]


def test_the_nearest_sample_is_in_the_units_of_the_distance():
    model = vectors(hidden=(16,), noise=0.4).eval()
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    generated = torch.tensor([[3.0, 4.0], [6.0, 8.0]])
    nearest = {s.index: s.nearest for s in rank_by_coverage(model, x, generated, 1.0, 1)}
    assert nearest == pytest.approx({0: 5 / 2**0.5, 1: 0.0}, abs=1e-6)
