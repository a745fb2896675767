"""Labels of any kind become classes, numbered in order, or a line says why they do not."""

import tracemalloc

import datasets
import numpy as np
import pyarrow
import pytest
import torch

from alpha_bridge.data import ImageSource, from_array
from alpha_bridge.data.choice import attributes_of
from alpha_bridge.data.classes import classes_of, has_at_most


@pytest.mark.parametrize(
    ("labels", "names", "codes"),
    [
        ([3, 1, 3, 1], ("1", "3"), [1, 0, 1, 0]),
        ([-1, 1, -1, 1], ("-1", "1"), [0, 1, 0, 1]),
        ([-2, -1, 0, 1] * 2, ("-2", "-1", "0", "1"), [0, 1, 2, 3] * 2),
        ([-1, 0, 1, 1], ("0", "1"), [-1, 0, 1, 1]),
        ([True, False, True, True], ("false", "true"), [1, 0, 1, 1]),
        ([10**12, 7, 7, 7], ("7", str(10**12)), [1, 0, 0, 0]),
        ([2.0, np.nan, 1.0, 2.0], ("1", "2"), [1, -1, 0, 1]),
        (["b", "", " a", "b"], ("a", "b"), [1, -1, 0, 1]),
        ([None, "b", "a", "b"], ("a", "b"), [-1, 1, 0, 1]),
    ],
)
def test_distinct_values_are_numbered_in_order_and_what_is_missing_is_unknown(labels, names, codes):
    found = classes_of(np.array(labels))
    assert (found.names, found.codes.tolist()) == (names, codes)


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        ([5] * 6, "the labels are all 5: one class alone tells nothing, so it is left out"),
        ([-1, 0, -1, 0], "the labels are all 0: one class alone"),
        (range(9), "the labels have 9 values for 9 samples: no classes, left out"),
        ([*range(2000)] * 3, "the labels have 2000 values for 6000 samples: no classes"),
        ([np.nan] * 3, "the labels are all unknown: left out"),
    ],
)
def test_labels_that_tell_no_classes_apart_are_left_out_with_a_line(labels, note):
    found = classes_of(np.array(labels))
    assert found.names == () and set(found.codes.tolist()) == {-1}
    assert note in found.notes[-1]


MANY = pyarrow.table({"id": np.arange(200_000)})


@pytest.mark.parametrize(
    ("names_of", "column"),
    [
        (lambda data: attributes_of({"train": data}).names, datasets.Dataset(MANY)),
        (lambda cells: [*classes_of(cells).names], MANY["id"]),
    ],
    ids=["attributes", "classes"],
)
def test_a_column_of_many_values_takes_no_objects_for_them(names_of, column):
    tracemalloc.start()
    assert names_of(column) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(column)


@pytest.mark.parametrize("count", [1, 5, 6])
def test_values_are_counted_piece_by_piece(monkeypatch, count):
    monkeypatch.setattr("alpha_bridge.data.classes.PIECE", 4)
    cells = pyarrow.chunked_array([[None, *range(count)], [], [*range(count)] * 3])
    assert has_at_most(5, cells) == (count <= 5)


def test_a_number_that_is_taken_for_unknown_is_said():
    assert classes_of(np.array([-1, 0, 1, 2] * 3)).notes == (
        "-1 in the labels is unknown, as the others count from 0 on",
    )
    assert classes_of(np.array([-1, 0, 1] * 3), names=["a", "b"]).notes == ()


@pytest.mark.parametrize("labels", [[0.5, 1.5], [np.inf, 0], [b"a", b"b"], [[1], "a"], [1, "a"]])
def test_values_of_another_kind_are_refused(labels):
    with pytest.raises(ValueError, match=r"no classes.*: give whole numbers, booleans or texts"):
        classes_of(np.array(labels, object))


def test_training_and_held_out_samples_share_the_numbers_of_their_classes():
    images = np.zeros((4, 8, 8, 1), np.uint8)
    source = ImageSource(images, images, np.array([9, 9, 4, 4]), np.array([9, 4, 4, 6]))
    assert source.class_names == ("4", "6", "9") and source.classes == 3
    assert source.training_labels(4).sort()[0].tolist() == [0, 0, 2, 2]
    assert source.held_out_labels(4).sort()[0].tolist() == [0, 0, 1, 2]
    assert source.training_attributes(4).names == ["label=4", "label=6", "label=9"]


def test_an_array_without_two_classes_has_no_labels_and_a_note():
    source = from_array(np.arange(8.0).reshape(4, 2), train_labels=np.ones(4, int))
    assert source.training_labels(4) is None and source.classes == 0
    assert "one class alone" in source.notes[0]


def test_held_out_samples_without_labels_are_unknown():
    x = np.arange(8.0).reshape(4, 2)
    source = from_array(x, x[:2], np.array(["a", "b"] * 2))
    assert torch.equal(source.held_out_labels(2), torch.tensor([-1, -1]))
