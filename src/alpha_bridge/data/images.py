"""Images from the hub, from folders and from arrays on disk, decoded once into a cache."""

import contextlib
import glob
import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..cache import cache_folder
from .arrays import ArraySource, ImageSource, Rows, from_array, split
from .decode import Encoded, Shape, encoded, write_images

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

__all__ = ["digits", "load_array", "load_images"]

# Encoded images that are in memory together.
BATCH = 64
# To be raised when the same images are decoded to other pixels.
CACHE_FORMAT = 1

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Choice:
    """What is read from a data set; the fields are the arguments of :func:`load_images`."""

    size: int | None
    channels: int | None
    image_column: str | None
    label_column: str | None
    train_split: str
    held_out_split: str | None


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
    return ImageSource(images[kept], images[apart], data.target[kept], data.target[apart])


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
            f"'{path}' cannot be read as an array ({_one_line(error)}): save it with numpy.save, "
            "as numbers"
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim < 2:
        found = f"shape {array.shape}" if isinstance(array, np.ndarray) else "several arrays"
        raise ValueError(f"'{path}' holds {found}: give one array of shape (N, D) or (N, H, W, C)")
    kept, apart = split(len(array), held_out)
    return from_array(Rows(array, kept), Rows(array, apart))


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
            :func:`load_array`).
        size: Height and width in pixels; None if all images are squares of one size.
        channels: 1 for grey, 3 for colour; None for what the first image has.
        image_column: Column of the images; None for the one column of that type.
        label_column: Column of the labels, integers or booleans; None for the first column of
            class labels, if any. A missing label is −1.
        train_split: Split to train on.
        held_out_split: Split to hold out; None for ``test`` or ``validation``, if any.
        cache: Folder of decoded images; None for :func:`~alpha_bridge.cache.cache_folder`.
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
    origin = _Folder(path) if path.exists() else _Hub(source, folder)
    key = json.dumps([CACHE_FORMAT, origin.fingerprint(), asdict(choice)], sort_keys=True)
    target = folder / "images" / f"{path.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if not target.exists():
        _fill(target, origin, choice, progress)
    return _open(target)


