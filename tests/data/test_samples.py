"""What a user gives to a trained model: images, folders of them, arrays."""

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge.data import read_named_samples, read_samples

GREY, COLOUR = (1, 8, 8), (3, 8, 8)


def pixels(count=3, size=8, channels=1):
    shape = (count, size, size, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def save_images(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{index}.png")
    return folder


def save_array(folder, array):
    path = folder / "samples.npy"
    np.save(path, array)
    return path


def test_one_image_is_a_batch_of_one(tmp_path):
    images = pixels(1)
    path = save_images(tmp_path, images) / "0.png"
    x = read_samples(path, GREY)
    assert (x.dtype, x.shape) == (torch.uint8, (1, *GREY))
    assert np.array_equal(x.numpy()[0, 0], images[0, ..., 0])


def test_a_folder_gives_its_images_in_the_order_of_their_names(tmp_path):
    images = pixels(3)
    x = read_samples(save_images(tmp_path, images), GREY)
    assert np.array_equal(x.permute(0, 2, 3, 1).numpy(), images)


def test_folders_in_a_folder_are_looked_into_and_other_files_are_left_out(tmp_path):
    save_images(tmp_path / "a", pixels(2))
    (tmp_path / "readme.txt").write_text("not an image")
    for name in ("._0.png", "notes.pdf", "film.mpg"):
        (tmp_path / name).write_bytes(b"not an image either")
    assert len(read_samples(tmp_path, GREY)) == 2


def test_a_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_images(tmp_path / "images", pixels(2))
    assert len(read_samples("~/images", GREY)) == 2


def test_images_of_another_size_are_cropped_to_the_central_square_and_resized(tmp_path):
    wide = np.zeros((16, 32, 1), dtype=np.uint8)
    wide[:, 8:24] = 200
    x = read_samples(save_images(tmp_path, [wide]), GREY)
    assert x.shape == (1, *GREY)
    assert (x.int() - 200).abs().max() < 20  # the filter rings at the edge of the crop


def test_colour_becomes_grey_and_grey_becomes_colour(tmp_path):
    colour = save_images(tmp_path / "colour", pixels(2, channels=3))
    grey = save_images(tmp_path / "grey", pixels(2))
    assert read_samples(colour, GREY).shape == (2, *GREY)
    x = read_samples(grey, COLOUR)
    assert torch.equal(x[:, 0], x[:, 1])
    assert torch.equal(x[:, 0], x[:, 2])


@pytest.mark.parametrize("drop_channel", [True, False])
def test_an_array_of_images_is_taken_with_or_without_its_channel(tmp_path, drop_channel):
    images = pixels()
    path = save_array(tmp_path, images[..., 0] if drop_channel else images)
    assert np.array_equal(read_samples(path, GREY).permute(0, 2, 3, 1).numpy(), images)


def test_an_array_of_vectors_is_taken_in_its_own_units_and_order(tmp_path):
    vectors = 1e12 + np.arange(12.0).reshape(6, 2)
    x = read_samples(save_array(tmp_path, vectors), (2,))
    assert x.dtype == torch.float64
    assert np.array_equal(x.numpy(), vectors)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing.png does not exist: give an image"):
        read_samples(tmp_path / "nothing.png", GREY)


def test_images_for_a_model_of_vectors_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"takes vectors, not images.*give an .npy file"):
        read_samples(save_images(tmp_path, pixels()), (2,))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is empty: give a folder of images"):
        read_samples(tmp_path, GREY)


def test_all_corrupt_images_are_named(tmp_path):
    save_images(tmp_path, pixels())
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(ValueError, match=r"1.png cannot be decoded .*: remove or repair it"):
        read_samples(tmp_path, GREY)
    (tmp_path / "2.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"2 of 3 images cannot be decoded: .*1.png .*2.png"):
        read_samples(tmp_path, GREY)


def test_deep_images_are_scaled_by_what_is_white_in_the_data_of_the_run(tmp_path):
    Image.fromarray(np.full((8, 8), 200, np.uint16)).save(tmp_path / "0.png")
    assert read_samples(tmp_path, GREY).unique().tolist() == [200]
    assert read_samples(tmp_path, GREY, 4095).unique().tolist() == [12]
    with pytest.raises(ValueError, match=r"0.png has the value 200, and 100 is white"):
        read_samples(tmp_path, GREY, 100)


@pytest.mark.parametrize(
    ("array", "shape", "message"),
    [
        (np.zeros((3, 2)), (5,), r"samples of shape \(2,\), the model takes \(5,\)"),
        (np.zeros((3, 2)), GREY, r"samples of shape \(2,\), the model takes \(1, 8, 8\)"),
        (pixels(), (2,), r"samples of shape \(1, 8, 8\), the model takes \(2,\)"),
        (np.zeros((3, 8, 8)), GREY, r"array of float64 and shape \(3, 8, 8\) is no data set"),
        (np.zeros(3), (3,), r"array of float64 and shape \(3,\) is no data set"),
        (np.zeros((0, 2)), (2,), r"cannot be used"),
        (np.full((3, 2), np.nan), (2,), r"samples.npy cannot be used: .* NaN or infinity"),
        (np.full((3, 2), np.inf), (2,), r"samples.npy cannot be used: .* NaN or infinity"),
        (np.full((3, 2), "a"), (2,), r"samples.npy cannot be used"),
    ],
)
def test_an_array_of_another_kind_is_refused(tmp_path, array, shape, message):
    with pytest.raises(ValueError, match=message):
        read_samples(save_array(tmp_path, array), shape)


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_array_is_refused(tmp_path, content):
    path = tmp_path / "samples.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"samples.npy' cannot be read as an array"):
        read_samples(path, (2,))


def test_several_arrays_are_refused(tmp_path):
    path = tmp_path / "samples.npy"
    with path.open("wb") as file:
        np.savez(file, a=np.zeros((3, 2)), b=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="holds several arrays: save one of them"):
        read_samples(path, (2,))


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "samples.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot be read as an array"):
        read_samples(path, (2,))


def test_images_of_an_array_take_the_shape_of_the_model(tmp_path):
    np.save(tmp_path / "wide.npy", np.full((3, 10, 20, 3), 7, np.uint8))
    samples = read_samples(tmp_path / "wide.npy", (1, 8, 8))
    assert samples.shape == (3, 1, 8, 8) and (samples == 7).all()


def test_broken_images_of_a_folder_are_left_out_if_asked_and_counted(tmp_path):
    images, said = pixels(3), []
    save_images(tmp_path, images)
    (tmp_path / "1.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1\.png cannot be decoded"):
        read_samples(tmp_path, GREY)
    x = read_samples(tmp_path, GREY, skip_broken=True, say=said.append)
    assert np.array_equal(x.permute(0, 2, 3, 1).numpy(), images[[0, 2]])
    assert said == ["2 images of 3 files; 1 left out: 1 broken"]
    again, names = read_named_samples(tmp_path, GREY, skip_broken=True)
    assert torch.equal(again, x) and names == ["0.png", "2.png"]


def test_a_folder_of_nothing_but_broken_images_is_refused(tmp_path):
    (tmp_path / "1.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1\.png cannot be decoded"):
        read_samples(tmp_path, GREY, skip_broken=True)


def test_pictures_of_a_run_in_a_folder_are_left_out_and_said(tmp_path):
    said = []
    save_images(tmp_path, pixels(3))
    save_images(tmp_path / "run" / "samples", pixels(2))
    (tmp_path / "run" / "config.json").write_text("{}")
    assert len(read_samples(tmp_path, GREY, say=said.append)) == 5
    (tmp_path / "run" / "metrics.jsonl").write_text("")
    assert len(read_samples(tmp_path, GREY, say=said.append)) == 3
    assert said[1:] == [
        "3 images of 3 files",
        f"the files of runs and exported models in '{tmp_path}' are left out: run",
    ]
    assert len(read_samples(tmp_path / "run" / "samples", GREY)) == 2
