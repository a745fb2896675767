"""Whether all values of an array are finite, and not too large for sums of their squares."""

import numpy as np
from numpy.typing import NDArray

from .rows import Array, Rows, chunks, rows_as_given


def require_finite(train: Array, held_out: Array, largest: float) -> None:
    """Raise ``ValueError`` for a value that is not finite or beyond ``largest``; one line."""
    parts = {"training data": train, "held-out data": held_out}
    bad = {name: _beyond(part, largest) for name, part in parts.items()}
    if isinstance(train, Rows) and isinstance(held_out, Rows):  # both of one array
        parts, bad = {"the array": train.array}, {"the array": np.concatenate([*bad.values()])}
    for name, rows in bad.items():
        if rows.size:
            most = _largest(parts[name], largest)
            raise ValueError(
                f"{name} has NaN or infinity, or a value beyond {most:.2g}, in {rows.size} of "
                f"{len(parts[name])} rows, first in row {rows.min()}, counted from 0: remove or "
                "repair them"
            )


def _beyond(array: Array, largest: float) -> NDArray[np.int64]:
    """Rows of the array as it was given that are not finite, or not that small."""
    if array.dtype.kind != "f":
        return np.empty(0, np.int64)
    most = _largest(array, largest)
    bad = [
        begin + np.flatnonzero(~(np.abs(rows) <= most).reshape(len(rows), -1).all(1))
        for begin, rows in chunks(array)
    ]
    rows: NDArray[np.int64] = rows_as_given(array, 0)[np.concatenate([*bad, np.empty(0, np.int64)])]
    return rows


def _largest(array: Array, largest: float) -> float:
    return min(largest, float(np.finfo(array.dtype).max))
