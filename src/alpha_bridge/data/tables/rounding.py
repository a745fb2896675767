"""Numbers of a column counted from its least, and rounded as they are there."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Column


def shifted(x: NDArray[Any], column: Column) -> NDArray[np.float64]:
    """Whole numbers from the least on, so that floats hold them."""
    return (x - column.low if x.dtype.kind == "i" else x).astype(np.float64)


def unshifted(x: NDArray[np.float64], column: Column) -> NDArray[Any]:
    """Numbers of a column as they are rounded there."""
    if column.kind in ("integer", "time"):
        return (np.rint(x / column.step) * column.step).astype(np.int64) + int(column.low or 0)
    return x if column.decimals is None else x.round(column.decimals)
