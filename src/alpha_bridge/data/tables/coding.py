"""From the cells of a table to compact rows of numbers, and back to a table as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute, types

from ...errors import one_line
from ..listing import some
from ..rng import Purpose, stream
from .cells import (
    in_units,
    is_text,
    numbers,
    plain,
    plain_type,
    shown,
    typed,
    value_type,
    written,
)
from .columns import Column
from .new_keys import new_keys
from .quantiles import Quantiles
from .rounding import shifted, unshifted
from .unusual_cells import Say, say_beyond, say_unseen

Within = Callable[[int], NDArray[np.float64]]
"""So many places in (0, 1) within the range of a value."""


class Digest(Protocol):
    """What sums up bytes."""

    def update(self, data: bytes, /) -> None:
        """Take in more of them."""


@dataclass(frozen=True, eq=False)
class Coding:
    """The columns of a table, and all that is needed to make rows of numbers of them.

    A compact row has for each column a code if it has categories, −1 for one that is unknown; and
    a number near N(0, 1) if it has numbers, 0 where a category tells that there is none, and NaN
    where it is unknown.

    Attributes:
        columns: In the order of the table.
        schema: Of the table.
        quantiles: Of the columns of numbers, by their places.
        members: Of the columns with buckets, by their places: ``value``, ``bucket``, ``count``.
        dtype: Of compact rows: float32 if all training rows come back from it, else float64.
    """

    columns: tuple[Column, ...]
    schema: pyarrow.Schema
    quantiles: Mapping[int, Quantiles]
    members: Mapping[int, pyarrow.RecordBatch]
    dtype: np.dtype[Any]

    @cached_property
    def places(self) -> tuple[tuple[int | None, int | None], ...]:
        """Of each column the places of its code and of its number in a compact row."""
        found, end = [], 0
        for column in self.columns:
            code = end if column.slots else None
            end += code is not None
            number = end if column.numeric else None
            end += number is not None
            found.append((code, number))
        return tuple(found)

    @property
    def texts_alone(self) -> dict[str, pyarrow.DataType]:
        """What a CSV file of the same columns is asked for: texts that look like times stay so."""
        own = [field.name for field in self.schema if is_text(value_type(field.type))]
        return dict.fromkeys(own, pyarrow.string())

    @property
    def width(self) -> int:
        """Numbers of a compact row."""
        return sum(place is not None for places in self.places for place in places)

    def compact(
        self,
        table: pyarrow.Table | pyarrow.RecordBatch,
        begin: int = 0,
        within: Within | None = None,
        digest: Digest | None = None,
        say: Say | None = None,
        beyond: Say | None = None,
    ) -> NDArray[Any]:
        """Rows of a table as compact rows, shape ``(N, width)``.

        Args:
            table: With the columns of this one, but for those that identify or are constant.
            begin: The row of its first, for messages.
            within: Where a row lies in the range of a value that many have; None for the middle.
            digest: Sums up what the rows hold.
            say: Called with a line on categories that no training row has.
            beyond: Called with a line on numbers beyond those of the training rows.

        Raises:
            ValueError: A column is missing or of another type, or a number is infinite; one line.
        """
        rows = np.zeros((len(table), self.width), self.dtype)
        for at, (column, (code, number)) in enumerate(zip(self.columns, self.places, strict=True)):
            if code is None and number is None:
                continue
            cells = self._cells(table, column, begin)
            codes = self._codes(at, cells)
            if code is not None:
                rows[:, code] = codes
                say_unseen(column, cells, codes, begin, say)
            if number is not None:
                there = codes == max(column.slots - 1, 0)
                x = numbers(cells.filter(pyarrow.array(there)))
                kind = self.schema.field(at).type
                say_beyond(column, kind, x, np.flatnonzero(there) + begin, beyond)
                part = 0.5 if within is None else within(len(x))
                rows[there, number] = self.quantiles[at].forward(shifted(x, column), part)
                rows[codes < 0, number] = np.nan
                if digest is not None:
                    digest.update(np.ascontiguousarray(x).tobytes())
            if digest is not None:
                digest.update(codes.astype("<i4").tobytes())
        return rows

    def table(self, rows: NDArray[Any], seed: int = 0) -> pyarrow.Table:
        """Compact rows as a table of the original types, order, rounding and ranges.

        Identifiers are made anew, and the value of a bucket is drawn by its share; both are
        functions of ``seed``. What is unknown is a gap.
        """
        cells = [self._made(at, rows, seed) for at in range(len(self.columns))]
        return pyarrow.Table.from_arrays(cells, schema=self.schema)

    def rounded(self, at: int, z: NDArray[np.float64]) -> NDArray[Any]:
        """Numbers of a column as they are rounded there, of those near N(0, 1)."""
        return unshifted(self.quantiles[at].inverse(z), self.columns[at])

    def texts(self, at: int, values: Iterable[Any]) -> list[str]:
        """Values of a column as people write them."""
        return [str(value) for value in written(tuple(values), self.schema.field(at).type)]

    def ends(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Between what ends each number of compact rows becomes the same cell, ``(2, N, numbers)``.

        They are one point where a number has no rounding, and infinitely far where it is unknown.
        """
        found = []
        for at, (column, (code, number)) in enumerate(zip(self.columns, self.places, strict=True)):
            if number is not None:
                z, quantiles = rows[:, number].astype(np.float64), self.quantiles[at]
                known = ~np.isnan(z) & (True if code is None else rows[:, code] == column.slots - 1)
                x = shifted(self.rounded(at, np.where(known, z, 0.0)), column)
                half = column.rounding / 2
                low, high = quantiles.ends(x - half, x + half)
                point = (half == 0) & (np.isfinite(low) & np.isfinite(high) & (high - low < 1e-9))
                low, high = np.where(point, z, low), np.where(point, z, high)
                unknown = np.stack([np.full(len(z), -np.inf), np.full(len(z), np.inf)])
                found.append(np.where(known, np.stack([low, high]), unknown))
        return np.stack(found, -1) if found else np.empty((2, len(rows), 0))

    def record(self) -> dict[str, Any]:
        """The columns by their names, as JSON has them."""
        return {column.name: column.record() for column in self.columns}

    def _cells(
        self, table: pyarrow.Table | pyarrow.RecordBatch, column: Column, begin: int
    ) -> pyarrow.Array:
        """The cells of a column, as plain as those that it was recognised by."""
        if column.name not in table.schema.names:
            raise ValueError(
                f"the table has no column {shown(column.name)}, it has "
                f"{some([shown(name) for name in table.schema.names])}: give one with all columns "
                "of the training table"
            )
        kind = self.schema.field(column.name).type
        try:
            cells = in_units(table.column(column.name), value_type(kind))
            found = plain(cells, column.name, begin)
            if found.type == plain_type(kind):
                return found
            return plain(found.cast(plain_type(kind)), column.name, begin)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
            raise ValueError(
                f"column {shown(column.name)} is of the type "
                f"{table.schema.field(column.name).type}, and of {column.type} in the training "
                f"table ({one_line(error)}): give the same"
            ) from error

    def _codes(self, at: int, cells: pyarrow.Array) -> NDArray[np.int64]:
        """The category of each cell, −1 where it is unknown; 0 for a number that needs none."""
        column = self.columns[at]
        values = pyarrow.array(column.values, cells.type)
        found = compute.index_in(cells, values, skip_nulls=True)
        if column.numeric:
            found = found.fill_null(max(column.slots - 1, 0))
        elif column.buckets:
            members = self.members[at]
            beyond = compute.index_in(cells, members["value"], skip_nulls=True)
            shared = compute.add(members["bucket"].take(beyond), len(column.values))
            found = compute.coalesce(found, shared)
        gap = -1 if column.gap is None else column.gap
        codes: NDArray[np.int64] = numbers(
            compute.if_else(compute.is_null(cells), gap, found.fill_null(-1)).cast("int64")
        )
        return codes

    def _made(self, at: int, rows: NDArray[Any], seed: int) -> pyarrow.Array:
        """The cells of a column."""
        column, (code, number) = self.columns[at], self.places[at]
        kind = self.schema.field(at).type
        if column.identifies:
            return typed(new_keys(column, len(rows), at, seed), value_type(kind))
        values = pyarrow.array(column.values, plain_type(kind))
        if column.is_constant:
            return _as(values.take(pyarrow.array(np.zeros(len(rows), np.int64))), values, kind)
        codes = np.zeros(len(rows), np.int64) if code is None else rows[:, code].astype(np.int64)
        listed = (codes >= 0) & (codes < len(column.values))
        places = pyarrow.array(np.where(listed, codes, 0), mask=~listed)
        made = values.take(places) if len(values) else pyarrow.nulls(len(rows), values.type)
        if number is not None:
            there = codes == max(column.slots - 1, 0)
            z = rows[:, number].astype(np.float64)
            there &= ~np.isnan(z)
            x = self.rounded(at, np.where(there, z, 0.0))
            made = compute.if_else(pyarrow.array(there), pyarrow.array(x, plain_type(kind)), made)
        if column.buckets:
            drawn = self._drawn(at, codes - len(column.values), seed)
            made = compute.coalesce(made, drawn)
            values = pyarrow.concat_arrays([values, self.members[at]["value"]])
        return _as(made, values, kind)

    def _drawn(self, at: int, buckets: NDArray[np.int64], seed: int) -> pyarrow.Array:
        """A value of each bucket, by its share; none where there is no such bucket."""
        members = self.members[at]
        own, counts = numbers(members["bucket"]), numbers(members["count"])
        ends = np.cumsum(counts)
        first = np.searchsorted(own, np.arange(self.columns[at].buckets + 1))
        ends_before = np.concatenate([[0], ends])[first]
        there = (buckets >= 0) & (buckets < self.columns[at].buckets)
        which = np.where(there, buckets, 0)
        below, above = ends_before[which], ends_before[which + 1]
        draws = stream(seed, 0, Purpose.CELLS + at).random(len(buckets))
        picked = np.searchsorted(ends, below + draws * (above - below), "right")
        return members["value"].take(pyarrow.array(picked.clip(0, len(own) - 1), mask=~there))


def _as(cells: pyarrow.Array, values: pyarrow.Array, kind: pyarrow.DataType) -> pyarrow.Array:
    """Cells of a column's own type; a dictionary has ``values`` in their order."""
    if not types.is_dictionary(kind):
        return typed(cells, kind)
    places = compute.index_in(cells, values, skip_nulls=True).cast(kind.index_type)
    listed = typed(values, kind.value_type)
    return pyarrow.DictionaryArray.from_arrays(places, listed, ordered=kind.ordered)
