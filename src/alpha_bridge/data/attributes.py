"""What is known of each sample by name, ``Smiling`` or ``label=3``: by the data, or by a table."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

YES, NO = {"true", "1", "yes"}, {"false", "0", "-1", "no"}
"""Values of a column that states of each sample whether it has the attribute."""

COMPARED = 10_000
"""Names that a mistyped one is compared with, at most."""

FILE_COLUMNS = ("file_name", "file", "image")
ROW_COLUMN = "row"
DIGITS = 18
"""Of the largest row, at most."""


@dataclass(frozen=True, eq=False)
class Attributes:
    """Columns of texts about N samples.

    A column of yes and no (true and false, 1 and 0, 1 and −1) is one attribute, under its own name.
    Any other column gives one for each of its values, that value against the rest: ``label=3``.

    Attributes:
        values: The values of each column, by its name.
        codes: Which value a sample has, −1 where that is unknown, ints of shape
            ``(N, len(values))``; may be a memory map.
        rows: Which row of the data, as they were given, each sample is, shape ``(N,)``: those of
            the training split first, then those held out. None if samples are drawn.

    Example:
        >>> smiling = Attributes.of({"Smiling": ["1", "", "-1"]})
        >>> smiling.names, smiling.known("Smiling")
        (['Smiling'], array([ 1, -1,  0], dtype=int8))
    """

    values: Mapping[str, Sequence[str]]
    codes: NDArray[Any]
    rows: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, cells: Mapping[str, Sequence[str]], rows: NDArray[np.int64] | None = None
    ) -> Attributes:
        """Take columns of cells as they are written; an empty one is unknown."""
        stripped = {name: [cell.strip() for cell in column] for name, column in cells.items()}
        values = {name: sorted({*column} - {""}) for name, column in stripped.items()}
        code = {name: {"": -1} | {v: k for k, v in enumerate(values[name])} for name in values}
        codes = [[code[name][cell] for cell in column] for name, column in stripped.items()]
        return cls(values, np.array(codes, np.int32).reshape(len(values), -1).T, rows)

    @classmethod
    def none(cls, count: int, rows: NDArray[np.int64] | None = None) -> Attributes:
        """Say nothing about ``count`` samples but which rows they are."""
        return cls({}, np.empty((count, 0), np.int32), rows)

    @classmethod
    def of_labels(
        cls,
        labels: NDArray[np.integer[Any]],
        names: Sequence[str],
        rows: NDArray[np.int64] | None = None,
    ) -> Attributes:
        """Take the places of classes among ``names``, −1 where unknown, as the column ``label``."""
        return cls({"label": names}, labels[:, None], rows)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: NDArray[np.int64]) -> Attributes:
        given = None if self.rows is None else self.rows[rows]
        return Attributes(self.values, self.codes[rows], given)

    @property
    def names(self) -> list[str]:
        """Names of the attributes."""
        return [
            name
            for column, values in self.values.items()
            for name in (
                [column] if _says_yes(values) else [f"{column}={value}" for value in values]
            )
        ]

    def known(self, name: str) -> NDArray[np.int8]:
        """Whether each sample has an attribute: 1 if so, 0 if not, −1 where that is unknown.

        Raises:
            ValueError: ``name`` is neither one of ``names`` nor a ``column=value``.
        """
        column, _, value = name.partition("=")
        if name in self.values and _says_yes(self.values[name]):
            column, value = name, next(one for one in self.values[name] if one.lower() in YES)
        if value not in self.values.get(column, ()):
            raise ValueError(f"there is no attribute {name!r}: {self._hint(name)}")
        codes = self.codes[:, list(self.values).index(column)]
        has = codes == self.values[column].index(value)
        return np.where(codes < 0, -1, has).astype(np.int8)

    def _hint(self, name: str) -> str:
        names = self.names
        if not names:
            return "the data have no labels, so give a table of them with --labels FILE.csv"
        near = get_close_matches(name, names, n=2) if len(names) <= COMPARED else ()
        if near:
            return f"did you mean {' or '.join(near)}?"
        shown = [
            column if _says_yes(values) else f"{column}={values[0]}"
            for column, values in self.values.items()
            if values
        ][:10]
        rest = len(names) - len(shown)
        return f"give one of {', '.join(shown)}" + (f", or of {rest} more" if rest else "")


@dataclass(frozen=True, eq=False)
class Labels:
    """A table of attributes.

    Attributes:
        attributes: Of each line of the table; their rows are those that the table gives.
        files: The image of each line; None if the table names rows.
        notes: What a user should know of lines that are of no use.
    """

    attributes: Attributes
    files: Sequence[Path] | None
    notes: Sequence[str] = ()

    def of(self, rows: NDArray[np.int64] | None) -> Attributes:
        """Attributes of rows of the data, unknown where the table has no line for them."""
        if rows is None or self.attributes.rows is None:
            raise ValueError("samples that are drawn have no rows: give images or an .npy as data")
        lines = {row: line for line, row in enumerate(self.attributes.rows.tolist())}
        at = np.array([lines.get(row, -1) for row in rows.tolist()], np.int64)
        codes = np.where(at[:, None] < 0, -1, self.attributes.codes[at])
        return Attributes(self.attributes.values, codes, rows)

    def unmatched(self, *rows: NDArray[np.int64] | None) -> Iterator[str]:
        """Lines on what the table and all rows of the data, in several parts, do not share."""
        data = {row for part in rows if part is not None for row in part.tolist()}
        named = set() if self.attributes.rows is None else {*self.attributes.rows.tolist()}
        if absent := len(named - data):
            yield f"{absent} of {len(named)} lines of the table are about no row of the data"
        if unknown := len(data - named):
            yield f"{unknown} of {len(data)} rows of the data have no line in the table"


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
        FileNotFoundError: There is no such table, or none of its images.
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
    found = [_found(path, name, folders) for name in key]
    there = np.flatnonzero([file is not None for file in found])
    absent = len(found) - len(there)
    if not len(there):
        raise FileNotFoundError(f"{path} names no image that is there: the first is {key[0]}")
    notes = [f"{absent} of {len(found)} lines of {path} are about no image that is there"]
    files = [file for file in found if file is not None]
    return Labels(Attributes.of(columns)[there], files, notes if absent else ())


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


def _found(path: Path, name: str, folders: Sequence[Path]) -> Path | None:
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
    return None


def _says_yes(values: Sequence[str]) -> bool:
    """Whether these are a value for yes and one for no, or yes alone."""
    lower = {value.lower() for value in values}
    return len(lower) <= 2 and len(lower & YES) == 1 and lower <= YES | NO
