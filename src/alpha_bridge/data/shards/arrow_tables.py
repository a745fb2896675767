"""Tables of images in files of Parquet, read a group of rows at a time, or of Arrow, mapped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .scanned import PLACE, Scan, is_text, no_images

if TYPE_CHECKING:
    from pyarrow import Buffer, ChunkedArray, RecordBatch, Schema, Table


def scan_parquet(path: Path, column: str | None, names: bool) -> Scan:
    """A Parquet file; an image lies in a group of rows, which is read as a whole."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        images = _images_of(file.schema_arrow, column)
        groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
        flat = file.read([field.name for field in file.schema_arrow if _is_flat(field.type)])
        paths = file.read([f"{name}.path" for name in images]) if names else None
        rows, columns = file.metadata.num_rows, file.schema_arrow.names
        sizes = [_bytes_of(group, images) for group in groups]
    index = _of_groups([group.num_rows for group in groups])
    cells = _cells_of(flat, images, paths, rows)
    return Scan(path, index, np.array(sizes, np.int64), cells, images, columns=columns)


def scan_arrow(path: Path, column: str | None, names: bool) -> Scan:
    """An Arrow file, which is mapped; its record batches are the groups of rows."""
    table = mapped(path)
    images = _images_of(table.schema, column)
    flat = table.select([field.name for field in table.schema if _is_flat(field.type)])
    counts = [len(chunk) for chunk in table.column(0).chunks]
    cells = _cells_of(flat, images, table if names else None, table.num_rows)
    unread = np.zeros(len(counts), np.int64)
    columns = table.schema.names
    return Scan(path, _of_groups(counts), unread, cells, images, columns=columns)


def mapped(path: Path) -> Table:
    """An Arrow file of either format as a table over its map; refuse one that is compressed."""
    import pyarrow
    from pyarrow import ipc

    source = pyarrow.memory_map(str(path))
    whole, batches = source.read_buffer(), []
    source.seek(0)
    try:
        reader = ipc.open_file(source)
        read = map(reader.get_batch, range(reader.num_record_batches))
    except pyarrow.ArrowInvalid:
        source.seek(0)
        reader = ipc.open_stream(source)
        read = iter(reader)
    for batch in read:
        batches.append(batch)
        if not _lies_in(whole, batch):
            raise ValueError(
                f"shard {path} is compressed, and cannot be read image by image: write it without "
                "compression, or as Parquet"
            )
    return pyarrow.Table.from_batches(batches, reader.schema)


def _lies_in(whole: Buffer, batch: RecordBatch) -> bool:
    """Whether a batch is a piece of its file as it is mapped, and not what was unpacked from it."""
    parts = (part for column in batch.columns for part in column.buffers() if part and part.size)
    end = whole.address + whole.size
    return all(whole.address <= part.address < end for part in parts)


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
    return is_text(kind) or any(is_kind(kind) for is_kind in tests)


def _cells_of(flat: Table, images: Iterable[str], paths: Table | None, rows: int) -> Table:
    """A table of plain values with empty images; ``paths`` has the names of their files, if any."""
    import pyarrow
    from pyarrow import compute, types

    columns: dict[str, Any] = {name: _plain(flat[name]) for name in flat.column_names}
    for name in images:
        files = None
        if paths is not None and name in paths.column_names:
            cells = paths[name]
            if types.is_struct(cells.type) and cells.type.get_field_index("path") >= 0:
                files = compute.struct_field(cells, "path").combine_chunks()
        columns[name] = no_images(rows, files)
    return pyarrow.table(columns, metadata=flat.schema.metadata)


def _plain(cells: ChunkedArray) -> ChunkedArray:
    from pyarrow import types

    return cells.cast(cells.type.value_type) if types.is_dictionary(cells.type) else cells


def _bytes_of(group: Any, images: Iterable[str]) -> int:  # noqa: ANN401
    """Bytes of a row group's images once they are read."""
    columns = map(group.column, range(group.num_columns))
    prefixes = tuple(f"{name}." for name in images)  # names may have dots of their own
    return sum(
        column.total_uncompressed_size
        for column in columns
        if f"{column.path_in_schema}.".startswith(prefixes)
    )


def _of_groups(counts: Sequence[int]) -> NDArray[Any]:
    index = np.empty(sum(counts), PLACE)
    index["at"] = np.repeat(np.arange(len(counts)), counts)
    index["part"] = np.concatenate([np.arange(count) for count in (*counts, 0)])
    return index
