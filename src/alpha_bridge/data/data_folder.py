"""A data set in a folder on this machine: images, shards, or files that a card names."""

import contextlib
import glob
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import printable
from ..files.kinds_of_files import folder_or_array
from .datasets_library import explained, offline, prepared
from .folders import LABEL, read_folder
from .listing import NAMED, PACKED, WITHOUT_PIXELS, list_folder, plural, some
from .origin import Loaded, Origin
from .own_files import own, read_card, require_own
from .shards.kinds import KINDS, scan
from .shards.scanned import MOST_TEXTS, Scan, data_set

if TYPE_CHECKING:
    from datasets import DatasetBuilder, DatasetDict

CARDS = ("README.md", ".huggingface.yaml")
"""Where a data set names its own files."""

REMEDY = "give a folder of images or of parquet files"


class Folder(Origin):
    """A folder on this machine, known by the names, sizes and times of its files.

    It is one of images, unless it is plainly a data set: by a card that names its files, by parquet
    or arrow files that hold images, or by ``.tar`` files and no images. Such shards are read where
    they lie; other files that a card names are read by ``datasets``.

    Links in it are followed: they are the folder's owner's, and many folders consist of them, the
    hub's own cache for one. A note counts those that lead outside.
    """

    def __init__(self, path: Path) -> None:
        """Raise ``ValueError`` for a file."""
        self.root = folder_or_array(path).resolve()
        self.name = str(self.root)
        self._listing = list_folder(self.root, tables=True)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.name.encode())
        for file in self._listing.files:
            status = file.stat() if file.exists() else file.lstat()
            record = [str(file.relative_to(self.root)), status.st_size, status.st_mtime_ns]
            digest.update(json.dumps(record).encode())
        return digest.hexdigest()

    def changing_notes(self) -> tuple[str, ...]:
        return self._listing.notes

    def load(self, scratch: Path, column: str | None = None, names: bool = True) -> Loaded:
        if not self._shards:
            data, of_files = read_folder(self._listing)
            return Loaded(data, (self.root,), (*self._links(), *of_files))
        named = some(self._shards)
        notes = (f"{self.name} is read as a data set, by {named}", *self._links())
        if not self.packed:
            return Loaded(self._data_set(scratch), (self.root, scratch.resolve()), notes)
        scans, many = scan(self.packed, column, names)
        found = [*chain.from_iterable(scans.values())]
        self._require_images(found, column)
        data = data_set(scans)
        notes += (*_left_out(found, many),)
        if not any(LABEL in split.features for split in data.values()):
            notes += (*_folders_of(found),)
        return Loaded(data, (self.root,), notes, scans)

    def _require_images(self, scans: Sequence[Scan], column: str | None) -> None:
        if not any(len(one.index) for one in scans):
            raise ValueError(
                f"the shards in '{self.name}' have no images ({some(self._shards)}): give others, "
                "or the column of the images with --images.image-column"
            )
        if not any(one.images for one in scans):
            asked = "of images" if column is None else f"'{column}'"
            columns = [*map(printable, dict.fromkeys(chain(*(one.columns for one in scans))))]
            raise ValueError(
                f"the data set has no column {asked}; its columns are {some(columns)}: give the "
                "one to use with --images.image-column; images within a column of records are not "
                "found"
            )

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
        return bool(self.packed) and (self._bytes >= least if asked is None else asked)

    def note_on_shards(self, streamed: bool) -> tuple[str, ...]:
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
        return super().line(rows, broken) if self._shards else self._listing.line(broken)

    @cached_property
    def _naming(self) -> list[str]:
        """The cards that name its files."""
        cards = [name for name in CARDS if (self.root / name).is_file()]
        return [name for name in cards if "configs" in read_card(self.root / name)]

    @cached_property
    def _shards(self) -> list[str]:
        """What makes it a data set of ``datasets``; nothing if it is a folder of images."""
        left_out = self._listing.left_out
        packed = [file for file in left_out[PACKED] if file.suffix.lower() == ".tar"]
        files = [*left_out[WITHOUT_PIXELS], *packed]
        images = bool(self._listing.images)
        shards = [file for file in files if _is_shard(file, images)]
        return self._naming or [str(file.relative_to(self.root)) for file in shards]

    def _data_set(self, scratch: Path) -> "DatasetDict":
        """The splits that ``datasets`` finds."""
        with explained(f"data folder '{self.name}'", REMEDY), offline():
            return prepared(self._builder(scratch))

    def _builder(self, scratch: Path) -> "DatasetBuilder":
        """Which files belong to which splits, as ``datasets`` finds them."""
        import datasets

        if glob.has_magic(self.name):
            raise ValueError(f"data folder '{self.name}' has one of *?[ in its path: rename it")
        if self._listing.runs and not self._naming:  # ``datasets`` would take their files for data
            run = self._listing.runs[0].relative_to(self.root)
            raise ValueError(
                f"data folder '{self.name}' has a run or an exported model beside its shards, "
                f"{printable(run.as_posix())}: move it out of there"
            )
        for card in (self.root / name for name in CARDS):
            if card.is_file():
                require_own(read_card(card), str(card), self.name)
        with explained(f"data folder '{self.name}'", REMEDY), offline():
            # into the scratch folder: what is on this disk already needs no second copy
            builder = datasets.load_dataset_builder(self.name, cache_dir=str(scratch))
            return own(builder, (self.name + "/",), self.name)

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


def _left_out(scans: Sequence[Scan], many: Sequence[str]) -> Iterator[str]:
    """Lines on samples and columns of shards that are of no use."""
    if bare := sum(one.bare for one in scans):
        yield f"{plural(bare, 'sample')} without an image: left out"
    if mixed := [*dict.fromkeys(chain.from_iterable(one.mixed for one in scans))]:
        yield (
            f"{some([*map(printable, mixed)])} of .json: left out, as values are of several types, "
            "or of one that no column holds"
        )
    if many:
        yield (
            f"{some([*map(printable, many)])}: left out, as more than {MOST_TEXTS:,} different "
            "texts are neither labels nor attributes"
        )


def _folders_of(scans: Sequence[Scan]) -> Iterator[str]:
    """A line on folders in tar files, which are no classes: most only number samples or shards."""
    folders = [*map(printable, dict.fromkeys(chain.from_iterable(one.folders for one in scans)))]
    if len(folders) > 1:
        more = ", …" if len(folders) > NAMED else ""
        yield (
            f"the folders in the .tar files ({', '.join(folders[:NAMED])}{more}) give no labels: "
            "add a .cls to each sample, or unpack the files, for labels"
        )


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
