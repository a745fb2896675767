"""CSV files: the types of their columns, found in all rows, and a line for each that is wrong."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, dropwhile
from pathlib import Path
from typing import TypeAlias

import pyarrow
import pyarrow.csv
from pyarrow import compute

from ...errors import one_line
from .cells import FORM, MINUTES, shown

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""What stands for a gap among numbers and dates; among texts the empty one alone does."""
BLOCK = 2**22
"""Bytes that are read at a time."""
MOSTLY = 0.9
"""Share of the cells that are numbers, dates or times, from which others are taken for mistakes."""

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
WHOLE = r"^[+-]?[0-9]+$"
INFINITE = r"^[+-]?(inf|Inf|INF|infinity|Infinity)$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"
TIMES = {MINUTES: r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}
TIMES["%H:%M:%S"] = TIMES[MINUTES].replace("$", ":[0-5][0-9]$")
"""Times of a day, by their form."""
PADDED = r"^[+-]?0[0-9]"
"""Digits that are no number: it would lose its zeros."""

CANDIDATES = (
    pyarrow.int64(),
    pyarrow.float64(),
    pyarrow.bool_(),
    pyarrow.date32(),
    pyarrow.timestamp("us"),
    pyarrow.timestamp("us", "UTC"),
)
"""Types that a column is tried for, in order; else it is of texts."""

Asked: TypeAlias = str | pyarrow.DataType | None
"""What a column is to be: a kind, as a user says; or the type that it has in another table."""


