"""What a column is coded by, from the cells of training rows: quantiles, and buckets."""

import numpy as np
import pyarrow
from pyarrow import compute

from .cells import numbers
from .columns import Column
from .quantiles import Quantiles
from .rounding import shifted


def bucketed(column: Column, cells: pyarrow.Array) -> pyarrow.RecordBatch:
    """The values beyond those of a category, in order, in buckets of about as many rows each."""
    found = compute.value_counts(cells.drop_null())
    rare = compute.invert(
        compute.is_in(found.field("values"), pyarrow.array(column.values, cells.type))
    )
    found = found.filter(rare)
    found = found.take(compute.sort_indices(found.field("values")))
    counts = numbers(found.field("counts"))
    middle = np.cumsum(counts) - counts / 2
    buckets = (middle / counts.sum() * column.buckets).astype(np.int32)
    return pyarrow.record_batch(
        {"value": found.field("values"), "bucket": buckets, "count": counts}
    )


def fitted(column: Column, cells: pyarrow.Array) -> Quantiles:
    """The quantiles of the numbers that are not set apart."""
    known = cells.drop_null()
    apart = compute.is_in(known, pyarrow.array(column.values, cells.type))
    found = Quantiles.fitted(shifted(numbers(known.filter(compute.invert(apart))), column))
    ends = np.array([column.low, column.high], cells.type.to_pandas_dtype())
    return found.widened(*shifted(ends, column).tolist())