class _Folder:
    """A folder on this machine, known by the names, sizes and times of its files."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise ValueError(
                f"'{path}' is no folder and no .npy file: give a folder of images with --data PATH"
            )
        self.name = str(path.resolve())
        if glob.has_magic(self.name):  # ``datasets`` would take the name for a pattern
            raise ValueError(f"data folder '{self.name}' has one of *?[ in its path: rename it")

    def fingerprint(self) -> str:
        root = Path(self.name)
        files = sorted(file for file in root.rglob("*") if file.is_file())
        if not files:
            raise ValueError(f"data folder '{root}' is empty: give a folder of images")
        digest = hashlib.sha256(self.name.encode())
        for file in files:
            status = file.stat()
            record = [str(file.relative_to(root)), status.st_size, status.st_mtime_ns]
            digest.update(json.dumps(record).encode())
        return digest.hexdigest()

    def load(self, scratch: Path) -> "DatasetDict":
        import datasets

        try:
            # into the scratch folder: what is on this disk already needs no second copy
            return datasets.load_dataset(self.name, cache_dir=str(scratch))
        except Exception as error:  # anything that a broken file makes a reader raise
            raise ValueError(
                f"data folder '{self.name}' could not be loaded ({_one_line(error)}): "
                "give a folder of images or of parquet files with --data PATH"
            ) from error


class _Hub:
    """A data set of the hub, known by its id and revision."""

    def __init__(self, name: str, cache: Path) -> None:
        if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
            raise FileNotFoundError(
                f"data path '{name}' does not exist: give an existing folder with --data PATH"
            )
        self.name = name
        self._note = cache / "hub" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.txt"
        self._newest = self._newest_revision()
        self._last = self._note.read_text() if self._note.exists() else None

    def _newest_revision(self) -> str | None:
        """Its commit on the hub; None without a network, which ``datasets`` is slow to notice."""
        import huggingface_hub

        try:
            return huggingface_hub.HfApi().dataset_info(self.name, timeout=10).sha
        except huggingface_hub.errors.GatedRepoError as error:
            raise ValueError(
                f"data set '{self.name}' is gated: accept its terms on the hub and log in with "
                "'hf auth login', or give a local folder with --data PATH"
            ) from error
        except Exception:  # whatever the network layer of the day raises
            return None

    def fingerprint(self) -> str:
        return f"{self.name}@{self._newest or self._last}"

    def load(self, scratch: Path) -> "DatasetDict":  # noqa: ARG002
        import datasets
        from huggingface_hub.errors import HFValidationError

        try:
            with contextlib.nullcontext() if self._newest else _offline():
                data = datasets.load_dataset(self.name, revision=self._newest)
        except (ConnectionError, FileNotFoundError, HFValidationError) as error:
            raise ValueError(
                f"data set '{self.name}' could not be loaded: no network or no such id; "
                "give a local folder with --data PATH"
            ) from error
        except Exception as error:
            raise ValueError(
                f"data set '{self.name}' could not be loaded ({_one_line(error)}): "
                "give another id, or a local folder with --data PATH"
            ) from error
        if self._newest:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.write_text(self._newest)
        return data


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Have the hub's libraries look only at what was downloaded before."""
    import datasets
    import huggingface_hub

    places: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    try:
        for place in places:
            place.HF_HUB_OFFLINE = True
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the progress bars and warnings of ``datasets`` from the terminal."""
    import datasets

    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = datasets.are_progress_bars_disabled()
    try:
        datasets.disable_progress_bars()
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not bars:
            datasets.enable_progress_bars()


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


def _fill(target: Path, origin: _Folder | _Hub, choice: Choice, progress: Progress | None) -> None:
    """Decode a data set into ``target``, which appears when it is complete."""
    with _scratch(target.parent) as scratch, _quiet():
        splits = _chosen_splits(origin.load(scratch / "arrow"), choice)
        image_column, label_column = _columns(splits, choice)
        total = sum(map(len, splits.values()))
        held_out = _held_out_rows(splits)
        wanted = Shape(choice.size, choice.channels)
        first = next(_encoded_images(splits, image_column))[0]
        ready = scratch / "ready"
        ready.mkdir()
        write_images(
            _encoded_images(splits, image_column),
            wanted,
            wanted.of(first),
            held_out,
            (ready / "train.npy", ready / "held_out.npy"),
            lambda done: progress(done, total) if progress else None,
        )
        labels = None if label_column is None else _labels(splits, label_column)
        if labels is not None and (labels >= 0).any():
            np.save(ready / "train_labels.npy", labels[~held_out])
            np.save(ready / "held_out_labels.npy", labels[held_out])
        with contextlib.suppress(OSError):  # another process was faster
            ready.rename(target)


def _open(folder: Path) -> ImageSource:
    arrays: dict[str, NDArray[Any]] = {}
    for file in sorted(folder.glob("*.npy")):
        try:
            arrays[file.stem] = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"cached file '{file}' is damaged: remove {folder}") from error
    return ImageSource(**arrays)


def _chosen_splits(data: "DatasetDict", choice: Choice) -> "dict[str, Dataset]":
    """The split to train on and, if there is one, the split to hold out."""
    names = [choice.train_split]
    if choice.held_out_split is not None:
        names.append(choice.held_out_split)
    for option, name in zip(("train", "held-out"), names, strict=False):
        if name not in data:
            raise ValueError(
                f"the data set has no split '{name}', it has {', '.join(data)}: "
                f"give one of them with --images.{option}-split"
            )
    if len(names) == 1:
        usual = [name for name in ("test", "validation") if name in data and name not in names]
        names += usual[:1]
    if len(set(names)) < len(names):
        raise ValueError(f"split '{names[0]}' is trained on: hold out another one")
    splits = {name: data[name] for name in names}
    for name, dataset in splits.items():
        if not len(dataset):
            raise ValueError(f"split '{name}' of the data set is empty: give another one")
    return splits


def _columns(splits: "dict[str, Dataset]", choice: Choice) -> tuple[str, str | None]:
    """Names of the column of images and of the column of labels."""
    import datasets

    features = next(iter(splits.values())).features
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    if choice.image_column is None and len(images) != 1:
        found = (
            f"has several columns of images ({', '.join(images)})" if images else "has no images"
        )
        raise ValueError(
            f"the data set {found}; its columns are {', '.join(features)}: "
            "give the one to use with --images.image-column"
        )
    image_column = choice.image_column or images[0]
    label_column = choice.label_column or next(iter(labels), None)
    for option, column in (("image", image_column), ("label", label_column)):
        for name, dataset in splits.items():
            if column is not None and column not in dataset.features:
                raise ValueError(
                    f"split '{name}' has no column '{column}', it has "
                    f"{', '.join(dataset.features)}: give one with --images.{option}-column"
                )
    return image_column, label_column


def _held_out_rows(splits: "dict[str, Dataset]") -> NDArray[np.bool_]:
    """For each image of all splits in order, whether it is held out."""
    lengths = [len(dataset) for dataset in splits.values()]
    if len(lengths) == 2:
        return np.repeat([False, True], lengths)
    held_out = np.zeros(lengths[0], dtype=np.bool_)
    held_out[split(lengths[0])[1]] = True
    return held_out


def _encoded_images(splits: "dict[str, Dataset]", column: str) -> Iterator[list[Encoded]]:
    for name, dataset in splits.items():
        tables = dataset.select_columns([column]).with_format("arrow").iter(BATCH)
        for begin, table in zip(range(0, len(dataset), BATCH), tables, strict=True):
            yield [
                encoded(cell, f"image {begin + row} of split '{name}'")
                for row, cell in enumerate(table[column].to_pylist())
            ]


def _labels(splits: "dict[str, Dataset]", column: str) -> NDArray[np.int64]:
    """Labels of all splits in order, −1 where there is none."""
    import pyarrow

    values = []
    for dataset in splits.values():
        cells = dataset.data.column(column)
        if not (pyarrow.types.is_integer(cells.type) or pyarrow.types.is_boolean(cells.type)):
            raise ValueError(
                f"column '{column}' holds {cells.type}, not labels: give a column of integers or "
                "booleans with --images.label-column"
            )
        values.append(cells.cast("int64").fill_null(-1).to_numpy())
    return np.concatenate(values)


def _one_line(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:300] or type(error).__name__
