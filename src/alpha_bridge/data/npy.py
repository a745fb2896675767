"""A data set that is one array on disk, mapped and never read whole."""

from pathlib import Path

import numpy as np

from ..causes import one_line
from .arrays import ArraySource, from_array
from .rows import Rows, split

__all__ = ["load_array"]


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
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"'{path}' cannot be read as an array ({one_line(error)}): save it with numpy.save, "
            "as numbers"
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim < 2:
        found = f"shape {array.shape}" if isinstance(array, np.ndarray) else "several arrays"
        raise ValueError(f"'{path}' holds {found}: give one array of shape (N, D) or (N, H, W, C)")
    kept, apart = split(len(array), held_out)
    return from_array(Rows(array, kept), Rows(array, apart))
