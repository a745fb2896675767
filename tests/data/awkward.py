"""Folders of images as people have them, each with what must be read of it and said."""

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image

SIDE = 8


def picture(
    path: Path,
    kind: str = "RGB",
    value: int | None = None,
    size: tuple[int, int] = (SIDE, SIDE),
    **options: Any,
) -> None:
    """An image in a mode of Pillow: noise, or of one value."""
    noise = np.random.default_rng(len(path.name)).integers(0, 256, (*size[::-1], 3), np.uint8)
    pixels = noise if value is None else np.full_like(noise, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(kind).save(path, **options)


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        picture(folder / name)


def numbered(folder: Path, count: int, name: str = "{}.png") -> None:
    pictures(folder, *(name.format(number) for number in range(count)))


def deep(path: Path, value: int, dtype: type = np.uint16) -> None:
    Image.fromarray(np.full((SIDE, SIDE), value, dtype)).save(path)


def word_in_names(folder: Path) -> None:
    numbered(folder, 8, "{}.png")
    numbered(folder, 4, "train-station-{}.png")
    pictures(folder, "test_1.png", "val-2.png", "dev 3.png", "eval.png")


def splits(folder: Path) -> None:
    numbered(folder / "Train", 6)
    numbered(folder / "Test", 3)
    numbered(folder / "val", 2)


def splits_of_classes(folder: Path) -> None:
    for split in ("pets/training", "pets/testing"):
        numbered(folder / split / "cat", 3)
        numbered(folder / split / "dog", 3)


def splits_within_classes(folder: Path) -> None:
    for place in ("cat/train", "cat/test", "dog/train", "dog/test"):
        numbered(folder / place, 3)


def test_alone(folder: Path) -> None:
    numbered(folder / "test", 5)


def nested_classes(folder: Path) -> None:
    for place in ("animals/cat", "animals/dog", "things/test"):
        numbered(folder / place, 3)


def uneven(folder: Path) -> None:
    numbered(folder / "2023", 3)
    numbered(folder / "2024" / "summer", 3)


def beside_others(folder: Path) -> None:
    numbered(folder, 5)
    for number in range(5):
        (folder / f"{number}.txt").write_text("a caption")
        (folder / f"{number}.json").write_text("{}")
    (folder / "notes").write_text("no picture")
    (folder / "phone.heic").write_bytes(b"")
    pictures(folder, ".hidden.png", "__MACOSX/._0.png", ".thumbnails/0.png")
    (folder / "._0.png").write_bytes(b"resources")
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        packed.write(folder / "0.png")


def kinds(folder: Path) -> None:
    pictures(folder, "a.PNG", "b.webp", "c.avif", "d.gif", "e.bmp")
    picture(folder / "f.JPG", "CMYK")
    picture(folder / "g.png", "RGBA")
    picture(folder / "h.png", "L")
    picture(folder / "without an ending", format="JPEG")
    picture(folder / "scan.2021", format="PNG")
    upright = Image.Exif()
    upright[0x0112] = 6
    picture(folder / "turned.jpeg", exif=upright)


def table(folder: Path) -> None:
    numbered(folder, 6)
    lines = ["file_name,smiling,age", *(f"{n}.png,{n % 2 == 0},{20 + n}" for n in range(4))]
    (folder / "metadata.csv").write_text("\n".join([*lines, "gone.png,True,", "../up.png,True,"]))


def table_of_lines(folder: Path) -> None:
    for kind in ("cat", "dog"):
        numbered(folder / kind, 3)
        lines = [{"file_name": f"{n}.png", "tame": n > 1} for n in range(3)]
        (folder / kind / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))


def twelve_bits(folder: Path) -> None:
    for number in range(5):
        deep(folder / f"{number}.png", 1000 * number)


def broken(folder: Path) -> None:
    numbered(folder, 9)
    (folder / "3.png").write_bytes(b"no image")
    (folder / "5.png").write_bytes((folder / "4.png").read_bytes()[:70])
    (folder / "nowhere.png").symlink_to(folder / "gone.png")


