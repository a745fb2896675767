"""Folders of images as people have them: each is read whole, and what was decided is said."""

import pytest

from alpha_bridge.data import load_images

from .awkward import REFUSED, SETS


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


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_says_what_lies_there_and_what_to_do(folder, case):
    make, message = REFUSED[case]
    make(folder)
    with pytest.raises(ValueError) as error:
        load_images(str(folder))
    assert str(error.value) == message.format(folder)
