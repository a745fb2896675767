"""What is known of the images of a data set, beside them on disk, and the source over both."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import one_line
from ..files import read_json, save_array
from .arrays import ImageSource
from .attributes import Attributes
from .classes import Classes
from .rows import Rows, read_array

CACHE_FORMAT = 8
"""To be raised when the same images leave other files."""
IMAGES, FILES, FINGERPRINT = "images.npy", "files.json", "fingerprint.txt"


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of all images of a data set.

    Attributes:
        train: Rows of the data, as they were given, to train on.
        held_out: Those to hold out.
        places: Where the image of each row stands among all that can be read.
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

    def save(self, folder: Path, fingerprint: str | None = None) -> None:
        """Write it beside the images, which are summed up here once if they are decoded."""
        for part, rows in (("train", self.train), ("held_out", self.held_out)):
            save_array(_small(self.places[rows]), folder / f"{part}.npy")
            save_array(rows, folder / f"{part}_rows.npy")
            save_array(self.attributes.codes[rows], folder / f"{part}_attributes.npy")
            if self.classes.names:
                save_array(_small(self.classes.codes[rows]), folder / f"{part}_labels.npy")
        record = {"notes": self.notes, "white": self.white, "classes": self.classes.names}
        _write(folder / "notes.json", record)
        _write(folder / "attributes.json", self.attributes.values)
        _write(folder / FILES, {"files": self.files})
        fingerprint = fingerprint or open_decoded(folder).fingerprint
        (folder / FINGERPRINT).write_text(fingerprint, encoding="utf-8")


def open_decoded(folder: Path) -> ImageSource:
    """The source over the decoded images in a folder; ``ValueError`` if they are damaged."""
    with sound(folder):
        return open_known(folder, partial(Rows, read_array(folder / IMAGES, mapped=True)))


def open_known(folder: Path, chosen: Callable[[NDArray[np.int64]], Rows]) -> ImageSource:
    """The source over images of which a folder says what is known; ``chosen`` takes places."""
    files = (file for file in folder.glob("*.npy") if file.name != IMAGES)
    arrays = {file.stem: read_array(file, mapped=True) for file in files}
    values = read_json(folder / "attributes.json")
    record = read_json(folder / "notes.json")
    train, held_out = (
        Attributes(values, arrays.pop(f"{part}_attributes"), arrays.pop(f"{part}_rows"))
        for part in ("train", "held_out")
    )
    kept, apart = (chosen(arrays.pop(part)) for part in ("train", "held_out"))
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
    return source


@contextmanager
def sound(folder: Path) -> Iterator[None]:
    """Say in a line that what a folder of the cache holds is damaged."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"cached data in '{folder}' are damaged ({one_line(error)}): remove that folder"
        ) from error


def _small(numbers: NDArray[np.int64]) -> NDArray[np.signedinteger[Any]]:
    """The same numbers of fewer bytes, so that those of many millions take little memory."""
    return numbers.astype(np.min_scalar_type(-max(int(numbers.max(initial=0)), 1) - 1))


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