def shards(folder: Path) -> None:
    picture(folder / "preview.png")
    cells = [{"bytes": (folder / "preview.png").read_bytes(), "path": None}] * 7
    features = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict({"image": cells}, features).to_parquet(folder / "train-0.parquet")


def zipped(folder: Path) -> None:
    beside_others(folder)
    for file in folder.rglob("*.png"):
        file.unlink()


def labelled(*cells: str, header: str = "label") -> Callable[[Path], None]:
    """A folder of as many images as there are labels, which a table has."""

    def make(folder: Path) -> None:
        numbered(folder, len(cells))
        lines = [f"file_name,{header}", *(f"{row}.png,{cell}" for row, cell in enumerate(cells))]
        (folder / "metadata.csv").write_text("\n".join(lines))

    return make


@dataclass(frozen=True)
class Awkward:
    """A folder that ``make`` fills, with what is read of it and what is said."""

    make: Callable[[Path], None]
    images: int
    lines: tuple[str, ...]
    classes: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


TENTH = "{} to train on, {} held out (a tenth, always the same)"


LABELS = {
    "signs": (["-1", "1"] * 4, 2, "2 classes (-1, 1)"),
    "unknown signs": (["-1", "0", "1"] * 3, 2, "2 classes (0, 1), unknown of 3 of 9 samples"),
    "truth": (["True", "False"] * 4, 2, "2 classes (false, true)"),
    "ids": (["7", "1000000000"] * 4, 2, "2 classes (7, 1000000000)"),
    "gaps": (["1", "", "2", "1"] * 2, 2, "2 classes (1, 2), unknown of 2 of 8 samples"),
    "words": (["cat", "", "dog", "cat"] * 2, 2, "2 classes (cat, dog), unknown of 2 of 8 samples"),
    "whole floats": (["1.0", "2.0"] * 4, 2, "2 classes (1, 2)"),
    "one class": (["3"] * 8, 0, "all 3: one class alone tells nothing, so it is left out"),
    "no label": ([""] * 8, 0, "all unknown: left out"),
    "as many as images": (
        [*map(str, range(8))],
        0,
        "8 values for 8 samples: no classes, left out",
    ),
    "measured": (
        [f"{row}.5" for row in range(8)],
        0,
        "no classes (Float value 0.500000 was truncated converting to int64): give whole numbers, "
        "booleans or texts to have labels",
    ),
}
"""Labels in a table, with the number of classes and the end of what is said."""

SETS = {
    "a word in names": Awkward(word_in_names, 16, ("16 images of 16 files", TENTH.format(14, 2))),
    "splits": Awkward(
        splits,
        9,
        (
            "11 images of 11 files",
            "the folders Test, Train, val are splits, not classes",
            "6 to train on (split train), 3 held out (split test); left out: split validation (2)",
        ),
    ),
    "splits of classes": Awkward(
        splits_of_classes,
        12,
        (
            "12 images of 12 files",
            "the folders testing, training are splits, not classes",
            "the classes are the names of the folders: cat, dog",
            "6 to train on (split train), 6 held out (split test)",
        ),
        classes=2,
    ),
    "splits within classes": Awkward(
        splits_within_classes,
        12,
        (
            "12 images of 12 files",
            "the folders test, train are neither splits nor classes: all images are taken "
            "together, without labels",
            TENTH.format(11, 1),
        ),
    ),
    "test alone": Awkward(test_alone, 5, ("5 images of 5 files", TENTH.format(4, 1))),
    "nested classes": Awkward(
        nested_classes,
        9,
        (
            "9 images of 9 files",
            "the classes are the names of the folders: cat, dog, test",
            TENTH.format(8, 1),
        ),
        classes=3,
    ),
    "uneven folders": Awkward(
        uneven,
        6,
        (
            "6 images of 6 files",
            "the folders 2023, summer are no classes, for the images do not lie equally deep: "
            "they give no labels",
            TENTH.format(5, 1),
        ),
    ),
    "beside others": Awkward(
        beside_others,
        5,
        (
            "5 images of 22 files; 17 left out: 11 without pixels (.json, .txt, no ending), 1 that "
            "Pillow cannot read (.heic), 1 to be unpacked (.zip), 4 hidden",
            TENTH.format(4, 1),
        ),
    ),
    "kinds": Awkward(
        kinds,
        11,
        (
            "11 images of 11 files",
            TENTH.format(10, 1),
            "some images are grey: all are read in colour",
        ),
    ),
    "a table": Awkward(
        table,
        6,
        (
            "6 images of 7 files (metadata.csv beside them)",
            "no line in metadata.csv for 2 images, of which its columns are unknown",
            "2 lines of metadata.csv for images that are not here: left out",
            TENTH.format(5, 1),
        ),
    ),
    "a table in each folder": Awkward(
        table_of_lines,
        6,
        (
            "6 images of 8 files (metadata.jsonl beside them)",
            "the classes are the names of the folders: cat, dog",
            TENTH.format(5, 1),
        ),
        classes=2,
    ),
    "twelve bits": Awkward(
        twelve_bits,
        5,
        (
            "5 images of 5 files",
            TENTH.format(4, 1),
            "images of more than 8 bits: 5 of 5, the largest value 4000: 4095 is white",
        ),
    ),
    "broken": Awkward(
        broken,
        7,
        ("7 images of 10 files; 3 left out: 3 broken", TENTH.format(6, 1)),
        options={"skip_broken": True},
    ),
    "shards": Awkward(
        shards,
        7,
        (
            "7 images of 7 rows",
            "{} is read as a data set, by train-0.parquet",
            "the images of 1 shard (0.0 MB) are decoded once: --images.stream True for the other "
            "way",
            TENTH.format(6, 1),
        ),
    ),
}
"""What is read; a line may name the folder."""

