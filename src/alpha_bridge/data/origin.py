"""Where a data set comes from: a folder or the hub, and what shows that it has changed.

What a data set says of itself is another's word. Its files are read where the user pointed, in the
folder or in the repository of that id, and nowhere else.
"""

import contextlib
import glob
import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import chain
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import folder_or_array
from ..errors import full_disk, one_line, printable
from ..files import writing
from .choice import encoded_images
from .decode import BATCH, Encoded
from .folders import read_folder
from .listing import PACKED, WITHOUT_PIXELS, count_line, list_folder, plural, some
from .shards.encoded_images import Shards
from .shards.kinds import KINDS, scan
from .shards.scanned import Scan, data_set

if TYPE_CHECKING:
    from datasets import Dataset, DatasetBuilder, DatasetDict
    from huggingface_hub import CardData
    from huggingface_hub.hf_api import DatasetInfo

CARDS = ("README.md", ".huggingface.yaml")
"""Where a data set names its own files."""

REMEDY = "give a folder of images or of parquet files"

Patterns = Mapping[str, Any] | Sequence[Any] | str | None


class Folder:
    """A folder on this machine, known by the names, sizes and times of its files.

    It is one of images, unless it is plainly a data set: by a card that names its files, by parquet
    or arrow files that hold images, or by ``.tar`` files and no images. Such shards are read where
    they lie; other files that a card names are read by ``datasets``.

    Links in it are followed: they are the folder's owner's, and many folders consist of them, the
    hub's own cache for one. A note counts those that lead outside. ``places`` are the folders that
    the images may lie in.
    """

    def __init__(self, path: Path) -> None:
        """Raise ``ValueError`` for a file."""
        self.root = folder_or_array(path).resolve()
        self.name = str(self.root)
        self.places: tuple[Path, ...] = (self.root,)
        self.notes: tuple[str, ...] = ()
        self._listing = list_folder(self.root, tables=True)
        self._scans: dict[str, list[Scan]] = {}

    def fingerprint(self) -> str:
        """What changes when the data may have changed."""
        digest = hashlib.sha256(self.name.encode())
        for file in self._listing.files:
            status = file.stat() if file.exists() else file.lstat()
            record = [str(file.relative_to(self.root)), status.st_size, status.st_mtime_ns]
            digest.update(json.dumps(record).encode())
        return digest.hexdigest()

    def load(self, scratch: Path, column: str | None = None, names: bool = True) -> "DatasetDict":
        """Its splits, without the images of shards.

        Args:
            scratch: Where to write what has to be written on the way.
            column: That of the images, where there may be several.
            names: Whether the names of the images' files are of use.

        Raises:
            ValueError: There are no images, or a file cannot be read.
        """
        if not self._shards:
            data, notes = read_folder(self._listing)
            self.notes = (*self._links(), *notes)
            return data
        named = some(self._shards)
        self.notes = (f"{self.name} is read as a data set, by {named}", *self._links())
        if not self.packed:
            return self._data_set(scratch)
        self._scans = {
            split: [scan(file, column, names) for file in files]
            for split, files in self.packed.items()
        }
        if not any(len(one.index) for scans in self._scans.values() for one in scans):
            raise ValueError(
                f"the shards in '{self.name}' have no images ({named}): give others, or the column "
                "of the images with --images.image-column"
            )
        bare = sum(one.bare for scans in self._scans.values() for one in scans)
        if bare:
            self.notes += (f"{plural(bare, 'sample')} without an image: left out",)
        return data_set(self._scans)

    def shards(self, splits: "Mapping[str, Dataset]", column: str) -> Shards:
        """The images of splits that :meth:`load` has found in shards."""
        scans = [one for split in splits for one in self._scans[split]]
        return Shards.of(scans, column, self.root)

    def images(self, splits: "dict[str, Dataset]", column: str) -> Iterator[list[Encoded]]:
        """The images of all splits in order, a few at a time."""
        if not self.packed:
            return encoded_images(splits, column, self.places)
        shards = self.shards(splits, column)
        rows = np.arange(len(shards))
        begins = range(0, len(shards), BATCH)
        return (shards.encoded(rows[begin : begin + BATCH]) for begin in begins)

    @cached_property
    def packed(self) -> dict[str, list[Path]]:
        """The shards of each split; none if the data lie in other files."""
        if not self._shards:
            return {}
        kinds = {Path(name).suffix for name in self._shards} & {*KINDS}
        if len(kinds) > 1:
            raise ValueError(
                f"'{self.name}' has shards of several kinds ({', '.join(sorted(kinds))}): give a "
                "folder of one kind"
            )
        with tempfile.TemporaryDirectory() as scratch:
            found = self._builder(Path(scratch)).config.data_files or {}
        files = {str(split): [*map(Path, paths)] for split, paths in found.items()}
        named = {file.suffix for file in chain.from_iterable(files.values())}
        return files if len(named) == 1 and named <= {*KINDS} else {}

    def is_streamed(self, asked: bool | None, least: int) -> bool:
        """Whether images are decoded when they are drawn; if nobody ``asked``, by their bytes."""
        return bool(self.packed) and (self._bytes >= least if asked is None else asked)

    def note_on_shards(self, streamed: bool) -> tuple[str, ...]:
        """A line on shards, and on how to have them read in the other way."""
        if not self.packed:
            return ()
        shards = plural(len([*chain.from_iterable(self.packed.values())]), "shard")
        how = "decoded when they are drawn" if streamed else "decoded once"
        return (
            f"the images of {shards} ({self._bytes / 1e6:,.1f} MB) are {how}: --images.stream "
            f"{not streamed} for the other way",
        )

    @cached_property
    def _bytes(self) -> int:
        return sum(file.stat().st_size for file in chain.from_iterable(self.packed.values()))

    def line(self, rows: int, broken: int) -> str:
        """How many images there are, and why the others are left out."""
        return _line(rows, broken) if self._shards else self._listing.line(broken)

    @cached_property
    def _shards(self) -> list[str]:
        """What makes it a data set of ``datasets``; nothing if it is a folder of images."""
        cards = [name for name in CARDS if (self.root / name).is_file()]
        naming = [name for name in cards if "configs" in _configurations(self.root / name)]
        left_out = self._listing.left_out
        packed = [file for file in left_out[PACKED] if file.suffix.lower() == ".tar"]
        files = [*left_out[WITHOUT_PIXELS], *packed]
        images = bool(self._listing.images)
        shards = [file for file in files if _is_shard(file, images)]
        return naming or [str(file.relative_to(self.root)) for file in shards]

    def _data_set(self, scratch: Path) -> "DatasetDict":
        """The splits that ``datasets`` finds."""
        self.places = (self.root, scratch.resolve())
        with _explained(f"data folder '{self.name}'", REMEDY), _offline():
            return _prepared(self._builder(scratch))

    def _builder(self, scratch: Path) -> "DatasetBuilder":
        """Which files belong to which splits, as ``datasets`` finds them."""
        import datasets

        if glob.has_magic(self.name):
            raise ValueError(f"data folder '{self.name}' has one of *?[ in its path: rename it")
        for card in (self.root / name for name in CARDS):
            if card.is_file():
                _require_own(_configurations(card), str(card), self.name)
        with _explained(f"data folder '{self.name}'", REMEDY), _offline():
            # into the scratch folder: what is on this disk already needs no second copy
            builder = datasets.load_dataset_builder(self.name, cache_dir=str(scratch))
            return _own(builder, (self.name + "/",), self.name)

    def _links(self) -> Iterator[str]:
        """How many files are links that lead outside, and which folders are not followed."""
        links = [file.resolve() for file in self._listing.files if file.is_symlink()]
        outside = [place for place in links if not place.is_relative_to(self.name)]
        if outside:
            yield (
                f"{len(outside)} files of {self.name} are links that lead out of it, the first to "
                f"{outside[0]}"
            )
        if left_out := self._listing.links:
            yield (
                f"{len(left_out)} folders in {self.name} are links, which are not followed: the "
                f"files in {left_out[0].name} are left out"
            )


