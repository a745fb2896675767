"""Images from folders and files: decoded once, correctly, or refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge.data import digits, load_images
from alpha_bridge.data import images as module

REAL = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def picture(path, size=(8, 8), mode="RGB", value=None):
    rng = np.random.default_rng(abs(hash(path.name)) % 1000 if value is None else 0)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels = pixels if value is None else np.full_like(pixels, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


def pictures(folder, n=12, **options):
    for i in range(n):
        picture(folder / f"{i:02}.png", **options)


def everything(source):
    return torch.cat([source.training(10**6), source.held_out(10**6)])


def test_every_image_is_trained_on_or_held_out_once(folder):
    for i in range(20):
        picture(folder / f"{i}.png", value=10 * i)
    source = load_images(str(folder))
    assert (source.size, source.event_shape) == (18, (3, 8, 8))
    assert sorted(everything(source)[:, 0, 0, 0].tolist()) == [10 * i for i in range(20)]


def test_subfolders_are_classes(folder):
    for i in range(6):
        picture(folder / "cat" / f"{i}.png", value=0)
        picture(folder / "dog" / f"{i}.png", value=255)
    source = load_images(str(folder))
    labels = source.training_labels(100)
    assert source.classes == 2
    assert torch.equal(source.training(100)[:, 0, 0, 0] // 255, labels.byte())


def test_a_test_folder_is_what_is_held_out(folder):
    for split, value in (("train", 0), ("test", 255)):
        pictures(folder / split, 3, value=value)
    source = load_images(str(folder))
    assert source.training(9).max() == 0 and source.held_out(9).min() == 255


def test_the_file_of_each_row_is_known(folder):
    for index in range(12):
        picture(folder / "ab"[index % 2] / f"{index}.png", value=10 * index)
    source = load_images(str(folder))
    names = [source.files[row] for row in source.held_out_attributes(9).rows]
    assert names == [f"{'ab'[v // 10 % 2]}/{v // 10}.png" for v in source.held_out(9)[:, 0, 0, 0]]


def test_a_second_load_decodes_nothing(folder, monkeypatch):
    pictures(folder)
    first = everything(load_images(str(folder)))
    monkeypatch.setattr(module, "write_images", None)
    assert torch.equal(everything(load_images(str(folder))), first)


def test_a_changed_folder_or_option_is_decoded_again(folder):
    pictures(folder)
    load_images(str(folder))
    assert load_images(str(folder), size=4).event_shape == (3, 4, 4)
    picture(folder / "new.png")
    assert len(everything(load_images(str(folder)))) == 13


def test_a_failed_load_leaves_nothing_behind(folder, cache):
    pictures(folder)
    (folder / "00.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"00\.png cannot be decoded \(not an image\)"):
        load_images(str(folder))
    assert not list((cache / "images").iterdir())


def test_a_truncated_image_is_named(folder):
    pictures(folder)
    file = folder / "07.png"
    file.write_bytes(file.read_bytes()[:80])
    with pytest.raises(ValueError, match=r"07\.png cannot be decoded"):
        load_images(str(folder))


@pytest.mark.parametrize(
    ("sizes", "decided"),
    [
        ([(20, 20)] * 3, 20),
        ([(28, 28), (32, 32), (32, 32)], 32),
        ([(28, 28), (28, 28), (32, 32)], 28),
        ([(8, 6)] * 3, 8),
        ([(40, 30)] * 3, 28),
        ([(80, 80)] * 3, 64),
        ([(90, 40), (300, 200), (50, 33)], 32),
    ],
)
def test_the_size_is_decided_from_all_images(folder, sizes, decided):
    for index, size in enumerate(sizes):
        picture(folder / f"{index}.png", size=size)
    assert load_images(str(folder)).event_shape == (3, decided, decided)


def test_the_centre_is_what_is_kept(folder):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 255
    for i in range(3):
        Image.fromarray(wide).save(folder / f"{i}.png")
    assert everything(load_images(str(folder), size=4)).min() == 255


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)]
)
def test_channels_are_those_that_the_images_have(folder, mode, channels):
    pictures(folder, 3, mode=mode)
    assert load_images(str(folder)).event_shape == (channels, 8, 8)


def test_colour_is_not_dropped_silently(folder):
    pictures(folder, 3, mode="L")
    picture(folder / "z.png")
    assert load_images(str(folder)).event_shape == (3, 8, 8)
    grey = load_images(str(folder), channels=1)
    assert grey.event_shape == (1, 8, 8)
    assert grey.notes[-1] == "some images are in colour: all are read in grey"


def test_transparent_pixels_become_white(folder):
    for i in range(3):
        Image.new("RGBA", (4, 4), (9, 9, 9, 0)).save(folder / f"{i}.png")
    assert everything(load_images(str(folder))).min() == 255


@pytest.mark.parametrize(("ending", "kind"), [("png", "u2"), ("tiff", "u2"), ("tiff", "i4")])
@pytest.mark.parametrize(
    ("values", "expected", "white"),
    [
        ([0, 40, 255], [0, 40, 255], 255),
        ([7, 7, 9], [7, 7, 9], 255),
        ([0, 512, 1000], [0, 128, 249], 1023),
        ([0, 4095, 2048], [0, 255, 128], 4095),
        ([0, 0, 10_000], [0, 0, 156], 16383),
        ([0, 255, 65535], [0, 1, 255], 65535),
        ([256, 25700, 25829], [1, 100, 101], 65535),
    ],
)
def test_deep_numbers_are_those_of_the_range_that_holds_them_all(
    folder, ending, kind, values, expected, white
):
    for i, value in enumerate(values):
        Image.fromarray(np.full((8, 8), value, kind)).save(folder / f"{i}.{ending}")
    source = load_images(str(folder))
    assert sorted(everything(source)[:, 0, 0, 0].tolist()) == sorted(expected)
    assert source.white == white
    assert source.notes[-1].endswith(f"3 of 3, the largest value {max(values)}: {white} is white")


def test_images_of_8_bits_stay_as_they_are_beside_deep_ones(folder):
    Image.fromarray(np.full((8, 8), 4095, np.uint16)).save(folder / "0.png")
    for i in range(1, 4):
        picture(folder / f"{i}.png", mode="L", value=200)
    assert sorted(everything(load_images(str(folder))).unique().tolist()) == [200, 255]


def test_a_deep_tiff_whose_zero_is_white_is_no_negative(folder):
    for i in range(3):
        image = Image.fromarray(np.full((8, 8), 4095 * (i == 0), np.uint16))
        image.save(folder / f"{i}.tiff", tiffinfo={262: 0})
    assert sorted(everything(load_images(str(folder)))[:, 0, 0, 0].tolist()) == [0, 255, 255]


@pytest.mark.parametrize("value", [-1, 65536])
def test_whole_numbers_of_no_known_range_are_refused(folder, value):
    for i in range(3):
        Image.fromarray(np.full((4, 4), value if i == 1 else 9, np.int32)).save(
            folder / f"{i}.tiff"
        )
    with pytest.raises(ValueError, match=r"1\.tiff has whole numbers from .*: convert it"):
        load_images(str(folder))


def test_a_dark_file_of_16_bits_is_dark(folder):
    for i in range(3):
        (folder / f"{i}.pgm").write_bytes(b"P5 4 4 65535\n" + np.full(16, 200, ">u2").tobytes())
    assert everything(load_images(str(folder))).unique().tolist() == [1]


def test_floating_point_pixels_are_refused(folder):
    for i in range(3):
        Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(folder / f"{i}.tiff")
    with pytest.raises(ValueError, match="has floating-point pixels: convert it to 8 bits"):
        load_images(str(folder))


def test_progress_counts_to_the_total(folder):
    pictures(folder)
    calls = []
    load_images(str(folder), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i, 12) for i in range(1, 13)]


def test_nothing_is_printed(folder, capfd):
    pictures(folder)
    load_images(str(folder))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_split": "x"}, "has no split 'x', it has train"),
        ({"held_out_split": "x"}, "--images.held-out-split"),
        ({"held_out_split": "train"}, "hold out another one"),
        ({"image_column": "x"}, "has no column 'x', it has image"),
        ({"label_column": "x"}, "--images.label-column"),
        ({"label_column": "image"}, "no classes: give .* with --images.label-column"),
        ({"size": 0}, "--images.size must be at least 1, got 0"),
        ({"channels": 2}, "--images.channels must be 1"),
    ],
)
def test_choices_that_cannot_be_met_name_the_remedy(folder, options, message):
    pictures(folder, 3)
    with pytest.raises(ValueError, match=message):
        load_images(str(folder), **options)


def test_skipping_broken_images_leaves_what_a_folder_without_them_has(folder):
    pictures(folder, 20)
    whole = everything(load_images(str(folder)))
    for name in ("00a.png", "07a.png", "z.png"):
        (folder / name).write_bytes(b"no image")
    source = load_images(str(folder), skip_broken=True)
    assert torch.equal(everything(source), whole)
    rows = [source.training_attributes(99).rows, source.held_out_attributes(99).rows]
    assert sorted(np.concatenate(rows).tolist()) == [0, *range(2, 9), *range(10, 22)]


def test_a_single_image_cannot_be_split(folder):
    pictures(folder, 1)
    with pytest.raises(ValueError, match="give two or more"):
        load_images(str(folder))


@pytest.mark.parametrize("name", ["./nowhere", "/a/b", "a/b/c", "no such id?", "~/x", "a/../b"])
def test_a_path_that_does_not_exist_is_refused_without_a_look_at_the_hub(name, monkeypatch):
    monkeypatch.setattr(module.Hub, "_newest", None)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_images(name)


@pytest.mark.parametrize("name", ["foo/bar", "foo"])
def test_a_hub_id_without_network_fails_in_one_quiet_line(name, capfd):
    with pytest.raises(ValueError, match=r"no network or no such id; give a local folder") as error:
        load_images(name)
    assert "\n" not in str(error.value) and capfd.readouterr() == ("", "")


def test_a_cache_that_cannot_be_written_is_named(folder, cache):
    pictures(folder, 3)
    cache.write_text("a file")
    with pytest.raises(PermissionError, match="set ALPHA_BRIDGE_CACHE"):
        load_images(str(folder))


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "mnist").exists(), reason="needs ../shared/data")
def test_mnist_is_whole():
    source = load_images(str(REAL / "mnist"))
    assert (source.size, source.event_shape, source.classes) == (60_000, (1, 28, 28), 10)
    assert torch.bincount(source.held_out_labels(10_000)).tolist()[:2] == [980, 1135]


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "celeba").exists(), reason="needs ../shared/data")
def test_missing_labels_are_minus_one():
    source = load_images(str(REAL / "celeba"), size=16, label_column="Smiling")
    assert set(source.training_labels(10_000).tolist()) == {-1, 0, 1}


def test_digits_hold_out_a_fifth_of_every_class():
    source = digits()
    assert (source.size, source.event_shape, source.classes) == (1438, (1, 8, 8), 10)
    assert len(source.held_out(10_000)) == 359
    assert source.training(2000).max() == 255
    assert len(source.held_out_labels(359).unique()) == 10
