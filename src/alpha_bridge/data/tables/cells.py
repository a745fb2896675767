"""Cells of a column between their own type and one of four: text, whole number, float, boolean."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow
from pyarrow import compute, types

from ...errors import one_line, printable

FORM, MINUTES = b"alpha_bridge.form", "%H:%M"
"""The key of a field's metadata that has the form of its times of a day, and the one without
seconds."""

Cells: TypeAlias = "pyarrow.Array | pyarrow.ChunkedArray"


def shown(value: object) -> str:
    """A name or a value of a table as a line has it."""
    text = printable(str(value))
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"'{text}'" if isinstance(value, str) else text


def is_time(kind: pyarrow.DataType) -> bool:
    """Whether a type is one of dates, times or durations."""
    return bool(types.is_temporal(kind))


def is_text(kind: pyarrow.DataType) -> bool:
    """Whether a type is one of texts."""
    checks = (types.is_string, types.is_large_string, types.is_string_view)
    return any(check(kind) for check in checks)


def value_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """The type of a column's values, which a dictionary has once each."""
    return kind.value_type if types.is_dictionary(kind) else kind


def plain(cells: Cells, name: str, begin: int = 0) -> pyarrow.Array:
    """Cells as large_string, int64, float64 or bool; NaN is a gap.

    Args:
        cells: Of a column.
        name: Of that column.
        begin: The row of the first cell.

    Raises:
        ValueError: A number is infinite or too large, or the type is of another kind; one line.
    """
    cells = cells.combine_chunks() if isinstance(cells, pyarrow.ChunkedArray) else cells
    kind = value_type(cells.type)
    if cells.type != kind:
        cells = cells.dictionary_decode()
    if types.is_boolean(kind):
        return cells
    if is_text(kind):
        return cells.cast("large_string")
    if types.is_floating(kind) or types.is_decimal(kind):
        return _finite(cells.cast("float64"), name, begin)
    if types.is_date32(kind) or types.is_time32(kind):
        return cells.cast("int32").cast("int64")
    if is_time(kind) or types.is_integer(kind):
        try:
            return cells.cast("int64")
        except pyarrow.ArrowInvalid as error:
            raise ValueError(
                f"column {shown(name)} has whole numbers beyond 64 bits ({one_line(error)}): make "
                "them texts, which are taken for keys, or floats"
            ) from error
    if types.is_null(kind):
        raise ValueError(f"column {shown(name)} has only gaps: leave it out of the table")
    raise ValueError(
        f"column {shown(name)} is of the type {kind}, which is none of numbers, texts, booleans, "
        "dates and times: leave it out of the table"
    )


def in_units(cells: Cells, kind: pyarrow.DataType) -> pyarrow.Array:
    """Cells of another table, where times have the units of a type, and gaps alone its type.

    Days, seconds and their parts are whole numbers once they are plain, so that this comes before.

    Args:
        cells: Of a column, of whatever type.
        kind: The type of its values in the training table.

    Raises:
        ArrowInvalid: Times are to be numbers, or numbers times, or the units cannot hold them.
        ArrowNotImplementedError: Dates are to be times of a day, or the like.
    """
    cells = cells.combine_chunks() if isinstance(cells, pyarrow.ChunkedArray) else cells
    own = value_type(cells.type)
    if types.is_null(own):
        return pyarrow.nulls(len(cells), kind)
    if own == kind or not (is_time(own) or is_time(kind)):
        return cells
    if not (is_time(own) or is_text(own)) or not (is_time(kind) or is_text(kind)):
        raise pyarrow.ArrowInvalid("times are not counted as numbers")
    return (cells if cells.type == own else cells.dictionary_decode()).cast(kind)


def typed(cells: Cells, kind: pyarrow.DataType) -> pyarrow.Array:
    """What :func:`plain` was given, from what it gave, but for a dictionary."""
    if types.is_date32(kind) or types.is_time32(kind):
        cells = cells.cast("int32")
    if types.is_float16(kind):
        return pyarrow.array(cells.to_numpy(zero_copy_only=False).astype(np.float16), kind)
    return cells.cast(kind, safe=not types.is_decimal(kind))


def written(values: Sequence[Any], kind: pyarrow.DataType) -> list[Any]:
    """Plain values of a column of this type as people write them."""
    found: list[Any] = typed(pyarrow.array(values, plain_type(kind)), value_type(kind)).to_pylist()
    return found


def numbers(cells: pyarrow.Array) -> np.ndarray:
    """Cells without gaps as an array of numpy."""
    array: np.ndarray = cells.to_numpy(zero_copy_only=False)
    return array


def _finite(cells: pyarrow.Array, name: str, begin: int) -> pyarrow.Array:
    infinite = compute.fill_null(compute.is_inf(cells), False)
    if compute.any(infinite).as_py():
        row = compute.index(infinite, True).as_py()
        raise ValueError(
            f"column {shown(name)}, row {begin + row}: {cells[row]} is infinite: give a number, or "
            "leave the cell empty"
        )
    return compute.if_else(compute.is_nan(cells), None, cells)


def plain_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """The type that :func:`plain` makes of a column's."""
    own = value_type(kind)
    if types.is_boolean(own):
        return own
    if is_text(own):
        return pyarrow.large_string()
    floating = types.is_floating(own) or types.is_decimal(own)
    return pyarrow.float64() if floating else pyarrow.int64()