@dataclass
class _Trial:
    """What the cells of a column could be, of all that were seen."""

    left: list[pyarrow.DataType] = field(default_factory=lambda: list(CANDIDATES))
    forms: list[str] = field(default_factory=lambda: [*TIMES])
    """Of times of a day, in which all cells could be written."""
    cells: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: {"number": 0, "date": 0, "time of a day": 0}
    )
    whole: bool = True
    """Whether all cells are whole numbers."""
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The first cell that is no number, no date, or no time, or a whole number beyond 64 bits, with
    its row."""

    def see(self, cells: pyarrow.Array, begin: int) -> None:
        """Take in the cells of rows from ``begin`` on."""
        gaps = compute.is_in(cells, value_set=pyarrow.array(NULLS))
        known = compute.if_else(gaps, None, cells)
        self.cells += len(known) - known.null_count
        number = compute.or_(
            compute.and_(
                compute.match_substring_regex(known, NUMBER),
                compute.invert(compute.match_substring_regex(known, PADDED)),
            ),
            compute.match_substring_regex(known, INFINITE),
        )
        self._count("number", number, known, begin)
        if "spelling" not in self.first and not compute.all(number).as_py():
            self._spelled(known, number, begin)
        self._count("date", _dated(known), known, begin)
        timed = {of: compute.match_substring_regex(known, form) for of, form in TIMES.items()}
        self.forms = [of for of in self.forms if compute.all(timed[of]).as_py() is not False]
        self._count("time of a day", compute.or_(*timed.values()), known, begin)
        padded = bool(compute.any(compute.match_substring_regex(known, PADDED)).as_py())
        whole = compute.all(compute.match_substring_regex(known, WHOLE)).as_py() is not False
        self.whole &= whole and not padded
        self.left = [
            kind
            for kind in self.left
            if not (padded and _is_number(kind))
            # pyarrow would read 0x1A as a whole number, too
            and (whole or kind != pyarrow.int64())
            and _is(known, kind)
        ]
        if self.whole and pyarrow.int64() not in self.left and "beyond" not in self.first:
            self._beyond(known, begin)

    def field(self, name: str, asked: Asked) -> pyarrow.Field:
        """The column with its type, and the form of its times if that is not the usual one."""
        kind = self.type(name, asked)
        own = pyarrow.types.is_time(kind) and self.forms == [MINUTES]
        return pyarrow.field(name, kind, metadata={FORM: MINUTES} if own else None)

    def type(self, name: str, asked: Asked) -> pyarrow.DataType:
        """The type of the column, of all cells.

        Raises:
            ValueError: Most cells are numbers, dates or times, and some are not; or whole numbers
                are beyond 64 bits.
        """
        if isinstance(asked, pyarrow.DataType):
            if self._can_be(asked):
                return asked
            asked = None
        if not self.cells:
            return pyarrow.null()
        if asked in ("category", "identifier") and self.left[:1] != [pyarrow.bool_()]:
            whole = [kind for kind in self.left if kind == pyarrow.int64()]
            return whole[0] if whole else pyarrow.string()
        if self.whole and "beyond" in self.first and asked != "number":
            row, value = self.first["beyond"]
            raise ValueError(
                f"column {shown(name)}, row {row}: {shown(value)} is a whole number beyond 64 "
                "bits: say in the columns that it is an identifier, a category, or a number, which "
                "is rounded"
            )
        if self.left:
            return self.left[0]
        if self.forms:
            return pyarrow.time32("s")
        of_time = max(("date", "time of a day"), key=self.counts.__getitem__)
        wanted = {"number": "number", "integer": "number", "time": of_time}.get(asked or "")
        if "spelling" in self.first and asked not in ("category", "identifier"):
            row, value = self.first["spelling"]
            raise ValueError(
                f"column {shown(name)}, row {row}: {shown(value)} is a number with spaces or a "
                "comma: write it with a point and without spaces, or say in the columns that it is "
                "a category"
            )
        for what, count in self.counts.items():
            mostly = asked is None and count >= MOSTLY * self.cells
            if what in self.first and (mostly or what == wanted):
                row, value = self.first[what]
                raise ValueError(
                    f"column {shown(name)}, row {row}: {shown(value)} is no {what}, as {count} of "
                    f"{self.cells} cells are: mend it, leave the cell empty, or say in the columns "
                    "that it is a category"
                )
        return pyarrow.string()

    def _spelled(self, known: pyarrow.Array, number: pyarrow.Array, begin: int) -> None:
        """Note the first cell that is nearly a number, if most of them are."""
        bare = compute.replace_substring(compute.utf8_trim_whitespace(known), ",", ".")
        nearly = compute.match_substring_regex(bare, NUMBER)
        many = (compute.sum(nearly).as_py() or 0) >= MOSTLY * (len(known) - known.null_count)
        row = compute.index(compute.and_not(nearly, number), True).as_py()
        padded = compute.any(compute.match_substring_regex(bare, PADDED + "[0-9]*$")).as_py()
        if many and row >= 0 and not padded:
            self.first["spelling"] = begin + row, known[row].as_py()

    def _can_be(self, kind: pyarrow.DataType) -> bool:
        """Whether all cells can be read as a type, that of the column in another table."""
        if pyarrow.types.is_time(kind):
            return bool(self.forms)
        return pyarrow.types.is_string(kind) or kind in self.left

    def _beyond(self, known: pyarrow.Array, begin: int) -> None:
        """Note the first whole number that no 64 bits hold."""
        for row, value in enumerate(known.to_pylist()):
            # Python reads no number of more than 4,300 digits
            if value is not None and (len(value) > 20 or not -(2**63) <= int(value) < 2**63):
                self.first["beyond"] = begin + row, value
                return

    def _count(self, what: str, found: pyarrow.Array, known: pyarrow.Array, begin: int) -> None:
        self.counts[what] += compute.sum(found).as_py() or 0
        other = compute.index(found, False).as_py()
        if what not in self.first and other >= 0:
            self.first[what] = begin + other, known[other].as_py()


@dataclass(frozen=True)
class Delimited:
    """A CSV file whose columns have types."""

    path: Path
    delimiter: str
    schema: pyarrow.Schema
    rows: int

    @classmethod
    def of(cls, path: Path, asked: Mapping[str, Asked]) -> "Delimited":
        """Look at all of a file.

        Args:
            path: Of the file.
            asked: Kinds of columns, as a user says; or their types in another table, which are
                taken where all cells can be read as such.

        Raises:
            ValueError: It is no such file, or not all rows are alike; one line.
        """
        names, delimiter = _header(path)
        trials = {name: _Trial() for name in names}
        texts = {name: pyarrow.string() for name in names}
        rows = 0
        for batch in _batches(path, delimiter, texts):
            for name, cells in zip(names, batch.columns, strict=True):
                trials[name].see(cells, rows)
            rows += len(batch)
        fields = [trial.field(name, asked.get(name)) for name, trial in trials.items()]
        return cls(path, delimiter, pyarrow.schema(fields), rows)

    @property
    def notes(self) -> tuple[str, ...]:
        """A line on what parts the cells, if not commas."""
        if self.delimiter == ",":
            return ()
        return (f"cells of {shown(self.path.name)} are parted by {DELIMITERS[self.delimiter]}",)

    def read(self) -> Iterator[pyarrow.RecordBatch]:
        """Its rows; an empty text is a gap."""
        types = {one.name: one.type for one in self.schema}
        for batch in _batches(self.path, self.delimiter, types):
            columns = [
                compute.if_else(compute.equal(cells, ""), None, cells)
                if pyarrow.types.is_string(cells.type)
                else cells
                for cells in batch.columns
            ]
            yield pyarrow.record_batch(columns, schema=self.schema)


def type_named(name: str) -> pyarrow.DataType | None:
    """The type of a CSV file's cells that has a name; None for one that they cannot be of.

    Example:
        >>> type_named("timestamp[us, tz=UTC]"), type_named("list<item: int64>")
        (TimestampType(timestamp[us, tz=UTC]), None)
    """
    own = (*CANDIDATES, pyarrow.time32("s"), pyarrow.string())
    return next((kind for kind in own if str(kind) == name), None)


def _header(path: Path) -> tuple[list[str], str]:
    """Names of the columns, and what parts them."""
    with path.open("rb") as file:
        begin = file.read(2**16)
    if b"\0" in begin:
        raise ValueError(f"'{path}' is no table: give a CSV file of texts, in UTF-8")
    if not begin.strip():
        raise ValueError(f"'{path}' is empty: give a table with a line of names, and rows")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = dropwhile(lambda line: not line.strip(), file)  # pyarrow passes over them too
            line = next(lines)
            delimiter = "\t" if path.suffix == ".tsv" else max(DELIMITERS, key=line.count)
            names = next(csv.reader(chain([line], lines), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"'{path}' is no table ({one_line(error)}): give a CSV file of texts, in UTF-8"
        ) from error
    if compute.all(compute.match_substring_regex(pyarrow.array(names), NUMBER)).as_py():
        raise ValueError(
            f"the first line of '{path}' has numbers, where the names of the columns stand: add a "
            "line of names"
        )
    require_names(names, str(path))
    return names, delimiter


def require_names(names: list[str], table: str) -> None:
    """Raise ``ValueError`` unless each column has a name of its own."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{table} has {names.count(name)} columns of the name {shown(name)}: give each a "
                "name of its own"
            )


