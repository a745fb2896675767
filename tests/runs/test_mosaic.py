"""Pictures without matplotlib: rows of images, each beside its name."""

import numpy as np
import pytest
from PIL import Image

from alpha_bridge.runs.mosaic import GAP, SIDE, save_rows


def picture_of(images, path, names=("original", "reconstruction")):
    save_rows(dict.fromkeys(names, images), path)
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("side, shown", [(8, SIDE), (28, 2 * 28), (64, 64), (100, 100)])
def test_small_images_are_enlarged_pixel_for_pixel(tmp_path, side, shown):
    images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    picture = picture_of(images, tmp_path / "rows.png")
    assert picture.shape[0] == 2 * shown + GAP
    times = shown // side
    last = picture[-shown:, -shown:][::times, ::times]
    np.testing.assert_array_equal(last, images[-1])


def test_grey_images_are_grey(tmp_path):
    images = np.full((3, 8, 8, 1), 40, np.uint8)
    assert (picture_of(images, tmp_path / "rows.png")[-SIDE:, -SIDE:] == 40).all()


def test_each_row_has_a_name_in_its_middle_beside_it(tmp_path):
    images = np.full((1, 64, 64, 1), 255, np.uint8)
    picture = picture_of(images, tmp_path / "rows.png", ("original", "VAE before", "refined"))
    written = (picture < 150).any(axis=(1, 2)).nonzero()[0]
    rows = np.split(written, (np.diff(written) > GAP).nonzero()[0] + 1)
    assert len(rows) == 3
    for index, lines in enumerate(rows):
        assert abs(lines.mean() - index * (64 + GAP) - 32) < 8
    assert (picture[:, -64:] == 255).all()  # no name lies on an image
