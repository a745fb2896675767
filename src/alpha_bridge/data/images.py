"""Images from the hub and from folders, decoded once into a cache; and those of scikit-learn."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import cache_folder, read_json
from .array_file import load_file
from .arrays import ArraySource, ImageSource
from .cache import cached
from .choice import (
    Choice,
    attributes_of,
    chosen_splits,
    columns,
    files_of,
    labels_of,
    note_on_splits,
    parts,
)
from .data_folder import Folder
from .data_hub import Hub
from .datasets_library import quiet
from .decode import Encoded, Progress, refusal, write_images
from .decoded import CACHE_FORMAT, IMAGES, Known, open_decoded, open_known, sound
from .origin import Origin
from .rows import Rows, split
from .shards.encoded_images import Shards
from .shards.sums import sums_of
from .streamed import StreamedRows, look_at
from .survey import Survey

SURVEY, SHARDS = "survey.json", "shards"
STREAMED_FROM = 2**31
"""Bytes of shards from which on their images are not decoded beforehand, unless somebody asks."""


def load_images(
    source: str,
    size: int | None = None,
    channels: int | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    train_split: str = "train",
    held_out_split: str | None = None,
    skip_broken: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
    fetch: bool = True,
    stream: bool | None = None,
) -> ArraySource:
    """Images of a data set, decoded at the first call and mapped from the cache ever after.

    Those of a folder of shards (``.tar``, ``.parquet``, ``.arrow``) may also stay where they are:
    the cache has an index of them, and the sums of the files, which are read whole for that once;
    an update decodes what it draws. Size and colour follow from
    some of the images, evenly spread. One that cannot be decoded is found when it is drawn, and
    ``skip_broken`` puts the next one in its place.

    Images are turned upright, cropped to their central square and resized (Lanczos); transparent
    pixels become white. Whole numbers of more than 8 bits are scaled alike in all images: white is
    255, 1023, 4095, 16383 or 65535, the next above the largest of them. A column that states a mode
    is read in it. Without a split to hold out, a tenth of the training split is held out, always
    the same. What is None of size and channels is decided from the images, see
    :meth:`~alpha_bridge.data.survey.Survey.shape`.

    A folder of images is all of its images. Its topmost folders are splits if they are called
    train and test, or the like; other folders are classes, if all images lie equally deep.

    Nothing is read but what lies in the folder, or belongs to the data set of that id. What else a
    user should know of what was read is in the source's ``notes``.

    Args:
        source: A data-set id of the Hugging Face hub; a folder in its layout; a folder of image
            files, with a subfolder for each class if any; or a ``.npy`` file of what
            :func:`~alpha_bridge.data.from_array` takes, mapped and not read, of which a tenth is
            held out.
        size: Height and width in pixels; None for the images' own, or one of at most 64.
        channels: 1 for grey, 3 for colour; None for 3 if any image is in colour.
        image_column: Column of the images; None for the one column of that type.
        label_column: Column of the labels, whole numbers, booleans or texts; None for the first
            column of class labels, or else one that is called label, if any.
        train_split: Split to train on.
        held_out_split: Split to hold out; None for ``test`` or ``validation``, if any.
        skip_broken: Whether images that cannot be decoded are left out, and counted.
        cache: Folder of decoded images; None for :func:`~alpha_bridge.files.cache_folder`.
        progress: Called while images are decoded, or the files of streamed ones summed up, with the
            number of images done and their total.
        fetch: Whether a data set of the hub may be fetched, or has to be on this machine.
        stream: Whether shards are streamed; None where they have 2 GiB and more.

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
    folder = cache_folder() if cache is None else Path(cache)
    if path.suffix == ".npy":
        return load_file(path, size, channels, folder, progress)
    choice = Choice(
        size, channels, image_column, label_column, train_split, held_out_split, skip_broken
    )
    origin: Origin = Folder(path) if path.exists() else Hub(source, folder, fetch)
    fingerprint = origin.fingerprint()

    def place(kind: str, choice: Choice) -> Path:
        key = json.dumps([CACHE_FORMAT, fingerprint, asdict(choice)], sort_keys=True)
        name = f"{path.name}-{_sum(key)}"
        return folder.absolute() / kind / name

    if origin.is_streamed(stream, STREAMED_FROM):
        # whatever the images become, and whichever are broken, they lie in the same places
        at = place("indexes", replace(choice, size=None, channels=None, skip_broken=False))
        kept = folder.absolute() / "sums" / f"{_sum(origin.name)}.json"
        look = partial(_index, origin=origin, choice=choice, kept=kept, progress=progress)
        images = _open_index(cached(at, look), size, channels, skip_broken)
    else:
        seen: Survey | None = None
        if size is None or channels is None:
            look = partial(_survey, origin=origin, choice=choice)
            seen = Survey.read(read_json(cached(place("surveys", choice), look) / SURVEY))
            shape = seen.shape(size, channels)
            choice = replace(choice, size=shape.size, channels=shape.channels)
        fill = partial(_fill, origin=origin, choice=choice, seen=seen, progress=progress)
        images = open_decoded(cached(place("images", choice), fill))
    images.notes = (*images.notes, *origin.changing_notes())
    return images


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digits() -> ImageSource:
    """The 1,797 handwritten digits of 8×8 pixels that come with scikit-learn.

    A fifth is held out, always the same; grey levels 0…16 become 0…255.

    Source:
        Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.rint(data.images * (255 / 16)).astype(np.uint8)[..., None]
    kept, apart = split(len(images), 0.2)
    labels = data.target[kept], data.target[apart]
    return ImageSource(Rows(images, kept), Rows(images, apart), *labels)


def _survey(folder: Path, origin: Origin, choice: Choice) -> None:
    """Write into an empty folder what the images of a data set look like."""
    scratch = folder / "arrow"
    with quiet():
        loaded = origin.load(scratch, choice.image_column, names=False)
        splits = chosen_splits(loaded.data, choice)
        images = loaded.images(splits, columns(splits, choice)[0])
        seen = Survey.of(chain.from_iterable(images))
    (folder / SURVEY).write_text(json.dumps(seen.record()), encoding="utf-8")
    shutil.rmtree(scratch, ignore_errors=True)


def _fill(
    folder: Path,
    origin: Origin,
    choice: Choice,
    seen: Survey | None,
    progress: Progress | None,
) -> None:
    """Decode a data set into an empty folder."""
    scratch = folder / "arrow"
    with quiet():
        loaded = origin.load(scratch, choice.image_column)
        splits = chosen_splits(loaded.data, choice)
        image_column, label_column = columns(splits, choice)
        total = sum(map(len, splits.values()))
        classes = labels_of(splits, label_column, asked=choice.label_column is not None)

        def images() -> Iterator[list[Encoded]]:
            return loaded.images(splits, image_column)

        seen = seen or Survey.of(chain.from_iterable(images()))
        shape = seen.shape(choice.size, choice.channels)
        broken = write_images(
            images(),
            shape,
            total,
            folder / IMAGES,
            progress,
        )
        if broken and not choice.skip_broken:
            remedy = ", or skip them with --images.skip-broken"
            raise refusal([*broken.values()], total, remedy)
        whole = np.ones(total, np.bool_)
        whole[list(broken)] = False
        train, apart = parts(splits, whole)
        notes = [
            origin.line(total, len(broken)),
            *loaded.notes,
            *origin.note_on_shards(streamed=False),
            note_on_splits(loaded.data, splits, len(train), len(apart)),
            *seen.notes(shape),
            *classes.notes,
        ]
        known = Known(
            train,
            apart,
            np.cumsum(whole) - 1,
            tuple(notes),
            classes,
            attributes_of(splits),
            files_of(splits, image_column),
            seen.white,
        )
        known.save(folder)
    shutil.rmtree(scratch, ignore_errors=True)


def _index(
    folder: Path, origin: Origin, choice: Choice, kept: Path, progress: Progress | None
) -> None:
    """Write into an empty folder where the images of shards lie, and what is known of them.

    The sums of the shards are in ``kept``, so that of changed data only changed files are summed.
    """
    with quiet():
        loaded = origin.load(folder, choice.image_column, names=False)
        splits = chosen_splits(loaded.data, choice)
        image_column, label_column = columns(splits, choice)
        classes = labels_of(splits, label_column, asked=choice.label_column is not None)
        shards = loaded.shards(splits, image_column)
        (folder / SHARDS).mkdir()
        shards.save(folder / SHARDS)
        seen = look_at(shards)
        (folder / SURVEY).write_text(json.dumps(seen.record()), encoding="utf-8")
        train, apart = parts(splits, np.ones(len(shards), np.bool_))
        notes = [
            origin.line(len(shards), 0),
            *loaded.notes,
            *origin.note_on_shards(streamed=True),
            note_on_splits(loaded.data, splits, len(train), len(apart)),
            *classes.notes,
        ]
        rows = np.arange(len(shards))
        known = Known(train, apart, rows, tuple(notes), classes, attributes_of(splits))
        sums = sums_of(shards.files, np.diff(shards.starts).tolist(), kept, progress)
        known.save(folder, shards.fingerprint(sums, classes.codes))


def _open_index(
    folder: Path, size: int | None, channels: int | None, skip_broken: bool
) -> ImageSource:
    with sound(folder):
        shards = Shards.open(folder / SHARDS)
        seen = Survey.read(read_json(folder / SURVEY))
        shape = seen.shape(size, channels)

        def chosen(rows: NDArray[np.int64]) -> Rows:
            return StreamedRows.of(shards, rows, shape, skip_broken)

        source = open_known(folder, chosen)
    source.white = shape.white
    source.notes = (*source.notes, *seen.notes(shape))
    return source
