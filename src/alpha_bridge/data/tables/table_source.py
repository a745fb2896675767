"""The rows of a table as a source: coded once, in memory or mapped from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import torch
from numpy.typing import NDArray
from pyarrow import compute, types
from torch import Tensor

from ...files import cache_folder, read_json
from ...files.tensors import serialized
from ...observation.row import RowFamily
from ..arrays import ArraySource
from ..cache import cached
from ..rng import Purpose, stream
from ..rows import Array, Rows, split
from .cells import is_text, numbers, plain
from .coding import Coding
from .coding_lines import lines
from .columns import Asked, Column, column_of, read_columns, require_columns
from .delimited import type_named
from .fitting import bucketed, fitted
from .quantiles import Quantiles
from .stored_coding import tensors_of
from .table_units import TableUnits
from .tabular import Tabular, tabular

SURVEYED = 2**18
"""Training rows that columns are recognised and fitted by, at most."""
IN_MEMORY = 2**26
"""Bytes of compact rows up to which they are in memory, and not in the cache."""
ROWS, FOUND = "rows.npy", "found.json"
FORMAT = 1
"""Of the files in the cache."""
INSIDE = 0.02
"""Of the range of a value, at each end, where no row lies: single precision finds the value."""


class TableSource(ArraySource):
    """Rows of a table, of which a tenth is held out, always the same.

    In storage units a row is compact, see :class:`~alpha_bridge.data.tables.coding.Coding`. They
    are kept row by row, so that a row of a batch is one place of a file, where columns of Arrow
    would be as many as there are.
    """

    units: TableUnits

    def __init__(
        self,
        compact: NDArray[Any],
        parts: tuple[NDArray[np.int64], NDArray[np.int64]],
        coding: Coding,
        fingerprint: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Draw from compact rows.

        Args:
            compact: All of them, shape ``(N, width)``; may be a memory map.
            parts: Rows to train on and to hold out.
            coding: Between the table and them.
            fingerprint: Number and sum of the rows.
            notes: What a user should know, a line each.
        """
        units = TableUnits(coding)
        self._sum = fingerprint
        kept, apart = parts
        super().__init__(Rows(compact, kept), Rows(compact, apart))
        self.units = units
        self.event_shape = (units.rows.size,)
        self.notes = notes

    @property
    def columns(self) -> tuple[Column, ...]:
        """What each column of the table is, in order."""
        return self.units.coding.columns

    @property
    def rows(self) -> RowFamily:
        """Where categories and numbers lie in a model row."""
        return self.units.rows

    @property
    def fingerprint(self) -> str:
        return self._sum

    def require_finite(self, train: Array, held_out: Array) -> None:
        """Nothing: an unknown number is NaN, and the cells of the table were held to this."""

    def to_tensor(self, rows: NDArray[Any]) -> Tensor:
        return torch.from_numpy(rows)

    def table(self, compact: Tensor | NDArray[Any], seed: int = 0) -> pyarrow.Table:
        """Compact rows as a table of the original types, order, rounding and ranges."""
        rows = compact.numpy(force=True) if isinstance(compact, Tensor) else compact
        return self.units.coding.table(rows, seed)


def load_table(
    data: Any,  # noqa: ANN401
    columns: Mapping[str, Any] | str | Path | None = None,
    cache: Path | None = None,
    units: TableUnits | None = None,
) -> TableSource:
    """The source of a table, whose columns are recognised where nobody says what they are.

    Args:
        data: As for :func:`~alpha_bridge.data.tables.tabular.tabular`.
        columns: What the user says of columns, or a run has recorded of them, as for
            :func:`~alpha_bridge.data.tables.columns.read_columns`.
        cache: Folder of large tables; None for :func:`~alpha_bridge.files.cache_folder`.
        units: Of a model that was trained on another table, as whose rows these are read.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no table, or a cell of it cannot be used; one line with column, row and
            value.

    Example:
        >>> source = load_table(pyarrow.table({"a": [1.5, 2, 4, 5], "b": ["x", "y", "x", "y"]}))
        >>> source.event_shape, source.table(source.training(2)).schema.names
        ((3,), ['a', 'b'])
    """
    asked = read_columns(columns)
    kinds = {
        name: type_named(one.resolved.type) if one.resolved else one.kind
        for name, one in asked.items()
    }
    table = tabular(data, kinds if units is None else units.coding.texts_alone)
    if table.rows < 2:
        raise ValueError(f"{table.name} has one row: give two or more, one is held out")
    require_columns(asked, table.schema, table.name)
    parts = _parts(table)
    notes: tuple[str, ...] = (_line(table, parts), *table.notes)
    if units is None:
        coding, of_columns = _Survey(table, parts[0]).coding(asked)
        notes += of_columns
    else:
        coding = units.coding
    if table.rows * coding.width * coding.dtype.itemsize <= IN_MEMORY or table.stamp is None:
        compact = np.empty((table.rows, coding.width), coding.dtype)
        keep = partial(_keep, compact)
        found = _coded(table, coding, keep, units is not None)
    else:
        key = f"{FORMAT}{table.stamp}{units is None}".encode() + serialized(tensors_of(coding))
        name = f"table-{hashlib.sha256(key).hexdigest()[:16]}"
        place = (cache_folder() if cache is None else cache).absolute() / "tables" / name
        folder = cached(place, partial(_write, table=table, coding=coding, other=units is not None))
        compact = np.load(folder / ROWS, mmap_mode="r")
        found = read_json(folder / FOUND)
    pyarrow.default_memory_pool().release_unused()
    return TableSource(compact, parts, coding, found["sum"], (*notes, *found["unseen"]))


