"""Folders of images as people have them: each is read whole, and what was decided is said."""

import numpy as np
import pytest

from alpha_bridge.data import load_images

from .awkward import ARRAYS, LABELS, REFUSED, SETS, labelled


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "people's files"
    path.mkdir()
    return path


@pytest.mark.parametrize("case", SETS)
def test_each_set_is_read_and_said(folder, case):
    known = SETS[case]
    known.make(folder)
    source = load_images(str(folder), **known.options)
    assert source.notes == tuple(line.format(folder) for line in known.lines)
    assert source.size + len(source.held_out(100)) == known.images
    assert source.classes == known.classes


@pytest.mark.parametrize("case", LABELS)
def test_labels_of_each_kind_are_classes_or_said_to_be_none(folder, case):
    cells, classes, end = LABELS[case]
    labelled(*cells)(folder)
    source = load_images(str(folder))
    assert source.classes == classes
    assert source.notes[-1].startswith("the labels of column label")
    assert source.notes[-1].endswith(end)


@pytest.mark.parametrize("case", ARRAYS)
def test_each_array_is_read_or_told_what_would_make_it_data(folder, case):
    array, expected = ARRAYS[case]
    path = folder / "x.npy"
    np.save(path, array)
    if isinstance(expected, tuple):
        source = load_images(str(path))
        assert (source.event_shape, source.size) == (expected, 8)
        return
    with pytest.raises(ValueError) as error:
        load_images(str(path))
    assert str(error.value).startswith(f"'{path}' cannot be used")
    assert expected in str(error.value)


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_says_what_lies_there_and_what_to_do(folder, case):
    make, message = REFUSED[case]
    make(folder)
    with pytest.raises(ValueError) as error:
        load_images(str(folder))
    assert str(error.value) == message.format(folder)
