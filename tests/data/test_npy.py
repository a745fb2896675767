"""A data set that is one array on disk: split, mapped, or refused in one line."""

import numpy as np
import pytest
import torch

from alpha_bridge.data import load_images
from alpha_bridge.data.npy import read_array


def everything(source):
    return torch.cat([source.training(10**6), source.held_out(10**6)])


def test_vectors_of_a_file_are_split_and_mapped(tmp_path):
    rows = np.arange(200, dtype=np.float32).reshape(100, 2)
    np.save(tmp_path / "v.npy", rows)
    source = load_images(str(tmp_path / "v.npy"))
    assert source.size == 90
    assert torch.equal(everything(source).sort(0)[0], torch.from_numpy(rows))


def test_grey_images_of_a_file_have_one_channel(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((20, 8, 8), np.uint8))
    assert load_images(str(tmp_path / "v.npy")).event_shape == (1, 8, 8)


def test_a_file_of_objects_is_not_unpickled(tmp_path):
    np.save(tmp_path / "v.npy", np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot be read as an array"):
        load_images(str(tmp_path / "v.npy"))


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_file_that_is_no_array_is_refused(tmp_path, content):
    (tmp_path / "v.npy").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read as an array"):
        load_images(str(tmp_path / "v.npy"))


@pytest.mark.parametrize("rows", [0, 1])
def test_a_file_of_too_few_rows_is_named(tmp_path, rows):
    np.save(tmp_path / "v.npy", np.zeros((rows, 3)))
    with pytest.raises(ValueError, match=r"v\.npy' cannot be used: the data set has"):
        load_images(str(tmp_path / "v.npy"))


@pytest.mark.parametrize("mapped", [True, False])
def test_a_damaged_file_is_refused_by_a_line_or_read_as_an_array(tmp_path, mapped):
    path = tmp_path / "v.npy"
    np.save(path, np.zeros((4, 3)))
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole[: rng.integers(20, len(whole))])
        for at in rng.integers(0, min(len(damaged), 128), rng.integers(1, 6)):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert isinstance(read_array(path, mapped), np.ndarray)
        except ValueError as error:
            assert str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    "header",
    [
        b"(" * 5000,
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 9)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2)}",
        b"{'descr': ('<f8', 1, 2), 'fortran_order': False, 'shape': (3, 2)}",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (3, 2)}",
        b"{'shape': (3, 2)}",
        b"{" + b"\xff" * 20 + b"}",
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path, header):
    path = tmp_path / "v.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48))
    with pytest.raises(ValueError, match=r"v\.npy' cannot be") as error:
        load_images(str(path))
    assert "allow_pickle" not in str(error.value)