def read_rows(
    data: Any,  # noqa: ANN401
    units: TableUnits,
    say: Callable[[str], object] = lambda _: None,
) -> Tensor:
    """All rows of a table in order, in storage units, as those of the table that gave the units.

    Args:
        data: As for :func:`load_table`.
        units: Of a model that was trained on another table.
        say: Called with a line on values that no training row has.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no table, or a column is missing or of another type; one line.
    """
    coding = units.coding
    table = tabular(data, coding.texts_alone)
    compact = np.empty((table.rows, coding.width), coding.dtype)
    found = _coded(table, coding, partial(_keep, compact), other=True)
    for line in (*table.notes, *found["unseen"]):
        say(line)
    return torch.from_numpy(compact)


def _parts(table: Tabular) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if table.training is None:
        return split(table.rows)
    if not 0 < table.training < table.rows:
        raise ValueError(f"a part of {table.name} has no rows: give both rows, or one of them")
    return np.arange(table.training), np.arange(table.training, table.rows)


def _line(table: Tabular, parts: tuple[NDArray[np.int64], NDArray[np.int64]]) -> str:
    how = "a tenth, always the same" if table.training is None else "by the names of its files"
    return (
        f"{table.name}: {table.rows:,} rows of {len(table.schema)} columns, {len(parts[0]):,} to "
        f"train on, {len(parts[1]):,} held out ({how})"
    )


class _Survey:
    """What is seen of a table before it is coded: some training rows, gaps and ends of all rows."""

    def __init__(self, table: Tabular, kept: NDArray[np.int64]) -> None:
        self.table = table
        self.gaps = dict.fromkeys(table.schema.names, False)
        self.ends: dict[str, tuple[Any, ...]] = {}
        self.last: dict[str, Any] = {}
        """The last key of all rows, if a column should hold keys."""
        self.partly = len(kept) > SURVEYED
        chosen = kept
        self.notes: tuple[str, ...] = ()
        if self.partly:
            order = stream(0, 0, Purpose.TRAINING).choice(
                len(kept), SURVEYED, replace=False, shuffle=False
            )
            chosen = kept[np.sort(order)]
            self.notes = (f"columns are recognised by {SURVEYED:,} of the rows to train on",)
        batches, begin = [], 0
        for batch in table.read():
            first, last = np.searchsorted(chosen, [begin, begin + len(batch)])
            batches.append(batch.take(pyarrow.array(chosen[first:last] - begin)))
            for name, cells in zip(table.schema.names, batch.columns, strict=True):
                self._see(name, cells, begin)
            begin += len(batch)
        self.sample = pyarrow.Table.from_batches(batches, table.schema).unify_dictionaries()

    def coding(self, asked: Mapping[str, Asked]) -> tuple[Coding, tuple[str, ...]]:
        """What the columns are, fitted, and a line for each."""
        columns: list[Column] = []
        quantiles: dict[int, Quantiles] = {}
        members: dict[int, pyarrow.RecordBatch] = {}
        for at, field in enumerate(self.table.schema):
            cells = self.sample.column(at).combine_chunks()
            gaps, rows = self.gaps[field.name], self.table.rows
            given = asked.get(field.name, Asked())
            column = column_of(field.name, cells, field, gaps, rows, given)
            if column.identifies:
                column = column.widened(*column.counted(self.last.get(field.name)))
            else:
                column = column.widened(*self.ends.get(field.name, ()))
            columns.append(column)
            if column.numeric:
                quantiles[at] = fitted(column, plain(cells, field.name))
            if column.buckets:
                members[at] = bucketed(column, plain(cells, field.name))
        double = np.dtype(np.float64)
        coding = Coding(tuple(columns), self.table.schema, quantiles, members, double)
        sample = coding.compact(self.sample.slice(0, 2**14))
        single = sample.astype(np.float32)
        if _same(coding.table(sample), coding.table(single), coding.columns):
            coding = replace(coding, dtype=single.dtype)
        return coding, (*self.notes, *lines(coding, sample))

    def _see(self, name: str, cells: pyarrow.Array, begin: int) -> None:
        """Take in some cells: others than floats have their gaps counted already."""
        floats = types.is_floating(cells.type)
        found = plain(cells, name, begin) if floats or self.partly else cells
        self.gaps[name] |= found.null_count > 0
        if (last := _last(cells)) is not None:
            self.last[name] = max(last, self.last.get(name, last), key=_rank)
        if self.partly and found.type in (pyarrow.int64(), pyarrow.float64()):
            ends = compute.min_max(found).as_py()
            known = [end for end in (*self.ends.get(name, ()), *ends.values()) if end is not None]
            self.ends[name] = (min(known), max(known)) if known else ()


