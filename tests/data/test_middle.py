"""The middle squares of images as a source."""

import numpy as np
import pytest
import torch

from alpha_bridge.data import ImageSource
from alpha_bridge.data import middle as module
from alpha_bridge.data.middle import MiddleSquares

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 9, 9, 3), dtype=np.uint8)


@pytest.fixture
def source():
    return ImageSource(IMAGES[:15], IMAGES[15:], np.arange(15) % 3, np.arange(5) % 3)


def middle(x):
    return x[..., 2:6, 2:6]


def test_squares_are_those_of_the_source_in_its_order(source, monkeypatch):
    monkeypatch.setattr(module, "PART", 4)
    squares = MiddleSquares(source, 4)
    assert squares.event_shape == (3, 4, 4)
    for count in (7, 100):
        assert torch.equal(squares.training(count), middle(source.training(count)))
        assert torch.equal(squares.held_out(count), middle(source.held_out(count)))
        assert torch.equal(squares.training_labels(count), source.training_labels(count))
        assert torch.equal(squares.held_out_labels(count), source.held_out_labels(count))
    assert torch.equal(squares.batch(0, 3, 5), middle(source.batch(0, 3, 5)))
    assert (squares.classes, squares.size, squares.units) == (3, 15, source.units)


def test_squares_that_images_do_not_have_are_refused(source):
    with pytest.raises(ValueError, match="images of 9×9 pixels have no crop of 10"):
        MiddleSquares(source, 10)
