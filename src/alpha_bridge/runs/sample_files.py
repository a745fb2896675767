"""Files of samples in a run's folder: images or vectors, by the number of updates done."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import one_line

Array = NDArray[Any]


def is_image(samples: Array) -> bool:
    """Whether samples as a run keeps them are images."""
    return samples.ndim == 4


def numbered(folder: Path, prefix: str, suffix: str) -> dict[int, Path]:
    """Paths by the number between ``prefix`` and ``suffix`` in their names."""
    numbers = {
        path.name.removeprefix(prefix).removesuffix(suffix): path
        for path in folder.glob(f"{prefix}*{suffix}")
    }
    return {
        int(number): path
        for number, path in numbers.items()
        if number.isdecimal() and number == f"{int(number):08d}"
    }


def load_samples(path: Path, sets: int) -> Array:
    """``sets`` of samples, refused if they are neither images nor vectors."""
    remedy = "remove it, or restore it from a copy"
    array = load_array(path, remedy)
    try:
        for part in array if sets > 1 and array.shape[:1] == (sets,) else [array]:
            require_images_or_vectors(part)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({one_line(error)}): {remedy}") from error
    return array


def load_array(path: Path, remedy: str) -> Array:
    """The array of an ``.npy`` file; ``ValueError`` with the ``remedy`` if it is damaged."""
    try:
        with path.open("rb") as file:
            array: Array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # whatever a broken header makes numpy raise
        raise ValueError(f"{path} is damaged ({one_line(error)}): {remedy}") from error
    return array


def require_images_or_vectors(samples: Array) -> Array:
    """The same samples, refused if they are neither."""
    images = samples.dtype == np.uint8 and samples.ndim == 4
    vectors = samples.dtype in (np.float32, np.float64) and samples.ndim == 2
    if not (images or vectors):
        raise ValueError(
            "expected images, uint8 (N, H, W, C), or vectors, float32 or float64 (N, D); "
            f"got {samples.dtype} of shape {samples.shape}"
        )
    return samples
