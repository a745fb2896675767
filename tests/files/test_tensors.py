"""Tensors in files: what the library reads is what was written, as the library would write it."""

import pytest
import torch
from safetensors.torch import load, save

from alpha_bridge.files.tensors import NAMES, serialized, write_tensors

MIXED = {
    "b": torch.arange(3),
    "ä/weight": torch.arange(6.0).reshape(2, 3).T,
    "a": torch.ones(2, 2),
    "scalar": torch.tensor(0.5, dtype=torch.float64),
    "none": torch.zeros(0, 3),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "channels_last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
}


def test_the_content_is_what_the_library_writes(tmp_path):
    expected = save({name: value.contiguous() for name, value in MIXED.items()})
    assert serialized(MIXED) == expected
    with (tmp_path / "of.safetensors").open("wb") as stream:
        write_tensors(MIXED, stream)
    assert (tmp_path / "of.safetensors").read_bytes() == expected


def test_tensors_that_share_memory_are_written_each():
    whole = torch.arange(4.0)
    found = load(serialized({"whole": whole, "half": whole[2:], "odd": whole[1::2]}))
    assert {name: value.tolist() for name, value in found.items()} == {
        "whole": [0, 1, 2, 3],
        "half": [2, 3],
        "odd": [1, 3],
    }


@pytest.mark.parametrize("dtype", NAMES)
def test_every_kind_of_number_comes_back(dtype):
    value = torch.tensor([0.0, 1.0]).to(dtype)
    (found,) = load(serialized({"of": value})).values()
    assert found.dtype == dtype
    assert torch.equal(found.view(torch.uint8), value.view(torch.uint8))


def test_nothing_is_a_file_too():
    assert load(serialized({})) == {}