def _last(cells: pyarrow.Array) -> Any:  # noqa: ANN401
    """The largest whole number, or the last of the longest texts; None of other cells."""
    if types.is_integer(cells.type):
        return compute.max(cells).as_py()
    if not is_text(cells.type) or cells.null_count == len(cells):
        return None
    lengths = compute.utf8_length(cells)
    return compute.max(cells.filter(compute.equal(lengths, compute.max(lengths)))).as_py()


def _rank(key: Any) -> tuple[int, Any]:  # noqa: ANN401
    """The order of keys: that of numbers, also where they stand at the end of texts."""
    return (len(key) if isinstance(key, str) else 0), key


def _same(first: pyarrow.Table, second: pyarrow.Table, columns: tuple[Column, ...]) -> bool:
    """Whether numbers are equal, or those without a rounding nearly so."""
    for column in columns:
        if column.numeric:
            one, other = (
                numbers(plain(table.column(column.name), column.name).drop_null()).astype(float)
                for table in (first, second)
            )
            room = 0.0 if column.rounding else 1e-6 * (float(column.high) - float(column.low))  # type: ignore[arg-type]
            if len(one) and np.abs(one - other).max() > room:
                return False
    return True


def _keep(compact: NDArray[Any], part: slice, rows: NDArray[Any]) -> None:
    compact[part] = rows


def _coded(
    table: Tabular, coding: Coding, keep: Callable[[slice, NDArray[Any]], object], other: bool
) -> dict[str, Any]:
    """Code all rows of a table, sum them up, and say what no training row has.

    Of an ``other`` table than that of the training rows also which numbers lie beyond theirs; of
    its own rows that are held out some always do.
    """
    digest = hashlib.sha256()
    unseen: list[str] = []
    begin = 0
    for batch in table.read():
        draws = stream(0, begin, Purpose.TRAINING)

        def within(count: int, draws: np.random.Generator = draws) -> NDArray[np.float64]:
            return INSIDE + (1 - 2 * INSIDE) * draws.random(count)

        beyond = unseen.append if other else None
        rows = coding.compact(batch, begin, within, digest, unseen.append, beyond)
        keep(slice(begin, begin + len(batch)), rows)
        begin += len(batch)
    first = {line.partition(":")[0]: line for line in reversed(unseen)}  # of each column
    found = f"{table.rows} rows, sha256 {digest.hexdigest()[:16]}"
    return {"sum": found, "unseen": [*reversed(first.values())]}


def _write(folder: Path, table: Tabular, coding: Coding, other: bool) -> None:
    """Code all rows of a table into an empty folder."""
    shape = (table.rows, coding.width)
    form = {"descr": coding.dtype.str, "fortran_order": False, "shape": shape}
    with (folder / ROWS).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, form)
        found = _coded(table, coding, lambda _, rows: file.write(rows.tobytes()), other)
    (folder / FOUND).write_text(json.dumps(found))