class Hub:
    """A data set of the hub, known by its id and revision."""

    def __init__(self, name: str, cache: Path, fetch: bool = True) -> None:
        """Look for the newest revision, or without ``fetch`` for what is on this machine.

        The revision that was read last is noted in ``cache``. An id that is a path raises
        ``FileNotFoundError``; a gated one, or the name of a reader, raises ``ValueError``.
        """
        if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name):
            raise FileNotFoundError(
                f"data path '{name}' does not exist: give an existing folder with --data PATH"
            )
        if _is_reader(name):
            raise ValueError(
                f"there is no data set '{name}', which is the name of a reader of datasets: give a "
                f"folder by its path, such as ./{name}, with --data PATH"
            )
        self.name, self.fetch = name, fetch
        self.places: tuple[Path, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._note = cache / "hub" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.txt"
        self._info = self._newest() if fetch else None
        self._revision = self._info.sha if self._info else None
        self._last = self._note.read_text() if self._note.exists() else None

    def _newest(self) -> "DatasetInfo | None":
        """What the hub says; None without a network, which ``datasets`` is slow to notice."""
        import huggingface_hub

        try:
            return huggingface_hub.HfApi().dataset_info(self.name, timeout=10)
        except huggingface_hub.errors.GatedRepoError as error:
            raise ValueError(
                f"data set '{self.name}' is gated: accept its terms on the hub and log in with "
                "'hf auth login', or give a local folder with --data PATH"
            ) from error
        except Exception:  # whatever the network layer of the day raises
            return None

    def fingerprint(self) -> str:
        """What changes when the data may have changed."""
        return f"{self.name}@{self._revision or self._last}"

    def line(self, rows: int, broken: int) -> str:
        """How many images there are, and why the others are left out."""
        return _line(rows, broken)

    def images(self, splits: "dict[str, Dataset]", column: str) -> Iterator[list[Encoded]]:
        """The images of all splits in order, a few at a time."""
        return encoded_images(splits, column, self.places)

    def note_on_shards(self, streamed: bool) -> tuple[str, ...]:  # noqa: ARG002
        """Nothing: they are decoded once."""
        return ()

    def load(
        self,
        scratch: Path,  # noqa: ARG002
        column: str | None = None,  # noqa: ARG002
        names: bool = True,  # noqa: ARG002
    ) -> "DatasetDict":
        """Its splits, kept where the hub's libraries keep them."""
        import datasets
        import huggingface_hub
        from huggingface_hub.errors import HFValidationError

        absent = (ConnectionError, FileNotFoundError, HFValidationError)
        ids = {self.name, self._info.id if self._info else self.name}
        if self._info is not None and self._info.card_data is not None:
            _require_own(_content(self._info.card_data), f"the card of {self.name}", self.name)
        kept = (datasets.config.HF_DATASETS_CACHE, huggingface_hub.constants.HF_HUB_CACHE)
        self.places = tuple(Path(place).resolve() for place in kept)
        try:
            with (
                _explained(
                    f"data set '{self.name}'", "give another id, or a local folder", *absent
                ),
                contextlib.nullcontext() if self._revision else _offline(),
            ):
                builder = datasets.load_dataset_builder(self.name, revision=self._revision)
                begins = tuple(f"hf://datasets/{name}@" for name in ids)
                data = _prepared(_own(builder, begins, self.name))
        except absent as error:
            if not self.fetch:
                raise ValueError(
                    f"data set '{self.name}' of the hub is not on this machine: it is fetched if "
                    f"the command names it, with --data {self.name} (--prior for a second domain)"
                ) from error
            raise ValueError(
                f"data set '{self.name}' could not be loaded: no network or no such id; "
                "give a local folder with --data PATH"
            ) from error
        if self._revision:
            with writing(self._note) as file:
                file.write(self._revision.encode())
        return data


def _line(rows: int, broken: int) -> str:
    return count_line(rows - broken, plural(rows, "row"), {"broken": broken} if broken else {})


def _is_shard(file: Path, beside_images: bool) -> bool:
    """Whether a file is a part of a data set; beside images, only if it surely holds others."""
    import pyarrow.parquet

    if file.suffix != ".parquet" or not beside_images:
        return file.suffix == ".arrow" or (
            file.suffix in (".parquet", ".tar") and not beside_images
        )
    with contextlib.suppress(OSError, pyarrow.ArrowException):
        types = pyarrow.parquet.read_schema(file).types
        return any(pyarrow.types.is_struct(kind) or pyarrow.types.is_binary(kind) for kind in types)
    return False


class _Elsewhere(ValueError):
    """A data set names files that are not its own."""


def _is_reader(name: str) -> bool:
    """Whether ``datasets`` has a reader of that name, which would look at the current folder."""
    package = find_spec("datasets")
    assert package is not None and package.submodule_search_locations
    return any(
        (Path(place) / "packaged_modules" / name).is_dir()
        for place in package.submodule_search_locations
    )


def _configurations(card: Path) -> Mapping[str, Any]:
    """What a card says in YAML."""
    from huggingface_hub import DatasetCard

    try:
        text = card.read_text("utf-8")
        content = text if card.suffix == ".md" else f"---\n{text}\n---\n"
        return _content(DatasetCard(content, ignore_metadata_errors=True).data)
    except Exception as error:  # whatever the parsers raise
        message = f"{card} cannot be read ({one_line(error)}): repair or remove it"
        raise ValueError(message) from error


def _content(card: "CardData") -> dict[str, Any]:
    found: dict[str, Any] = card.to_dict()  # type: ignore[no-untyped-call]
    return found


def _require_own(card: Mapping[str, Any], where: str, name: str) -> None:
    """Refuse a card that names files elsewhere, before anybody looks for them."""
    configurations = card.get("configs")
    for part in configurations if isinstance(configurations, list) else ():
        if isinstance(part, Mapping):
            for pattern in (*_patterns(part.get("data_files")), *_patterns(part.get("data_dir"))):
                if not _is_below(pattern):
                    raise _elsewhere(where, pattern, name)


def _patterns(given: Patterns) -> Iterator[str]:
    """All strings in what a card gives for its files: one, a list, or either by the split."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping | Sequence):
        for part in given.values() if isinstance(given, Mapping) else given:
            yield from _patterns(part)


def _is_below(pattern: str) -> bool:
    """Whether a pattern can only match below the place that it is taken from."""
    windows = PureWindowsPath(pattern)
    steps = {*PurePosixPath(pattern).parts, *windows.parts}
    return not ("://" in pattern or windows.drive or windows.root or {"..", "~"} & steps)


def _own(builder: "DatasetBuilder", begins: tuple[str, ...], name: str) -> "DatasetBuilder":
    """Return ``builder`` if the names of all its files begin with one of the places."""
    for file in map(str, chain.from_iterable((builder.config.data_files or {}).values())):
        if not file.startswith(begins) or ".." in PurePosixPath(file).parts:
            raise _elsewhere(f"data set '{name}'", file, name)
    return builder


def _prepared(builder: "DatasetBuilder") -> "DatasetDict":
    builder.download_and_prepare()
    return builder.as_dataset()


@contextlib.contextmanager
def _explained(name: str, remedy: str, *passed: type[Exception]) -> Iterator[None]:
    """Say in a line why data could not be loaded; errors that are ``passed`` go through."""
    ours: tuple[type[Exception], ...] = (_Elsewhere, *passed)
    try:
        yield
    except ours:
        raise
    except Exception as error:  # anything that a broken file makes a reader raise
        if full := full_disk(error):
            raise OSError(full.errno, full.strerror) from error
        reason = one_line(error)
        raise ValueError(
            f"{name} could not be loaded ({reason}): {remedy} with --data PATH"
        ) from error


def _elsewhere(where: str, what: str, name: str) -> _Elsewhere:
    return _Elsewhere(
        f"{where} names the data {printable(what)}, which are not in {name}: they are not read; "
        "name what lies in it"
    )


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
def quiet() -> Iterator[None]:
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