ARRAYS = {
    "not square": (np.zeros((9, 6, 8), np.uint8), (1, 8, 8)),
    "not square, in colour": (np.zeros((9, 20, 30, 3), np.uint8), (3, 16, 16)),
    "large": (np.zeros((9, 100, 100), np.uint8), (1, 64, 64)),
    "channels first": (np.zeros((9, 3, 8, 8), np.uint8), (3, 8, 8)),
    "floats": (np.zeros((9, 8, 8)), "(255 * x).round().astype('uint8') of numbers in [0, 1]"),
    "whole numbers": (np.zeros((9, 8, 8), np.int64), "x.astype('uint8') once they lie in 0 to 255"),
    "four channels": (np.zeros((9, 8, 8, 4), np.uint8), "1 or 3 channels, such as x[..., :3]"),
    "a column": (np.zeros(9), "shape (N, D), that is x[:, None] for one number a sample"),
    "truth": (np.zeros((9, 2), bool), "numbers, x.astype(float)"),
    "complex": (np.zeros((9, 2), complex), "real and imaginary parts as columns"),
    "words": (np.full((9, 2), "a"), "numbers of shape (N, D)"),
    "fields": (np.zeros(9, [("a", "f4")]), "its fields as columns"),
    "no samples": (np.zeros((0, 8, 8), np.uint8), "the data set has no samples"),
    "no columns": (np.zeros((9, 0)), "shape (N, *event), got (9, 0)"),
    "a gap": (
        np.where(np.arange(18).reshape(9, 2) == 15, np.nan, 0),
        "in 1 of 9 rows, first in row 7, counted from 0",
    ),
}
"""Arrays as people have them, each with the shape of a sample, or the end of the refusal."""

REFUSED = {
    "empty": (lambda _: None, "'{}' is empty: give a folder of images"),
    "zipped": (
        zipped,
        "'{}' has no images among its 13 files (11 without pixels (.json, .txt, no ending), 1 that "
        "Pillow cannot read (.heic), 1 to be unpacked (.zip)): unpack more.zip first",
    ),
    "an array": (
        lambda folder: np.save(folder / "x.npy", np.zeros((3, 2))),
        "'{0}' has no images among its 1 file (1 without pixels (.npy)): give the array itself, "
        "{0}/x.npy",
    ),
    "broken": (
        broken,
        "3 of 10 images cannot be decoded: 3.png (not an image), 5.png (image file is truncated), "
        "nowhere.png (No such file or directory): remove or repair them, or skip them with "
        "--images.skip-broken",
    ),
}
"""What is refused, in a line that may name the folder."""
