"""Conditions on rows of a table: which columns must have which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import types

from ..listing import some
from .cells import is_text, plain, shown, value_type
from .coding import Coding
from .columns import Column
from .gaps import replaced


@dataclass(frozen=True)
class Conditions:
    """What rows must have.

    Attributes:
        row: A compact row in which all else is unknown, ``(1, width)``.
        cells: The cell of each column that is named.
    """

    row: NDArray[np.float64]
    cells: Mapping[str, pyarrow.Array]

    @classmethod
    def of(cls, coding: Coding, where: Mapping[str, Any]) -> Conditions:
        """Conditions on the columns of a training table.

        Args:
            coding: Of that table.
            where: By column, the value that it must have, or a text as a CSV file has it; None, NaN
                or an empty text is a gap.

        Raises:
            ValueError: A column does not exist or identifies rows, or no row can have the value;
                one line.
        """
        cells = {name: _cell(column_of(coding, name), coding, where[name]) for name in where}
        table = {field.name: pyarrow.nulls(1, value_type(field.type)) for field in coding.schema}
        table |= cells
        row = coding.compact(pyarrow.table(table)).astype(np.float64)
        for column, (code, number) in zip(coding.columns, coding.places, strict=True):
            if column.name in where:
                _require_possible(column, coding, row, code, cells[column.name])
                continue
            if code is not None:
                row[:, code] = -1
            if number is not None:
                row[:, number] = np.nan
        return cls(row, cells)

    def met(self, table: pyarrow.Table) -> pyarrow.Table:
        """The same rows with those cells to the last digit, which a number or a bucket has not."""
        for name, cell in self.cells.items():
            at = table.schema.get_field_index(name)
            every = pyarrow.array(np.ones(len(table), bool))
            repeated = pyarrow.repeat(cell[0], len(table))
            cells = replaced(table.column(at).combine_chunks(), every, repeated)
            table = table.set_column(at, table.field(at), cells)
        return table


def column_of(coding: Coding, name: str) -> Column:
    """The column of that name; one that does not exist, or identifies rows, is refused."""
    found = [column for column in coding.columns if column.name == name]
    if not found:
        near = get_close_matches(name, coding.schema.names, n=1)
        have = some([shown(name) for name in coding.schema.names])
        hint = f"did you mean {shown(near[0])}?" if near else f"there are {have}"
        raise ValueError(f"there is no column {shown(name)}: {hint}")
    if found[0].identifies:
        raise ValueError(
            f"column {shown(name)} identifies rows and is made anew: give another column"
        )
    return found[0]


def _cell(column: Column, coding: Coding, value: Any) -> pyarrow.Array:  # noqa: ANN401
    """A value as a cell of its column."""
    kind = value_type(coding.schema.field(column.name).type)
    if _is_gap(value):
        return pyarrow.nulls(1, kind)
    try:
        if isinstance(value, str) and not is_text(kind):
            if types.is_time(kind):  # which pyarrow does not read from texts
                return pyarrow.array([time.fromisoformat(value)], kind)
            value = value.lower() if types.is_boolean(kind) else value
            return pyarrow.array([value]).cast(kind)
        return pyarrow.array([value], kind)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"column {shown(column.name)} is of the type {kind}, got {shown(value)}: give a value "
            "of this type"
        ) from error


def _is_gap(value: Any) -> bool:  # noqa: ANN401
    """Whether there is none: None, an empty text, or NaN, NaT or NA, as data frames have them."""
    if value is None or isinstance(value, str):
        return not value
    try:
        return not value == value  # noqa: SIM201
    except TypeError:  # of NA, which is neither equal nor not
        return True


def _require_possible(
    column: Column, coding: Coding, row: NDArray[np.float64], code: int | None, cell: pyarrow.Array
) -> None:
    """Refuse a value that no row can have."""
    name, (value,) = shown(column.name), plain(cell, column.name).to_pylist()
    at = coding.columns.index(column)
    if value is None:
        if column.gap is None:
            raise ValueError(f"column {name} has no gaps in the training table: give a value")
        return
    own = shown(cell[0].as_py())
    if column.numeric and value not in column.values:
        if not column.low <= value <= column.high:
            low, high = coding.texts(at, (column.low, column.high))
            raise ValueError(f"column {name} goes from {low} to {high}, got {own}: give another")
        (made,) = coding.table(row)[column.name].to_pylist()
        if column.rounding and made != cell[0].as_py():
            raise ValueError(
                f"no row has {own} in column {name}, and the nearest is {shown(made)}: give that"
            )
    elif value not in column.values and (code is None or row[0, code] < 0):
        texts = coding.texts(at, column.values)
        near = get_close_matches(str(cell[0].as_py()), texts, n=1)
        hint = (
            f"did you mean {shown(near[0])}?" if near else f"there are {some([*map(shown, texts)])}"
        )
        raise ValueError(f"no training row has {own} in column {name}: {hint}")
