"""Images and drawings of the user go through the encoder."""

import numpy as np
import pytest
from PIL import Image

from alpha_bridge.runs.folder import Run
from alpha_bridge.studio import encodings


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "mine.png"
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(path)
    return path


def test_an_image_is_shown_beside_its_reconstruction(digits, image, tmp_path):
    shown = encodings.reconstructed(digits, image, 2, tmp_path)
    assert "mean squared error" in shown
    assert "after 2 steps of refinement" in shown
    assert shown.count("src='data:image/png;base64,") == 2


def test_points_are_joined_with_their_reconstructions(ring, tmp_path):
    np.save(tmp_path / "points.npy", np.ones((3, 2), np.float32))
    shown = encodings.reconstructed(ring, tmp_path / "points.npy", 0, tmp_path)
    assert "<h2>Reconstructions</h2>" in shown


def test_an_image_moves_along_an_attribute_of_the_data(digits, image, tmp_path):
    names = encodings.attributes(digits)
    assert names == [f"label={label}" for label in range(10)]
    shown = encodings.edited(digits, image, names[1], 2.0, tmp_path)
    assert "label=1: accuracy" in shown


def test_edits_of_points_are_refused(ring, image, tmp_path):
    with pytest.raises(ValueError, match="ring is no run of images"):
        encodings.edited(ring, image, "label=1", 2.0, tmp_path)


def test_two_images_have_a_way_between_them(digits, image, tmp_path):
    shown = encodings.between(digits, image, image, "slerp", tmp_path)
    assert "The way from the first image to the second" in shown


def test_a_drawing_gets_the_ground_of_the_data(digits, tmp_path):
    strokes = np.zeros((16, 16, 4), np.uint8)
    strokes[4:8, 4:8] = 0, 0, 0, 255
    path = encodings.drawing({"composite": strokes}, digits, tmp_path)
    pixels = np.asarray(Image.open(path))
    assert (pixels[0, 0], pixels[5, 5]) == (0, 255)  # digits are white on black


@pytest.mark.parametrize("sketch", [None, {"composite": np.zeros((4, 4, 4), np.uint8)}])
def test_nothing_drawn_is_no_image(digits, tmp_path, sketch):
    assert encodings.drawing(sketch, digits, tmp_path) is None


def test_the_columns_of_a_table_have_the_values_of_their_categories(tmp_path):
    columns = {"age": {"kind": "integer", "values": [0]}, "city": {"kind": "category"}}
    columns["city"]["values"] = ["Bern", "Oslo"]
    run = Run.create(tmp_path / "run", {"columns": columns})
    assert encodings.columns(run) == {"age": [], "city": ["Bern", "Oslo"]}