def _batches(
    path: Path, delimiter: str, kinds: Mapping[str, pyarrow.DataType]
) -> Iterator[pyarrow.RecordBatch]:
    wrong: list[pyarrow.csv.InvalidRow] = []

    def refuse(row: pyarrow.csv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    try:
        with pyarrow.csv.open_csv(
            path,
            # on one thread, which knows the number of a line
            pyarrow.csv.ReadOptions(block_size=BLOCK, use_threads=False),
            pyarrow.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            pyarrow.csv.ConvertOptions(column_types=kinds, null_values=NULLS),
        ) as reader:
            yield from reader
    except (pyarrow.ArrowInvalid, OSError) as error:
        if wrong:
            row = wrong[0]
            raise ValueError(
                f"'{path}', line {row.number}: it has {row.actual_columns} fields, and the line of "
                f"names has {row.expected_columns}, got {shown(row.text)}: mend it, or quote cells "
                "that have the delimiter in them"
            ) from error
        raise ValueError(
            f"'{path}' cannot be read ({one_line(error)}): give a CSV file in UTF-8, with a line "
            "of names"
        ) from error


def _is(known: pyarrow.Array, kind: pyarrow.DataType) -> bool:
    """Whether all cells can be taken for that type, and are written as such."""
    if pyarrow.types.is_boolean(kind):
        both = pyarrow.array(["true", "false"])
        return bool(
            compute.all(
                compute.is_in(compute.utf8_lower(known.drop_null()), value_set=both)
            ).as_py()
            is not False
        )
    try:
        known.cast(kind)
    except pyarrow.ArrowInvalid:
        return False
    return True


def _is_number(kind: pyarrow.DataType) -> bool:
    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind))


def _dated(known: pyarrow.Array) -> pyarrow.Array:
    """Which cells are dates that there are."""
    looks = compute.match_substring_regex(known, DATE)
    days = compute.utf8_slice_codeunits(known, 0, 10)
    try:
        compute.if_else(looks, days, None).cast("date32")
    except pyarrow.ArrowInvalid:
        exists = [_is(pyarrow.array([day]), pyarrow.date32()) for day in days.to_pylist()]
        return compute.and_(looks, pyarrow.array(exists))
    return looks
