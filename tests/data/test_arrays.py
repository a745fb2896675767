"""Sources over arrays: units, order, and what they refuse."""

import numpy as np
import pytest
import torch

from alpha_bridge.data import (
    DensitySource,
    ImageSource,
    VectorSource,
    arrays,
    from_array,
    from_tensor,
    grid,
    load_images,
)
from alpha_bridge.data.rows import read_array


def images(n=20, channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 4, 4, channels), dtype=np.uint8)


def test_every_grey_level_survives_the_way_to_model_units_and_back():
    x = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    source = ImageSource(images())
    assert source.units.normalize(x).min() == -1 and source.units.normalize(x).max() == 1
    assert torch.equal(source.units.denormalize(source.units.normalize(x)), x)


def test_pixels_out_of_range_are_clamped():
    x = torch.tensor([-3.0, 3.0]).reshape(1, 1, 1, 2)
    assert ImageSource(images()).units.denormalize(x).flatten().tolist() == [0, 255]


def test_image_batches_are_channels_last_bytes():
    x = ImageSource(images()).batch(0, 0, 8)
    assert x.dtype == torch.uint8 and x.shape == (8, 3, 4, 4)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_vectors_are_standardised_by_the_training_set():
    train = np.random.default_rng(0).normal([3.0, -5.0], [2.0, 0.1], (500, 2))
    source = VectorSource(train)
    x = source.units.normalize(source.training(500))
    torch.testing.assert_close(x.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(x.std(0, correction=0), torch.ones(2))
    torch.testing.assert_close(source.units.denormalize(x), source.training(500), check_dtype=False)


FAR = 1e9 + np.random.default_rng(0).normal(size=(1000, 2)) * [1.0, 1e-3]


@pytest.mark.parametrize("held_out", [False, True])
def test_data_far_from_zero_keep_their_digits(held_out):
    source = VectorSource(FAR, FAR)
    x = source.units.normalize(source.held_out(1000) if held_out else source.training(1000))
    assert x.dtype == torch.float32
    near = FAR - 1e9
    expected = np.sort((near - near.mean(0)) / near.std(0), axis=0)
    np.testing.assert_allclose(np.sort(x.numpy(), axis=0), expected, atol=2e-4)


def test_samples_in_storage_units_keep_the_digits_of_data_far_from_zero():
    source = VectorSource(FAR)
    x = source.training(1000)
    assert x.dtype == source.units.dtype == torch.float64
    kept = torch.from_numpy(source.units.stored(source.units.normalize(x)))
    assert ((kept - x).abs() / source.units.std).max() < 2e-4


@pytest.mark.parametrize(
    ("given", "stored"),
    [(np.float16, torch.float32), (np.float32, torch.float32), (np.int16, torch.float32)],
)
def test_vectors_of_a_small_type_are_single_floats(given, stored):
    source = VectorSource(np.arange(20).reshape(10, 2).astype(given))
    assert source.training(3).dtype == source.units.dtype == stored


@pytest.mark.parametrize("given", [np.int64, np.float64, np.longdouble])
def test_vectors_of_a_large_type_lose_nothing(given):
    array = 2**40 + np.arange(20).reshape(10, 2).astype(given)
    assert np.array_equal(np.sort(VectorSource(array).training(10), axis=0), array)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_data_out_of_the_range_of_single_floats_are_standardised(scale):
    train = np.random.default_rng(0).normal(size=(500, 2)) * scale
    source = VectorSource(train)
    assert source.units.dtype == torch.float64 and not source.notes
    x = source.units.normalize(source.training(500))
    torch.testing.assert_close(x.std(0, correction=0), torch.ones(2))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, -7.0])
def test_a_constant_feature_keeps_its_scale_and_is_named(value):
    train = np.random.default_rng(0).normal(size=(1000, 3))
    train[:, 1] = value
    source = VectorSource(train)
    assert source.units.std[1] == 1
    assert (source.units.normalize(source.training(1000))[:, 1] == 0).all()
    (note,) = source.notes
    assert f"column 1 of the data is constant ({value:g})" in note


