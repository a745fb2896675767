"""A data set that is one array on disk: split, mapped, or refused in one line."""

import numpy as np
import pytest
import torch

from alpha_bridge.data import load_images


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
