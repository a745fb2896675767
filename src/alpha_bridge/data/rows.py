"""Rows of arrays that may be larger than memory: chosen, split and read, the rest not copied."""

import mmap
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import at_least
from ..errors import one_line
from .rng import Purpose, stream
from .sampler import Groups, Indices, shuffled

CHUNK_BYTES = 2**24
"""Of the rows that are looked at together."""
RESIDENT_BYTES = 2**28
"""A file up to this size may stay in resident memory, which saves finding its pages again."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array, which may be a memory map: chosen but not copied.

    Attributes:
        array: All rows.
        rows: Those that are chosen.
        groups: Of the chosen rows, where these are read a group at a time.
    """

    array: NDArray[Any]
    rows: NDArray[np.int64]
    groups: Groups | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.rows), *self.array.shape[1:]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice | Indices) -> NDArray[Any]:
        return _copied(self.array, self.rows[part])


Array = NDArray[Any] | Rows


def whole(array: Array) -> NDArray[Any]:
    """The array as it was given, of which some rows may be chosen."""
    return array.array if isinstance(array, Rows) else array


def rows_as_given(array: Array, begin: int) -> NDArray[np.int64]:
    """Which rows of the data as given these are; counted from ``begin`` if nobody chose them."""
    return array.rows if isinstance(array, Rows) else begin + np.arange(len(array))


def take(array: Array, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Copy rows; a large file that they are mapped from stays out of resident memory."""
    if isinstance(array, Rows):
        taken, array = array[rows], array.array
    else:
        taken = _copied(array, rows)
    _let_go(array)
    return taken


def _copied(array: NDArray[Any], rows: Indices) -> NDArray[Any]:
    """Copies of rows. ``take`` first copies all of an array that is in another order than C's."""
    array = np.asarray(array)
    return (
        array.take(rows, axis=0) if array.flags.c_contiguous else np.ascontiguousarray(array[rows])
    )


def chunks(array: Array) -> Iterator[tuple[int, NDArray[Any]]]:
    """All rows in order, some megabytes at a time, each time with the index of the first."""
    rows = max(1, CHUNK_BYTES // max(array[:1].nbytes, 1))
    for begin in range(0, len(array), rows):
        yield begin, array[begin : begin + rows]
        _let_go(whole(array))


def first(array: Array, count: int, purpose: int) -> Indices:
    """Which rows are the first ``count`` in an order that is random but always the same."""
    # not a group at a time: the first groups of sorted data hold few of its classes
    order = shuffled(len(array), stream(0, 0, purpose))
    return order[: at_least(0, "count", count)].astype(np.int64)


def split(n: int, fraction: float = 0.1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and a share to hold out, at random but always the same, each in order.

    Of two rows or more at least one is held out and one is kept.

    Raises:
        ValueError: There are fewer than two rows.

    Example:
        >>> [len(rows) for rows in split(100)]
        [90, 10]
    """
    if n < 2:
        many = "one sample" if n else "no samples"
        raise ValueError(f"the data set has {many}: give two or more, one is held out")
    count = min(max(round(fraction * n), 1), n - 1)
    order = stream(0, 0, Purpose.HELD_OUT).permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def read_array(path: Path, mapped: bool = False) -> NDArray[Any]:
    """One array from a ``.npy`` file, read or mapped; nothing in it is executed.

    Raises:
        ValueError: It cannot be read, or holds several arrays; one line that names it.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except Exception as error:  # whatever a broken header makes the parsers of Python raise
        # numpy would advise to load it unsafely
        reason = "no array of numbers" if "pickle" in str(error) else one_line(error)
        raise ValueError(
            f"'{path}' cannot be read as an array ({reason}): save it with numpy.save, as numbers"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"'{path}' holds several arrays: save one of them with numpy.save")
    return array


def _let_go(array: NDArray[Any]) -> None:
    """Drop the pages of a large file that is mapped to be read; the file still has them."""
    mapped = _mapping(array)
    if sys.platform != "win32" and mapped is not None and len(mapped) > RESIDENT_BYTES:
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapping(array: Any) -> mmap.mmap | None:  # noqa: ANN401
    """The map behind an array, if it can only be read: what was written to one would be lost."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array.mode != "r":
            return None
        array = array.base
    return array if isinstance(array, mmap.mmap) else None
