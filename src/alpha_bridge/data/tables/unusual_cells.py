"""Cells unlike those of all training rows: a line on the first of a column."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray

from .cells import numbers, shown, written
from .columns import Column

Say = Callable[[str], object]


def say_unseen(
    column: Column, cells: pyarrow.Array, codes: NDArray[np.int64], begin: int, say: Say | None
) -> None:
    """Say that some cells, whose code is −1 though they are no gaps, are of no training row."""
    unseen = (codes < 0) & numbers(cells.is_valid())
    if say is not None and unseen.any():
        row = int(unseen.argmax())
        say(
            f"column {shown(column.name)}: some cells hold what no training row has, first "
            f"{shown(cells[row].as_py())} in row {begin + row}: they are kept as unseen"
        )


def say_beyond(
    column: Column,
    kind: pyarrow.DataType,
    x: NDArray[Any],
    rows: NDArray[np.int64],
    say: Say | None,
) -> None:
    """Say that some numbers of a column of this type lie outside those of the training rows."""
    outside = (x < column.low) | (x > column.high)
    if say is not None and outside.any():
        at = int(outside.argmax())
        value, low, high = written((x[at].item(), column.low, column.high), kind)
        say(
            f"column {shown(column.name)}: some cells lie beyond what the training rows have, "
            f"{low} to {high}, first {value} in row {rows[at]}: they come back as the nearest end"
        )
