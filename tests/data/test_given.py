"""What Python hands over is taken for what it is, or refused by a line that says what would do."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from alpha_bridge.data import DatasetSource, source_of
from alpha_bridge.data.given import batch_size_of

VECTORS = np.random.default_rng(0).normal(size=(20, 3))
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 6, 3), np.uint8)
CHANNELS_FIRST = PIXELS.transpose(0, 3, 1, 2)


class Items(Dataset):
    """Whatever ``make`` makes of a number, twenty times."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return 20

    def __getitem__(self, row):
        return self.make(row)


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(3)


def everything(source):
    """All samples in model units, in the order of their numbers."""
    x = source.units.normalize(source.batch(0, 0, 20))
    return x[x.flatten(1)[:, 0].argsort()]


@pytest.mark.parametrize(
    "given",
    [
        VECTORS,
        VECTORS[::-1].copy()[::-1],
        VECTORS.astype(np.float32),
        torch.tensor(VECTORS),
        TensorDataset(torch.tensor(VECTORS), torch.arange(20)),
        Items(lambda row: {"x": VECTORS[row], "label": 3}),
        Items(lambda row: (list(VECTORS[row : row + 1]), 3)),
        DataLoader(TensorDataset(torch.tensor(VECTORS))),
    ],
    ids=["float64", "reversed", "float32", "tensor", "tuples", "mappings", "lists", "loader"],
)
def test_numbers_are_taken_as_they_are(given):
    expected = torch.tensor(VECTORS).float()
    assert torch.equal(everything(source_of(given)), expected[expected[:, 0].argsort()])


@pytest.mark.parametrize(
    "given",
    [
        PIXELS,
        CHANNELS_FIRST,
        torch.tensor(CHANNELS_FIRST),
        TensorDataset(torch.tensor(CHANNELS_FIRST)),
        Items(lambda row: (Image.fromarray(PIXELS[row]), 3)),
    ],
    ids=["channels last", "channels first", "tensor", "tuples", "Pillow"],
)
def test_images_reach_the_model_between_minus_one_and_one(given):
    source, expected = source_of(given), torch.tensor(CHANNELS_FIRST).float() / 127.5 - 1
    assert source.event_shape == (3, 8, 6)
    rows = {row.numpy().tobytes() for row in source.units.normalize(source.batch(0, 0, 20))}
    assert rows == {row.numpy().tobytes() for row in expected}


def test_grey_images_have_one_channel():
    assert source_of(PIXELS[..., 0]).event_shape == (1, 8, 6)
    assert source_of(Items(lambda row: Image.fromarray(PIXELS[row, ..., 0]))).event_shape == (
        1,
        8,
        6,
    )


def test_whole_numbers_are_numbers():
    assert source_of(np.arange(40).reshape(20, 2)).batch(0, 0, 20).dtype == torch.float32


def test_a_loader_gives_its_batch_size_and_says_what_is_ignored():
    loader = DataLoader(TensorDataset(torch.zeros(20, 3)), batch_size=5, shuffle=True)
    assert batch_size_of(loader) == 5 and batch_size_of(VECTORS) == 128
    (note,) = source_of(loader).notes
    assert "batch size (5) are used" in note and "workers" in note


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 2.0], "data must be an array or a tensor .*, a Dataset or a DataLoader .*got list"),
        (np.zeros(20), r"must have the shape \(N, \*event\) .*float64 of shape \(20,\)"),
        (np.zeros((20, 3), bool), "hold numbers, got bool"),
        (np.zeros((20, 3, 8, 8), np.uint8)[:, :2], r"1 or 3 channels, got \(20, 2, 8, 8\)"),
        (np.full((20, 3), np.nan), "NaN or infinity"),
        (np.zeros((0, 3)), r"must have the shape \(N, \*event\), got \(0, 3\)"),
        (torch.zeros(0, 3), r"must have the shape \(N, \*event\), got \(0, 3\)"),
        (Endless(), "must have a length and items by number, and Endless has none"),
        (DataLoader(Endless()), "and Endless has none: give a map-style Dataset"),
        (TensorDataset(torch.zeros(0, 3)), "TensorDataset, has no items"),
        (Items(lambda row: row), "item 0 of the data set is no sample, but a int: items must be"),
        (Items(lambda _: "a.png"), "item 0 of the data set is no sample"),
    ],
)
def test_what_is_no_data_is_refused_by_a_line_that_says_what_would_do(given, message):
    with pytest.raises(ValueError, match=message) as refused:
        source_of(given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda row: torch.zeros(3 + (row == 7)), r"item 7 of the data set has the shape \(4,\)"),
        (lambda row: torch.zeros(3) / (row != 7), "item 7 of the data set has NaN or infinity"),
    ],
)
def test_an_item_unlike_the_others_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        DatasetSource(Items(make)).training(20)
