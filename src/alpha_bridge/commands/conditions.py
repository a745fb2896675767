"""Conditions on rows of a table: which columns must have which values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..errors import printable

if TYPE_CHECKING:
    import pyarrow

ROUND = 4096
"""Rows that are drawn at once."""
MOST = 500
"""How many times as many rows as are asked for are drawn at most."""


def parsed(where: Sequence[str]) -> dict[str, str]:
    """Columns and values from texts such as ``income=>50K``.

    Raises:
        ValueError: A text has no ``=``, or a column comes twice.

    Example:
        >>> parsed(["income=>50K", "sex=Female"])
        {'income': '>50K', 'sex': 'Female'}
    """
    found: dict[str, str] = {}
    for text in where:
        column, equals, value = text.partition("=")
        if not equals or not column:
            raise ValueError(f"--where takes column=value, got {printable(text)!r}")
        if column in found:
            raise ValueError(f"--where has the column {printable(column)!r} twice: give it once")
        found[column] = value
    return found


def meeting(
    table: Callable[[int, int], pyarrow.Table], count: int, conditions: dict[str, str]
) -> tuple[pyarrow.Table, float]:
    """Rows that meet conditions, drawn until there are enough: the model given the conditions.

    Args:
        table: Draws so many rows with a seed.
        count: How many are asked for.
        conditions: By column, the value that it must have, as a text; an empty one is a gap.

    Returns:
        The rows, and the share of all drawn ones that met the conditions.

    Raises:
        ValueError: A column does not exist, no drawn row has a value, or too few rows meet them.
    """
    import pyarrow

    kept: list[pyarrow.Table] = []
    found = drawn = 0
    while found < count and drawn < MOST * max(count, ROUND // MOST):
        rows = table(ROUND, drawn // ROUND)
        met = _met(rows, conditions)
        kept.append(rows.filter(met))
        found, drawn = found + len(kept[-1]), drawn + ROUND
    share = found / drawn
    if found < count:
        raise ValueError(
            f"{share:.2%} of {drawn:,} rows meet {_text(conditions)}, which gives {found} of the "
            f"{count} that are asked for: ask for fewer, or leave out a condition"
        )
    return pyarrow.concat_tables(kept).slice(0, count), share


def _met(rows: pyarrow.Table, conditions: dict[str, str]) -> pyarrow.Array:
    import pyarrow.compute

    met = pyarrow.array([True] * len(rows))
    for column, value in conditions.items():
        if column not in rows.schema.names:
            near = get_close_matches(column, rows.schema.names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {rows.schema.names}"
            raise ValueError(f"there is no column {printable(column)!r}: {hint}")
        cells = rows[column].combine_chunks()
        if pyarrow.types.is_dictionary(cells.type):
            cells = cells.dictionary_decode()
        texts = cells.cast(pyarrow.string()).fill_null("")  # as a CSV file has them
        met = pyarrow.compute.and_(met, pyarrow.compute.equal(texts, value))
    return met


def _text(conditions: dict[str, str]) -> str:
    return " and ".join(f"{column}={printable(value)}" for column, value in conditions.items())
