"""Shards: files that hold many encoded images each, tar files and tables of Parquet or Arrow."""

from __future__ import annotations

import hashlib
import json
import tarfile
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import one_line
from ..files import read_json, save_array
from .decode import Encoded, encoded
from .folders import IMAGE, LABEL, joined
from .listing import image_endings
from .rows import read_array
from .sampler import HELD, Groups

if TYPE_CHECKING:
    from datasets import DatasetDict
    from pyarrow import Array, ChunkedArray, Schema, Table

TAR, PARQUET, ARROW = KINDS = ".tar", ".parquet", ".arrow"
PLACE = np.dtype([("at", "<i8"), ("part", "<u4")])
"""Where an image lies: in a tar file, from which byte on and how many; in a table, in which of the
groups of rows of all tables, and in which row of it."""
MOST_TEXTS = 1000
"""Values of a column of texts in a shard, at most: one of more describes single images."""
STREAMED = "streamed samples"
"""What a fingerprint calls the images of shards that are not decoded beforehand."""
SUMMED = 64
"""Images whose bytes are summed up, evenly spread."""
INDEX, SIZES, RECORD = "index.npy", "sizes.npy", "shards.json"


@dataclass(frozen=True, eq=False)
class Scan:
    """What is found in one look through a shard, which decodes nothing.

    Attributes:
        path: The shard.
        index: Where each image lies, the groups counted in this shard.
        sizes: Bytes of each group of rows; 0 where it is mapped, and nothing need be read at once.
        cells: What the shard says of each image in columns of few values; its images are empty,
            but for the names of the files that they once were, where these are asked for.
        images: The columns of images, with the mode that they state.
        bare: Samples without an image.
    """

    path: Path
    index: NDArray[Any]
    sizes: NDArray[np.int64]
    cells: Table
    images: Mapping[str, str | None]
    bare: int = 0


def scan(path: Path, column: str | None, names: bool) -> Scan:
    """Look through a shard.

    Args:
        path: A file of one of :data:`KINDS`.
        column: That of the images, where there may be several.
        names: Whether names of files are of use, which take more memory than the rest.

    Raises:
        ValueError: It cannot be read, or is cut off; or a sample of a tar file has several images.
    """
    with _reading(path):
        return SCANS[path.suffix](path, column, names)


# tar files: the standard library finds their members, and a member is a piece of the file


def _scan_tar(path: Path, column: str | None, names: bool) -> Scan:
    """Samples as WebDataset has them: members in a row with one name up to its first dot."""
    import pyarrow

    found: list[tuple[int, int]] = []
    files: list[str] = []
    records: list[dict[str, Any]] = []
    bare = 0
    with path.open("rb") as file:
        for members in _samples(path):
            images = {kind: of for kind, of in members.items() if _is_picture(kind)}
            if column not in (None, IMAGE):
                images = {kind: of for kind, of in images.items() if kind == column}
            if len(images) > 1:
                first = next(iter(images.values())).name
                raise ValueError(
                    f"{path} has several images of one sample ({first}: {', '.join(images)}): give "
                    f"the one to use with --images.image-column {next(iter(images))}"
                )
            bare += not images
            for member in images.values():
                found.append((member.offset_data, member.size))
                files.append(member.name)
                records.append(_record(file, members))
    if all(str(record.get(LABEL, "")).isdecimal() for record in records):
        records = [record | {LABEL: int(record[LABEL])} for record in records]
    kept = pyarrow.array(files, "string") if names else None
    cells = pyarrow.table({column or IMAGE: _no_images(len(found), kept), **_columns(records)})
    index = np.array(found, PLACE)
    return Scan(path, index, np.empty(0, np.int64), cells, {column or IMAGE: None}, bare)


def _samples(path: Path) -> Iterator[dict[str, tarfile.TarInfo]]:
    """The members of each sample, by what follows the first dot of their names."""
    key = ""
    members: dict[str, tarfile.TarInfo] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
            name = PurePosixPath(member.name)
            if not member.isfile() or name.name.startswith("."):
                continue
            stem, _, kind = name.name.partition(".")
            its = str(name.with_name(stem))
            if its != key and members:
                yield members
                members = {}
            key = its
            members[kind.lower()] = member
    if members:
        yield members


