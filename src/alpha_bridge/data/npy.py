"""A data set that is one array on disk, mapped and never read whole."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import one_line
from .arrays import ArraySource, from_array
from .rows import Rows, split

__all__ = ["load_array", "read_array"]


def load_array(path: str | Path, held_out: float = 0.1) -> ArraySource:
    """Vectors (N, D), or uint8 images (N, H, W) or (N, H, W, C), from a ``.npy`` file.

    The file is mapped, not read: it may be larger than memory.

    Args:
        path: The file, as ``numpy.save`` writes it, without pickled objects.
        held_out: Share of the rows to hold out, in (0, 1), chosen at random, always the same.

    Returns:
        A source over the mapped file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not such an array, or a value in it is not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"data file '{path}' does not exist: give a .npy file")
    array = read_array(path, mapped=True)
    if array.ndim < 2:
        raise ValueError(
            f"'{path}' holds shape {array.shape}: give one array of shape (N, D) or (N, H, W, C)"
        )
    try:
        kept, apart = split(len(array), held_out)
        return from_array(Rows(array, kept), Rows(array, apart))
    except ValueError as error:
        raise ValueError(f"'{path}' cannot be used: {error}") from error


def read_array(path: Path, mapped: bool = False) -> NDArray[Any]:
    """One array from a ``.npy`` file, of which nothing is executed.

    Args:
        path: The file.
        mapped: Whether it is mapped instead of read.

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
