"""Attributes that a user gives for samples, in a table beside them."""

import csv
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .attributes import Attributes

__all__ = ["Labels", "read_labels"]

FILE_COLUMNS = ("file_name", "file", "image")
ROW_COLUMN = "row"
DIGITS = 18
"""Of the largest row, at most."""


@dataclass(frozen=True, eq=False)
class Labels:
    """A table of attributes.

    Attributes:
        attributes: Of each line of the table; their rows are those that the table gives.
        files: The image of each line; None if the table names rows.
    """

    attributes: Attributes
    files: Sequence[Path] | None

    def of(self, rows: NDArray[np.int64] | None) -> Attributes:
        """Attributes of rows of the data, unknown where the table has no line for them."""
        if rows is None or self.attributes.rows is None:
            raise ValueError("samples that are drawn have no rows: give images or an .npy as data")
        lines = {row: line for line, row in enumerate(self.attributes.rows.tolist())}
        at = np.array([lines.get(row, -1) for row in rows.tolist()], np.int64)
        codes = np.where(at[:, None] < 0, -1, self.attributes.codes[at])
        return Attributes(self.attributes.values, codes, rows)


def read_labels(path: str | Path, *folders: Path) -> Labels:
    """Read a CSV table whose first line names the columns.

    One column says which sample a line is about: ``file_name`` (or ``file``, or ``image``), the
    name of an image, or ``row``, a row of the data counted from 0. Every other column is one of
    attributes: 0 and 1, true and false, −1 and 1, or the name of a class; an empty cell is unknown.

    Args:
        path: The table.
        folders: Where images are looked for, after the folder of the table.

    Returns:
        What it says.

    Raises:
        FileNotFoundError: There is no such table, or no such image.
        ValueError: It is no such table, whose line is named, or leads out of these folders.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: give a CSV file with --labels")
    header, lines = _table(path)
    keys = [name for name in (*FILE_COLUMNS, ROW_COLUMN) if name in header]
    if len(keys) != 1:
        raise ValueError(
            f"{path} has the columns {', '.join(header)}: one of them, and only one, must be "
            f"{', '.join(FILE_COLUMNS)} or {ROW_COLUMN}"
        )
    columns = dict(zip(header, map(list, zip(*lines, strict=True)), strict=True))
    key = columns.pop(keys[0])
    if not columns:
        raise ValueError(f"{path} has no column of attributes: add one beside {keys[0]}")
    often, times = Counter(key).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{path} has {times} lines for {keys[0]} {often}: keep one of them")
    if keys[0] == ROW_COLUMN:
        return Labels(Attributes.of(columns, _rows(path, key)), None)
    return Labels(Attributes.of(columns), [_found(path, name, folders) for name in key])


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = [line for line in csv.reader(file, strict=True) if line] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a table ({error}): save it as CSV") from error
    header = [name.strip() for name in header]
    if not lines or len({*header}) < len(header):
        problem = "has a column twice" if lines else "has no lines below its header"
        raise ValueError(f"{path} {problem}: give a CSV table whose first line names the columns")
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise ValueError(
                f"line {number} of {path} has {len(line)} cells, its header has {len(header)}: "
                "repair it"
            )
    return header, lines


def _rows(path: Path, cells: Sequence[str]) -> NDArray[np.int64]:
    rows = [cell.strip() for cell in cells]
    wrong = next((row for row in rows if not (row.isdecimal() and len(row) <= DIGITS)), None)
    if wrong is not None:
        raise ValueError(f"{path} has the row {wrong[:DIGITS]!r}: rows are whole numbers from 0 on")
    return np.array([*map(int, rows)], np.int64)


def _found(path: Path, name: str, folders: Sequence[Path]) -> Path:
    places = []
    for folder in (path.parent.absolute(), *(folder.absolute() for folder in folders)):
        place = Path(os.path.normpath(folder / name.strip()))
        if place.is_relative_to(os.path.normpath(folder)):
            places.append(place)
    if not places:
        raise ValueError(
            f"{path} names the image {name}, which lies neither beside it nor in the folder of the "
            "images: it is not read"
        )
    for place in places:
        with suppress(OSError):  # a name may be too long for the system
            if place.is_file():
                return place
    raise FileNotFoundError(f"{path} names the image {name}, which is not at {places[-1]}")
