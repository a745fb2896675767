"""Images from the hub and from folders, decoded once into a cache."""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import cache_folder
from .arrays import ArraySource, ImageSource
from .attributes import Attributes
from .choice import (
    Choice,
    attributes_of,
    chosen_splits,
    columns,
    encoded_images,
    held_out_rows,
    labels_of,
)
from .decode import Shape, write_images
from .npy import load_array
from .origin import Folder, Hub, quiet

__all__ = ["load_images"]

# To be raised when the same images leave other files.
CACHE_FORMAT = 2

Progress = Callable[[int, int], None]


def load_images(
    source: str,
    size: int | None = None,
    channels: int | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    train_split: str = "train",
    held_out_split: str | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ArraySource:
    """Images of a data set, decoded at the first call and mapped from the cache ever after.

    Images are turned upright, cropped to their central square and resized (Lanczos);
    transparent pixels become white, 16-bit grey becomes 8-bit. Without a split to hold out, a
    tenth of the training split is held out, always the same.

    Args:
        source: A data-set id of the Hugging Face hub; a folder in its layout; a folder of image
            files, with a subfolder for each class if any; or a ``.npy`` file (see
            :func:`~alpha_bridge.data.npy.load_array`).
        size: Height and width in pixels; None if all images are squares of one size.
        channels: 1 for grey, 3 for colour; None for what the first image has.
        image_column: Column of the images; None for the one column of that type.
        label_column: Column of the labels, integers or booleans; None for the first column of
            class labels, if any. A missing label is −1.
        train_split: Split to train on.
        held_out_split: Split to hold out; None for ``test`` or ``validation``, if any.
        cache: Folder of decoded images; None for :func:`~alpha_bridge.files.cache_folder`.
        progress: Called while decoding with the number of images done and their total.

    Returns:
        A source over memory maps.

    Raises:
        FileNotFoundError: ``source`` is a path that does not exist.
        ValueError: The data set cannot be loaded, has no such split or column, or has an image
            that cannot be used; or an argument is out of its range.
        PermissionError: The cache folder cannot be written.
    """
    if size is not None and size < 1:
        raise ValueError(f"--images.size must be at least 1, got {size}")
    if channels not in (None, 1, 3):
        raise ValueError(f"--images.channels must be 1 (grey) or 3 (colour), got {channels}")
    path = Path(source).expanduser()
    if path.suffix == ".npy":
        return load_array(path)
    choice = Choice(size, channels, image_column, label_column, train_split, held_out_split)
    folder = cache_folder() if cache is None else Path(cache)
    origin = Folder(path) if path.exists() else Hub(source, folder)
    key = json.dumps([CACHE_FORMAT, origin.fingerprint(), asdict(choice)], sort_keys=True)
    target = folder / "images" / f"{path.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if not target.exists():
        _fill(target, origin, choice, progress)
    return _open(target)


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder beside the cached ones, which is gone afterwards."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(
            dir=folder, prefix="decoding-", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise PermissionError(
            f"cache folder '{folder.parent}' cannot be written ({error.strerror}): set "
            "ALPHA_BRIDGE_CACHE to a folder that can"
        ) from error
    with scratch as path:
        yield Path(path)


def _fill(target: Path, origin: Folder | Hub, choice: Choice, progress: Progress | None) -> None:
    """Decode a data set into ``target``, which appears when it is complete."""
    with _scratch(target.parent) as scratch, quiet():
        splits = chosen_splits(origin.load(scratch / "arrow"), choice)
        image_column, label_column = columns(splits, choice)
        total = sum(map(len, splits.values()))
        held_out = held_out_rows(splits)
        wanted = Shape(choice.size, choice.channels)
        first = next(encoded_images(splits, image_column))[0]
        ready = scratch / "ready"
        ready.mkdir()
        write_images(
            encoded_images(splits, image_column),
            wanted,
            wanted.of(first),
            held_out,
            (ready / "train.npy", ready / "held_out.npy"),
            lambda done: progress(done, total) if progress else None,
        )
        labels = None if label_column is None else labels_of(splits, label_column)
        if labels is not None and (labels >= 0).any():
            np.save(ready / "train_labels.npy", labels[~held_out])
            np.save(ready / "held_out_labels.npy", labels[held_out])
        _save_attributes(ready, attributes_of(splits), held_out)
        with contextlib.suppress(OSError):  # another process was faster
            ready.rename(target)


def _save_attributes(folder: Path, attributes: Attributes, held_out: NDArray[np.bool_]) -> None:
    (folder / "attributes.json").write_text(json.dumps(attributes.words), encoding="utf-8")
    for part, chosen in (("train", ~held_out), ("held_out", held_out)):
        rows = np.flatnonzero(chosen)
        np.save(folder / f"{part}_rows.npy", rows)
        np.save(folder / f"{part}_attributes.npy", attributes.codes[rows])


def _open(folder: Path) -> ImageSource:
    arrays: dict[str, NDArray[Any]] = {}
    for file in sorted(folder.glob("*.npy")):
        try:
            arrays[file.stem] = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"cached file '{file}' is damaged: remove {folder}") from error
    words = json.loads((folder / "attributes.json").read_text(encoding="utf-8"))
    train, held_out = (
        Attributes(words, arrays.pop(f"{part}_attributes"), arrays.pop(f"{part}_rows"))
        for part in ("train", "held_out")
    )
    return ImageSource(**arrays, train_attributes=train, held_out_attributes=held_out)
