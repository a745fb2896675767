"""What is read from a data set: which splits, which columns, which rows to hold out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .attributes import Attributes
from .classes import Classes, classes_of, codes_of, distinct, has_at_most, text, values_of
from .decode import BATCH, Encoded, encoded
from .rows import split

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from pyarrow import ChunkedArray

LABEL = "label"
"""The column that is one of labels by its name."""
MOST_VALUES = 100
"""A column of more values describes single samples, not kinds of them."""


@dataclass(frozen=True)
class Choice:
    """What is read from a data set; the fields are the arguments of :func:`load_images`."""

    size: int | None
    channels: int | None
    image_column: str | None
    label_column: str | None
    train_split: str
    held_out_split: str | None
    skip_broken: bool


def chosen_splits(data: "DatasetDict", choice: Choice) -> "dict[str, Dataset]":
    """The split to train on and, if there is one, the split to hold out."""
    names = [choice.train_split]
    if choice.held_out_split is not None:
        names.append(choice.held_out_split)
    for option, name in zip(("train", "held-out"), names, strict=False):
        if name not in data:
            raise ValueError(
                f"the data set has no split '{name}', it has {', '.join(data)}: "
                f"give one of them with --images.{option}-split"
            )
    if len(names) == 1:
        usual = [name for name in ("test", "validation") if name in data and name not in names]
        names += usual[:1]
    if len(set(names)) < len(names):
        raise ValueError(f"split '{names[0]}' is trained on: hold out another one")
    splits = {name: data[name] for name in names}
    for name, dataset in splits.items():
        if not len(dataset):
            raise ValueError(f"split '{name}' of the data set is empty: give another one")
    return splits


def note_on_splits(data: "DatasetDict", splits: "dict[str, Dataset]", kept: int, apart: int) -> str:
    """A line on how many images are trained on, held out, and left in other splits."""
    train, *others = splits
    if others:
        line = f"{kept} to train on (split {train}), {apart} held out (split {others[0]})"
    else:
        line = f"{kept} to train on, {apart} held out (a tenth, always the same)"
    rest = [f"{name} ({len(data[name])})" for name in data if name not in splits]
    return line + (f"; left out: split {', '.join(rest)}" if rest else "")


def columns(splits: "dict[str, Dataset]", choice: Choice) -> tuple[str, str | None]:
    """Names of the column of images and of the column of labels."""
    import datasets

    features = next(iter(splits.values())).features
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    if choice.image_column is None and len(images) != 1:
        found = (
            f"has several columns of images ({', '.join(images)})" if images else "has no images"
        )
        raise ValueError(
            f"the data set {found}; its columns are {', '.join(features)}: "
            "give the one to use with --images.image-column"
        )
    image_column = choice.image_column or images[0]
    if all(LABEL in dataset.features for dataset in splits.values()):
        labels.append(LABEL)
    label_column = choice.label_column or next(iter(labels), None)
    for option, column in (("image", image_column), ("label", label_column)):
        for name, dataset in splits.items():
            if column is not None and column not in dataset.features:
                raise ValueError(
                    f"split '{name}' has no column '{column}', it has "
                    f"{', '.join(dataset.features)}: give one with --images.{option}-column"
                )
    return image_column, label_column


def parts(
    splits: "dict[str, Dataset]", whole: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the images to train on and to hold out, of those that are whole.

    Raises:
        ValueError: One of both has none.
    """
    rows = np.flatnonzero(whole)
    first, *others = map(len, splits.values())
    kept, apart = (
        (np.flatnonzero(rows < first), np.flatnonzero(rows >= first))
        if others
        else split(len(rows))
    )
    if not (len(kept) and len(apart)):
        raise ValueError("no image of a split can be decoded: repair them, or give another split")
    return rows[kept], rows[apart]


def encoded_images(
    splits: "dict[str, Dataset]", column: str, places: Sequence[Path]
) -> Iterator[list[Encoded]]:
    """The images of all splits in order, a few at a time, with names for messages."""
    for name, dataset in splits.items():
        mode = getattr(dataset.features[column], "mode", None)
        tables = dataset.select_columns([column]).with_format("arrow").iter(BATCH)
        for begin, table in zip(range(0, len(dataset), BATCH), tables, strict=True):
            yield [
                encoded(cell, f"image {begin + row} of split '{name}'", places, mode)
                for row, cell in enumerate(table[column].to_pylist())
            ]


def files_of(splits: "dict[str, Dataset]", column: str) -> list[str | None]:
    """Names of the files of all images, in order, where the data set has them."""
    import pyarrow
    from pyarrow import compute

    names: list[str | None] = []
    for dataset in splits.values():
        cells = dataset.data.column(column)
        if pyarrow.types.is_struct(cells.type):
            names += compute.struct_field(cells, "path").to_pylist()
    return names if any(names) else []


def labels_of(splits: "dict[str, Dataset]", column: str | None, asked: bool) -> Classes:
    """The classes of all splits in order; none without a column, or for values of another kind in
    one that nobody asked for."""
    if column is None:
        return Classes((), np.empty(0, np.int64))
    kind = next(iter(splits.values())).features[column]
    names = getattr(kind, "names", ())  # of class labels alone
    called = f"the labels of column {column}"
    try:
        found = classes_of(_cells(splits, column), called, names)
    except ValueError as error:
        if asked:
            raise ValueError(f"{error} with --images.label-column") from error
        return Classes((), np.empty(0, np.int64), (f"{error} to have labels",))
    if not found.names or (
        names and (found.codes >= 0).all()
    ):  # those of folders have a line already
        return found
    return replace(found, notes=(*found.notes, f"{called}: {found}"))


def attributes_of(splits: "dict[str, Dataset]") -> Attributes:
    """What all splits, in order, state of each image: classes, and columns of few values."""
    import datasets

    count = sum(map(len, splits.values()))
    texts: dict[str, list[str]] = {}
    codes: list[NDArray[np.int32]] = []
    for name, kind in next(iter(splits.values())).features.items():
        if any(dataset.features.get(name) != kind for dataset in splits.values()):
            continue
        cells = _cells(splits, name)
        if isinstance(kind, datasets.ClassLabel):
            texts[name], found = kind.names, cells.fill_null(-1).to_numpy()
        else:
            try:
                cells = values_of(cells, name)
            except ValueError:  # of a kind that has no classes
                continue
            if cells.null_count == len(cells) or not has_at_most(MOST_VALUES, cells):
                continue
            values = distinct(cells)
            texts[name], found = [*map(text, values.to_pylist())], codes_of(cells, values)
        codes.append(found.astype(np.int32))
    table = np.stack(codes, axis=1) if codes else np.empty((count, 0), np.int32)
    return Attributes(texts, table, np.arange(count))


def _cells(splits: "dict[str, Dataset]", column: str) -> "ChunkedArray":
    """A column of all splits, in order."""
    import pyarrow

    chunks = [chunk for split in splits.values() for chunk in split.data.column(column).chunks]
    return pyarrow.chunked_array(chunks, chunks[0].type)