def test_many_constant_features_are_counted():
    train = np.zeros((10, 9))
    train[:, 3] = np.arange(10)
    (note,) = VectorSource(train).notes
    assert "columns 0 (0), 1 (0), 2 (0), 4 (0), 5 (0) and 3 more of the data are constant" in note


def test_data_without_any_difference_are_said_to_be_equal():
    assert "all vectors of the data are equal" in VectorSource(np.full((10, 2), 3.0)).notes[0]


def test_a_deviation_far_below_the_mean_is_no_constant():
    source = VectorSource(1e12 + np.arange(100.0)[:, None] / 8)
    assert not source.notes
    torch.testing.assert_close(source.units.std.item(), np.std(np.arange(100) / 8))


def test_a_plain_tensor_is_left_as_it_is():
    x = torch.randn(6, 2) * 9
    source = from_tensor(x)
    assert torch.equal(source.units.normalize(source.batch(0, 0, 6)).sort(0)[0], x.sort(0)[0])


def test_a_batch_is_pure_and_its_shares_make_it_up():
    source = ImageSource(images())
    whole = source.batch(5, 9, 8)
    assert torch.equal(torch.cat([source.batch(5, 9, 8, rank, 3) for rank in range(3)]), whole)


@pytest.mark.parametrize(
    "source", [ImageSource(images()), VectorSource(FAR), DensitySource(grid())], ids=type
)
def test_chosen_samples_stand_where_the_training_samples_do(source):
    places = np.array([0, 3, 17])
    assert torch.equal(source.chosen(20, places), source.training(20)[places])
    assert len(source.chosen(20, places[:0])) == 0


def test_chosen_samples_alone_are_read(monkeypatch):
    read, source = [], ImageSource(images())
    monkeypatch.setattr(arrays, "take", lambda _, rows: read.extend(rows) or images()[rows])
    source.chosen(20, np.array([3, 19]))
    assert len(read) == 2


def test_a_batch_larger_than_the_data_names_the_remedy():
    message = "batch_size 512 is larger than the data set's 20 samples: give a batch size of 20"
    with pytest.raises(ValueError, match=message):
        ImageSource(images()).batch(0, 0, 512)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_values_that_are_not_finite_are_counted_and_located(bad):
    train = np.zeros((100, 2))
    train[[7, 50], [1, 0]] = bad
    with pytest.raises(ValueError, match=r"in 2 of 100 rows, first in row 7"):
        VectorSource(train)


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.zeros((3, 8, 8)), np.zeros((3, 8, 8, 2), np.uint8), np.array([["a"]])],
)
def test_arrays_of_no_known_kind_are_refused(array):
    with pytest.raises(ValueError, match="is no data set"):
        from_array(array)


def test_whole_number_tensors_are_refused():
    with pytest.raises(ValueError, match="must be float"):
        from_tensor(torch.zeros(3, 2, dtype=torch.uint8))


def test_held_out_samples_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="give both the same"):
        from_tensor(torch.zeros(3, 2), torch.zeros(3, 4))


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match="a label for each of 20 samples"):
        ImageSource(images(), train_labels=np.zeros(3, int))


def test_a_part_of_a_sorted_set_has_all_its_classes_with_their_labels():
    labels = np.repeat([0, 1], 50)
    pixels = np.broadcast_to(labels[:, None, None, None], (100, 2, 2, 1)).astype(np.uint8)
    source = ImageSource(pixels, pixels, labels, labels)
    for x, y in (
        (source.training(30), source.training_labels(30)),
        (source.held_out(30), source.held_out_labels(30)),
    ):
        assert torch.equal(x[:, 0, 0, 0].long(), y)
        assert set(y.tolist()) == {0, 1}


def test_a_tensor_that_float32_makes_one_point_is_refused():
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[:, 1] = 1e9  # constant: there is nothing to tell apart
    assert from_tensor(x).batch(seed=0, step=0, size=2).shape == (2, 2)
    with pytest.raises(ValueError, match="float32 does not tell apart"):
        from_tensor(x + torch.tensor([1e9, 0.0]))


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