def _is_picture(kind: str) -> bool:
    return f".{kind.rpartition('.')[-1]}" in image_endings()


def _record(file: BinaryIO, members: Mapping[str, tarfile.TarInfo]) -> dict[str, Any]:
    """What a sample's ``.json`` and ``.cls`` say of it."""
    record: dict[str, Any] = {}
    for kind in ("json", "cls"):
        if (member := members.get(kind)) is not None:
            file.seek(member.offset_data)
            text = file.read(member.size).decode("utf-8", "replace").strip()
            try:
                given = json.loads(text) if kind == "json" else {LABEL: text}
            except ValueError as error:
                raise ValueError(
                    f"{member.name} in {file.name} is no JSON ({one_line(error)}): repair it"
                ) from error
            record |= given if isinstance(given, dict) else {}
    return record


def _columns(records: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """Columns of the scalars in records; those of several types are left out."""
    import pyarrow

    columns: dict[str, Any] = {}
    for name in dict.fromkeys(name for record in records for name in record):
        cells = [record.get(name) for record in records]
        if all(isinstance(cell, bool | int | float | str | None) for cell in cells):
            try:
                columns[name] = pyarrow.array(cells)
            except pyarrow.ArrowException:
                continue
    return _of_few_values(columns)


# tables: Parquet is read a group of rows at a time, Arrow is mapped


def _scan_parquet(path: Path, column: str | None, names: bool) -> Scan:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        images = _images_of(file.schema_arrow, column)
        groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
        flat = file.read([field.name for field in file.schema_arrow if _is_flat(field.type)])
        paths = file.read([f"{name}.path" for name in images]) if names else None
        rows = file.metadata.num_rows
        sizes = [_bytes_of(group, images) for group in groups]
    index = _of_groups([group.num_rows for group in groups])
    cells = _cells_of(flat, images, paths, rows)
    return Scan(path, index, np.array(sizes, np.int64), cells, images)


def _scan_arrow(path: Path, column: str | None, names: bool) -> Scan:
    table = mapped(path)
    images = _images_of(table.schema, column)
    flat = table.select([field.name for field in table.schema if _is_flat(field.type)])
    counts = [len(chunk) for chunk in table.column(0).chunks]
    cells = _cells_of(flat, images, table if names else None, table.num_rows)
    return Scan(path, _of_groups(counts), np.zeros(len(counts), np.int64), cells, images)


SCANS: dict[str, Callable[[Path, str | None, bool], Scan]] = {
    TAR: _scan_tar,
    PARQUET: _scan_parquet,
    ARROW: _scan_arrow,
}


def mapped(path: Path) -> Table:
    """An Arrow file of either format as a table over its map; refuse one that is compressed."""
    import pyarrow
    from pyarrow import ipc

    source = pyarrow.memory_map(str(path))
    before, batches = pyarrow.total_allocated_bytes(), []
    try:
        reader = ipc.open_file(source)
        read = map(reader.get_batch, range(reader.num_record_batches))
    except pyarrow.ArrowInvalid:
        source.seek(0)
        reader = ipc.open_stream(source)
        read = iter(reader)
    for batch in read:
        batches.append(batch)
        if pyarrow.total_allocated_bytes() - before > max(batch.nbytes // 2, 2**16):
            raise ValueError(
                f"shard {path} is compressed, and cannot be read image by image: write it without "
                "compression, or as Parquet"
            )
    return pyarrow.Table.from_batches(batches, reader.schema)


def _images_of(schema: Schema, column: str | None) -> dict[str, str | None]:
    """The columns of images: those that say so, or else those of bytes."""
    import datasets
    from pyarrow import types

    features = datasets.Features.from_arrow_schema(schema)
    stated = {
        name: kind.mode for name, kind in features.items() if isinstance(kind, datasets.Image)
    }
    if column is not None:
        return {column: stated.get(column)} if column in schema.names else {}
    return stated or {
        field.name: None
        for field in schema
        if types.is_binary(field.type)
        or types.is_large_binary(field.type)
        or (types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    }


def _is_flat(kind: Any) -> bool:  # noqa: ANN401
    from pyarrow import types

    tests = (types.is_integer, types.is_boolean, types.is_floating, types.is_dictionary)
    return _is_text(kind) or any(is_kind(kind) for is_kind in tests)


def _is_text(kind: Any) -> bool:  # noqa: ANN401
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _cells_of(flat: Table, images: Iterable[str], paths: Table | None, rows: int) -> Table:
    """A table of few values with empty images; ``paths`` has the names of their files, if any."""
    import pyarrow
    from pyarrow import compute, types

    columns = _of_few_values({name: _plain(flat[name]) for name in flat.column_names})
    for name in images:
        files = None
        if paths is not None and name in paths.column_names:
            cells = paths[name]
            if types.is_struct(cells.type) and cells.type.get_field_index("path") >= 0:
                files = compute.struct_field(cells, "path").combine_chunks()
        columns[name] = _no_images(rows, files)
    return pyarrow.table(columns, metadata=flat.schema.metadata)


def _plain(cells: ChunkedArray) -> ChunkedArray:
    from pyarrow import types

    return cells.cast(cells.type.value_type) if types.is_dictionary(cells.type) else cells


def _no_images(count: int, files: Array | None) -> Array:
    """So many cells of images without bytes."""
    import pyarrow

    bytes_ = pyarrow.nulls(count, "binary")
    files = pyarrow.nulls(count, "string") if files is None else files.cast("string")
    return pyarrow.StructArray.from_arrays([bytes_, files], ["bytes", "path"])


def _bytes_of(group: Any, images: Iterable[str]) -> int:  # noqa: ANN401
    """Bytes of a row group's images once they are read."""
    columns = map(group.column, range(group.num_columns))
    names = {*images}
    return sum(
        column.total_uncompressed_size
        for column in columns
        if column.path_in_schema.partition(".")[0] in names
    )


def _of_groups(counts: Sequence[int]) -> NDArray[Any]:
    index = np.empty(sum(counts), PLACE)
    index["at"] = np.repeat(np.arange(len(counts)), counts)
    index["part"] = np.concatenate([np.arange(count) for count in (*counts, 0)])
    return index


def _of_few_values(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Those columns whose texts are not different for most images."""
    from pyarrow import compute

    return {
        name: cells
        for name, cells in columns.items()
        if not (_is_text(cells.type) and compute.count_distinct(cells).as_py() > MOST_TEXTS)
    }


# all shards of a data set


def data_set(splits: Mapping[str, Sequence[Scan]]) -> DatasetDict:
    """What shards say of their images, split by split, in the columns that all of a split have.

    Raises:
        ValueError: A column has several types.
    """
    import datasets

    found = {}
    for split, scans in splits.items():
        names = [
            name
            for name in scans[0].cells.column_names
            if all(name in one.cells.column_names for one in scans)
        ]
        table = joined(one.cells.select(names) for one in scans)
        features = datasets.Features.from_arrow_schema(table.schema)
        for name, mode in scans[0].images.items():
            features[name] = datasets.Image(mode=mode)
        found[split] = datasets.Dataset(
            datasets.table.InMemoryTable(table.replace_schema_metadata()),
            datasets.DatasetInfo(features=features),
            fingerprint=split,
        )
    return datasets.DatasetDict(found)


class Shards:
    """The images of several shards of one kind, read where they lie.

    Attributes:
        files: The shards.
        starts: The number of the first image of each, and after them that of all images.
        index: Where each image lies, of :data:`PLACE`: 12 bytes, which may be mapped.
        sizes: Bytes of each group of rows of all tables; 0 where nothing need be read at once.
    """

    def __init__(
        self,
        files: Sequence[Path],
        starts: Sequence[int],
        index: NDArray[Any],
        sizes: NDArray[np.int64],
        column: str,
        mode: str | None,
        root: Path,
    ) -> None:
        """Read ``column`` of tables in ``mode``; paths in it lead into ``root`` alone."""
        self.files, self.starts, self.index, self.sizes = files, starts, index, sizes
        self.column, self.mode, self.root = column, mode, root
        self._read = self._member if files[0].suffix == TAR else self._cell
        self._tables: dict[int, Table] = {}
        self._held: OrderedDict[int, ChunkedArray] = OrderedDict()
        self._lock = Lock()  # updates are drawn by a thread of their own

    @classmethod
    def of(cls, scans: Sequence[Scan], column: str, root: Path) -> Shards:
        """All images that were found in ``scans``, one after the other."""
        groups = [len(one.sizes) for one in scans]
        index = np.concatenate([one.index for one in scans])
        if scans[0].path.suffix != TAR:
            before = np.cumsum([0, *groups[:-1]])
            index["at"] += np.repeat(before, [len(one.index) for one in scans])
        return cls(
            [one.path for one in scans],
            np.cumsum([0, *(len(one.index) for one in scans)]).tolist(),
            index,
            np.concatenate([one.sizes for one in scans]),
            column,
            scans[0].images.get(column),
            root,
        )

    def save(self, folder: Path) -> None:
        """Write what :meth:`open` reads."""
        save_array(self.index, folder / INDEX)
        save_array(self.sizes, folder / SIZES)
        record = {
            "files": [*map(str, self.files)],
            "starts": self.starts,
            "column": self.column,
            "mode": self.mode,
            "root": str(self.root),
        }
        (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Shards:
        """What was saved, its index mapped and not read."""
        record = read_json(folder / RECORD)
        return cls(
            [*map(Path, record["files"])],
            record["starts"],
            read_array(folder / INDEX, mapped=True),
            read_array(folder / SIZES),
            record["column"],
            record["mode"],
            Path(record["root"]),
        )

    def __len__(self) -> int:
        return len(self.index)

    def groups(self, rows: NDArray[np.int64]) -> Groups | None:
        """In which groups images are read; None where they are read one by one."""
        if not self.sizes.any():
            return None
        return Groups(self.index["at"][rows].astype(np.int32), self.sizes)

    def fingerprint(self, *others: NDArray[Any]) -> str:
        """Number and sum of the index, of some images, and of ``others``, wherever they lie."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        for array in (self.index, self.sizes, *others):
            digest.update(np.ascontiguousarray(array).data)
        for image in self.encoded(np.linspace(0, len(self) - 1, SUMMED).astype(np.int64)):
            digest.update(image.content if isinstance(image.content, bytes) else b"")
        return f"{len(self)} {STREAMED}, sha256 {digest.hexdigest()[:16]}"

    def encoded(self, rows: NDArray[np.int64]) -> list[Encoded]:
        """The images with these numbers, which are best in order."""
        with self._lock:
            return [self._encoded(row) for row in rows.tolist()]

    def _encoded(self, row: int) -> Encoded:
        number = bisect_right(self.starts, row) - 1
        file, (at, part) = self.files[number], self.index[row].item()
        name = f"image {row - self.starts[number]} of {file.name}"
        with _reading(file):
            return encoded(self._read(number, at, part), name, (self.root,), self.mode)

    def _member(self, number: int, at: int, size: int) -> bytes:
        """A piece of a tar file."""
        with self.files[number].open("rb") as file:
            file.seek(at)
            return file.read(size)

    def _cell(self, number: int, group: int, row: int) -> Any:  # noqa: ANN401
        """A cell of a table, whose group of rows is held until others need its room."""
        if group not in self._held:
            while sum(self.sizes[one] for one in self._held) > HELD:
                self._held.popitem(last=False)
            self._held[group] = self._column(number, group)
        self._held.move_to_end(group)
        return self._held[group][row].as_py()

    def _column(self, number: int, group: int) -> ChunkedArray:
        import pyarrow.parquet

        file, first = self.files[number], int(self.index[self.starts[number]]["at"])
        if file.suffix == PARQUET:
            with pyarrow.parquet.ParquetFile(file) as table:
                return table.read_row_group(group - first, [self.column])[self.column]
        if number not in self._tables:
            self._tables[number] = mapped(file)
        return self._tables[number][self.column].chunk(group - first)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say in a line which shard cannot be read."""
    import pyarrow

    try:
        yield
    except (OSError, tarfile.TarError, pyarrow.ArrowException) as error:
        raise ValueError(
            f"shard {path} cannot be read ({one_line(error)}): replace or remove it"
        ) from error
