"""Decoded images on disk, with all that is known of them, and the source over them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import one_line
from ..files import read_json, save_array
from .arrays import ImageSource
from .attributes import Attributes
from .classes import Classes
from .rows import Rows, read_array

# To be raised when the same images leave other files.
CACHE_FORMAT = 7
IMAGES, FILES, FINGERPRINT = "images.npy", "files.json", "fingerprint.txt"


@dataclass(frozen=True, eq=False)
class Decoded:
    """What stands beside the images in a folder.

    Attributes:
        train: Rows of the data, as they were given, to train on.
        held_out: Those to hold out.
        places: Where the image of each row stands in the array.
        notes: Lines on how the data were read.
        classes: Of all rows.
        attributes: Of all rows.
        files: Names of the files of all rows, where they have any.
        white: What is white in images of more than 8 bits; None if there are none.
    """

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    places: NDArray[np.int64]
    notes: Sequence[str]
    classes: Classes
    attributes: Attributes
    files: Sequence[str | None] = ()
    white: int | None = None

    def save(self, folder: Path) -> None:
        """Write it beside the images, which are summed up here once."""
        for part, rows in (("train", self.train), ("held_out", self.held_out)):
            save_array(self.places[rows], folder / f"{part}.npy")
            save_array(rows, folder / f"{part}_rows.npy")
            save_array(self.attributes.codes[rows], folder / f"{part}_attributes.npy")
            if self.classes.names:
                save_array(self.classes.codes[rows], folder / f"{part}_labels.npy")
        record = {"notes": self.notes, "white": self.white, "classes": self.classes.names}
        _write(folder / "notes.json", record)
        _write(folder / "attributes.json", self.attributes.values)
        _write(folder / FILES, {"files": self.files})
        (folder / FINGERPRINT).write_text(open_decoded(folder).fingerprint, encoding="utf-8")


def open_decoded(folder: Path) -> ImageSource:
    """The source over the images in a folder; ``ValueError`` if they are damaged."""
    try:
        arrays = {file.stem: read_array(file, mapped=True) for file in folder.glob("*.npy")}
        values = read_json(folder / "attributes.json")
        record = read_json(folder / "notes.json")
        train, held_out = (
            Attributes(values, arrays.pop(f"{part}_attributes"), arrays.pop(f"{part}_rows"))
            for part in ("train", "held_out")
        )
        images = arrays.pop("images")
        kept, apart = (Rows(images, arrays.pop(part)) for part in ("train", "held_out"))
        source = ImageSource(
            kept,
            apart,
            **arrays,
            train_attributes=train,
            held_out_attributes=held_out,
            class_names=record["classes"],
        )
        if (fingerprint := folder / FINGERPRINT).exists():
            source.fingerprint = fingerprint.read_text("utf-8")
        source.files = tuple(read_json(folder / FILES)["files"])
        source.notes, source.white = tuple(record["notes"]), record["white"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"cached data in '{folder}' are damaged ({one_line(error)}): remove that folder"
        ) from error
    return source


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
