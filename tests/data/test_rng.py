"""Draws are a pure function of seed, step and purpose."""

import numpy as np
import pytest
import torch

from alpha_bridge.data import normal, stream, uniform
from alpha_bridge.data.rng import Purpose


def test_equal_arguments_give_equal_draws():
    assert np.array_equal(stream(3, 5, 1).random(8), stream(3, 5, 1).random(8))


@pytest.mark.parametrize("other", [(4, 5, 1), (3, 6, 1), (3, 5, 2)])
def test_each_argument_changes_the_draws(other):
    assert not np.isin(stream(3, 5, 1).random(100), stream(*other).random(100)).any()


@pytest.mark.parametrize("bad", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (2**64, 0, 0)])
def test_arguments_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="must lie in"):
        stream(*bad)


def test_the_columns_of_a_table_have_purposes_of_their_own():
    columns = range(Purpose.CELLS, Purpose.CELLS + 10**6)
    others = {*Purpose, Purpose.UNSEEN + Purpose.PRIOR, Purpose.UNSEEN + Purpose.POSTERIOR}
    assert others & {*columns} == {Purpose.CELLS}


def test_normal_draws_are_standard_float32():
    draws = normal(0, 0, 0, (100_000,))
    assert draws.dtype == torch.float32
    assert abs(draws.mean()) < 0.02 and abs(draws.std() - 1) < 0.02


def test_uniform_draws_are_float32_in_the_unit_interval():
    draws = uniform(0, 0, 0, (100_000,))
    assert draws.dtype == torch.float32
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.01 and abs(draws.std() - 12**-0.5) < 0.01
