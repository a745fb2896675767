"""Epochs are permutations laid end to end, whatever the batch size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_bridge.data import VectorSource, indices, sampler, share
from alpha_bridge.data.sampler import Epochs


@given(n=st.integers(1, 40), batch=st.integers(1, 60), seed=st.integers(0, 2**63))
def test_every_epoch_covers_every_sample_once(n, batch, seed):
    steps = -(-3 * n // batch)
    order = np.concatenate([indices(seed, step, batch, n) for step in range(steps)])
    for epoch in range(3):
        assert sorted(order[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_an_update_does_not_depend_on_those_before_it():
    fresh = indices(1, 1000, 7, 30)
    for step in range(5):
        indices(1, step, 7, 30)
    assert np.array_equal(indices(1, 1000, 7, 30), fresh)


@pytest.fixture
def shuffles(monkeypatch):
    """The epochs that are shuffled, each time."""
    done, plain = [], sampler.permutation

    def counted(seed, epoch, *rest):
        done.append((seed, epoch))
        return plain(seed, epoch, *rest)

    monkeypatch.setattr(sampler, "permutation", counted)
    return done


@pytest.mark.parametrize("seeds", [1, 7, 30])
@pytest.mark.parametrize("batch", [8, 30])
def test_an_epoch_is_shuffled_once_for_each_seed(shuffles, seeds, batch):
    source, steps = VectorSource(np.arange(60.0).reshape(30, 2)), 9
    for step in range(steps):
        for seed in range(seeds):
            source.batch(seed, step, batch)
    epochs = -(-steps * batch // 30)
    assert sorted(shuffles) == [(seed, epoch) for seed in range(seeds) for epoch in range(epochs)]


@given(n=st.integers(1, 40), batch=st.integers(1, 60), steps=st.lists(st.integers(0, 50)))
def test_what_was_asked_before_does_not_matter(n, batch, steps):
    epochs = Epochs(n)
    for step in steps:
        assert np.array_equal(epochs.indices(3, step, batch), indices(3, step, batch, n))


def test_epochs_and_seeds_differ():
    epochs = [tuple(indices(seed, step, 50, 50)) for seed in (0, 1) for step in (0, 1)]
    assert len(set(epochs)) == 4


@given(size=st.integers(1, 50), ranks=st.integers(1, 8))
def test_shares_of_all_processes_make_up_the_batch(size, ranks):
    if size < ranks:
        with pytest.raises(ValueError, match="batch_size"):
            share(size, 0, ranks)
    else:
        parts = [range(size)[share(size, rank, ranks)] for rank in range(ranks)]
        assert [i for part in parts for i in part] == list(range(size))


def test_a_process_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="rank must lie in"):
        share(8, 2, 2)
