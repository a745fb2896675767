"""Epochs are permutations laid end to end, whatever the batch size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_bridge.data import indices, share


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
