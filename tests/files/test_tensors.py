"""Tensors in files: what the library reads is what was written, as the library would write it."""

from itertools import combinations

import pytest
import torch
from safetensors.torch import load, load_file, save

from alpha_bridge.files.tensors import NAMES, serialized, write_tensors
from tests.looping import at_each

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


@at_each("pair", [*combinations(NAMES, 2)])
def test_kinds_of_numbers_are_in_the_order_of_the_library(pair):
    tensors = {name: torch.ones(2).to(dtype) for name, dtype in zip("ba", pair, strict=True)}
    assert serialized(tensors) == save(tensors)


def test_numbers_that_the_format_has_not_are_named():
    with pytest.raises(ValueError, match=r"no torch\.complex128, of which z is"):
        serialized({"z": torch.ones(2, dtype=torch.complex128)})


def test_numbers_that_are_conjugate_or_negative_when_they_are_read_are_written_so():
    value = torch.tensor([1 + 2j, 3 - 1j])
    found = load(serialized({"conjugate": value.conj(), "negative": value.conj().imag}))
    assert torch.equal(found["conjugate"], value.conj().resolve_conj())
    assert found["negative"].tolist() == [-2, 1]


@pytest.mark.parametrize("dtype", NAMES)
def test_every_kind_of_number_comes_back(tmp_path, dtype):
    value = torch.tensor([0.5, 1.0]).to(dtype)
    (tmp_path / "of.safetensors").write_bytes(serialized({"of": value}))
    (found,) = load_file(tmp_path / "of.safetensors").values()
    assert found.dtype == dtype
    assert torch.equal(found.view(torch.uint8), value.view(torch.uint8))


def test_nothing_is_a_file_too():
    assert load(serialized({})) == {}
