"""The array of an ``.npy`` file as a source: vectors as they are, images in the shape wanted."""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .array_kinds import channels_last, require_samples, with_held_out
from .arrays import ArraySource
from .attributes import Attributes
from .cache import cached
from .classes import Classes
from .decode import Progress, Shape, encoded_rows, write_images
from .decoded import CACHE_FORMAT, IMAGES, Known, open_decoded
from .rows import read_array, split
from .survey import Survey


def load_file(
    path: Path,
    size: int | None,
    channels: int | None,
    cache: Path,
    progress: Progress | None,
) -> ArraySource:
    """The source of a file; images of another shape than wanted are converted into the cache.

    The arguments are those of :func:`~alpha_bridge.data.images.load_images`; vectors have no size.
    """
    if not path.is_file():
        raise FileNotFoundError(f"data file '{path}' does not exist: give a .npy file")
    array = read_array(path, mapped=True)
    try:
        require_samples(array)
        if array.ndim == 2:
            return with_held_out(array)
        images = channels_last(array)
        first = chain.from_iterable(encoded_rows(images[:1]))
        shape = Survey.of(first).shape(size, channels)
        if images.shape[1:] == shape.pixels:
            return with_held_out(images)
        split(len(images))
    except ValueError as error:
        raise ValueError(f"'{path}' cannot be used: {error}") from error
    status = path.stat()
    key = [CACHE_FORMAT, str(path.resolve()), status.st_size, status.st_mtime_ns, asdict(shape)]
    name = f"{path.name}-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]}"
    fill = partial(_fill, images=images, shape=shape, progress=progress)
    return open_decoded(cached(cache.absolute() / "images" / name, fill))


def _fill(
    folder: Path,
    images: NDArray[np.uint8],
    shape: Shape,
    progress: Progress | None,
) -> None:
    """Crop and resize images into an empty folder."""
    total, height, width, _ = images.shape
    write_images(encoded_rows(images), shape, total, folder / IMAGES, progress)
    line = f"images of {width}×{height} pixels are cropped to squares and resized to {shape.size}"
    none = Classes((), np.empty(0, np.int64))
    Known(*split(total), np.arange(total), (line,), none, Attributes.none(total)).save(folder)
