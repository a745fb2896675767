"""Parts of samples: as many as their numbers allow."""

import pytest
import torch

from alpha_bridge.chunks import NUMBERS, at_once, in_parts


@pytest.mark.parametrize("shape", [(), (2,), (1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_of_small_samples_as_many_as_ever_are_seen(shape):
    assert at_once(shape, 250) == 250


@pytest.mark.parametrize("size", [128, 256, 512, 4096])
def test_of_large_ones_as_many_as_have_the_numbers_but_one(size):
    count = at_once((3, size, size), 250)
    assert count == 1 or count * 3 * size**2 <= NUMBERS


def test_the_parts_are_all_of_them():
    x = torch.randn(9, 3, 1000, 1000)
    assert torch.equal(torch.cat(in_parts(x, 250)), x)
    assert max(map(len, in_parts(x, 250))) == 1
