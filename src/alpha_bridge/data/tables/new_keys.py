"""Keys for rows that are made: such as no row of the table has."""

import uuid

import numpy as np
import pyarrow

from ..rng import Purpose, stream
from .columns import Column


def new_keys(column: Column, count: int, at: int, seed: int) -> pyarrow.Array:
    """Keys that no row has, as far as their form allows: a type that ends begins again at 0."""
    if column.form is None:
        first, kind = int(column.high or 0) + 1, pyarrow.type_for_alias(column.type)
        most = min(int(np.iinfo(kind.to_pandas_dtype()).max), 2**63 - 1)
        room = min(count, max(most + 1 - first, 0))
        keys = [*range(first, first + room), *range(count - room)]
        return pyarrow.array(keys, pyarrow.int64())
    before, width = column.form
    if before == "uuid":
        draws = stream(seed, 0, Purpose.CELLS + at).bytes(16 * count)
        made = [
            str(uuid.UUID(bytes=draws[16 * row : 16 * row + 16], version=4)) for row in range(count)
        ]
        return pyarrow.array(made, pyarrow.large_string())
    first = int(column.high or 0) + 1
    before = before if width else f"{column.name} "
    return pyarrow.array(
        [f"{before}{first + row:0{width}}" for row in range(count)], pyarrow.large_string()
    )
