"""Pictures hold each image where it belongs, pixel for pixel."""

import numpy as np
import pytest
from PIL import Image

from alpha_bridge.runs import plots
from alpha_bridge.runs.mosaic import GAP, save_png


def written(axes):
    return {text.get_text() for text in axes.texts}


def images(count, side=8, channels=1, value=None):
    if value is not None:
        return np.full((count, side, side, channels), value, np.uint8)
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_grid_holds_each_image_in_reading_order(channels):
    shown = images(5, channels=channels)
    (axes,) = plots.image_grid(shown, columns=3).axes
    mosaic = axes.images[0].get_array()
    pitch = 8 + GAP
    assert mosaic.shape == (2 * pitch - GAP, 3 * pitch - GAP, 3)
    fifth = mosaic[pitch : pitch + 8, pitch : pitch + 8]
    np.testing.assert_array_equal(fifth, np.broadcast_to(shown[4][..., :3], fifth.shape))


def test_large_images_are_averaged_down():
    checkered = np.indices((256, 256)).sum(0) % 2 * 200
    (axes,) = plots.image_grid(checkered.astype(np.uint8)[None, :, :, None], 1).axes
    np.testing.assert_array_equal(axes.images[0].get_array(), np.full((64, 64, 3), 100))


def test_through_time_has_a_column_for_each_step_and_a_row_for_each_latent(records):
    samples = {step: images(9, value=step // 10) for step in (600, 100, 400)}
    (axes,) = plots.through_time(samples, records).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "400", "600"]
    assert written(axes) == {"I · maximum likelihood", "II · transfer", "III · adversarial"}
    mosaic = axes.images[0].get_array()
    pitch = 8 + GAP
    assert mosaic.shape[0] == 6 * pitch - GAP
    np.testing.assert_array_equal(mosaic[::pitch, ::pitch, 0], np.tile([10, 40, 60], (6, 1)))


def test_through_time_keeps_at_most_ten_steps():
    samples = {step: images(1) for step in range(30)}
    (axes,) = plots.through_time(samples).axes
    assert len(axes.get_xticklabels()) == 10


def test_captioned_pictures_show_each_sample_over_what_is_made_of_it():
    shown = np.stack([images(5, value=k) for k in (10, 20)])
    captions = [*"abcd", "e\nf"]
    figure = plots.captioned(shown, ("original", "copy"), captions, "five", width=3)
    assert figure.get_suptitle() == "five"
    told = [tick.get_text() for axes in figure.axes for tick in axes.get_xticklabels()]
    assert told == captions
    mosaic = figure.axes[1].images[0].get_array()[::10, ::10, 0]
    assert mosaic.tolist() == [[10, 10, 255], [20, 20, 255]]


def test_save_png_writes_the_pixels(tmp_path):
    shown = images(4, channels=3)
    save_png(shown, tmp_path / "new" / "samples.png")
    with Image.open(tmp_path / "new" / "samples.png") as picture:
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[:8, :8], shown[0])
    np.testing.assert_array_equal(pixels[-8:, -8:], shown[3])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["samples.png"]


def test_strips_name_their_columns_and_bands_of_rows():
    cells = images(8, channels=3).reshape(4, 2, 8, 8, 3)
    (axes,) = plots.strips(cells, ["-1", "+1"], ["Smiling", "Male"]).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["-1", "+1"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Smiling", "Male"]
    pitch = 8 + GAP
    np.testing.assert_array_equal(
        axes.images[0].get_array()[3 * pitch :, pitch : pitch + 8], cells[3, 1]
    )
    first, second = axes.get_yticks()
    assert (first, second) == (pitch - 1.5, 3 * pitch - 1.5)  # between two rows of pixels
