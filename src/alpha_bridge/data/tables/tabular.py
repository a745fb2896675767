"""Tables as they are given, from files or from Python, read some rows at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet

from ...errors import one_line
from ...files.table_files import ENDINGS, parts, shards
from ..listing import some
from .cells import shown
from .delimited import Asked, Delimited, require_names

BATCH = 2**16
"""Rows that are read at a time."""


@dataclass(frozen=True)
class Tabular:
    """A table that need not fit into memory.

    Attributes:
        name: What a line calls it.
        schema: Of its columns.
        rows: Of the table.
        training: How many of them, from the first on, are trained on; None where nobody says.
        read: All rows in order, some at a time, as often as it is called.
        stamp: What changes when its files do; None for one in memory.
        notes: What a user should know of how it is read, a line each.
    """

    name: str
    schema: pyarrow.Schema
    rows: int
    training: int | None
    read: Callable[[], Iterator[pyarrow.RecordBatch]]
    stamp: str | None = None
    notes: tuple[str, ...] = ()


def tabular(data: Any, asked: Mapping[str, Asked] | None = None) -> Tabular:  # noqa: ANN401
    """Open a table.

    Args:
        data: A CSV, Parquet or Arrow file; a folder of Parquet files, of which those whose names
            begin with train and test are two parts; a data set or a table of pyarrow; a data frame
            of pandas, or of any library that Arrow's interface is known to.
        asked: Kinds that a user says columns are of, or their types in another table.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no table, or a wrong one; one line.
    """
    if isinstance(data, str | Path):
        found = _at(Path(data).expanduser(), asked or {})
    elif isinstance(data, pyarrow.dataset.Dataset):
        found = _of_dataset(data, "the data set", None, None)
    else:
        table, notes = _in_memory(data)
        found = Tabular(
            "the table", table.schema, len(table), None, partial(_of_table, table), notes=notes
        )
    require_names(found.schema.names, found.name)
    if not found.schema.names:
        raise ValueError(f"{found.name} has no columns: give a table of some")
    if not found.rows:
        raise ValueError(f"{found.name} has no rows: give two or more")
    return found


def read_table(
    data: Any,  # noqa: ANN401
    say: Callable[[str], object] = lambda _: None,
    asked: Mapping[str, Asked] | None = None,
) -> pyarrow.Table:
    """All of a table in memory, as it was given; ``say`` takes a line on how it was read.

    Arguments and errors otherwise as of :func:`tabular`.
    """
    found = tabular(data, asked)
    for line in found.notes:
        say(line)
    return pyarrow.Table.from_batches([*found.read()], found.schema).unify_dictionaries()


def _at(path: Path, asked: Mapping[str, Asked]) -> Tabular:
    if path.is_dir():
        files = shards(path)
        if not files:
            raise ValueError(f"'{path}' has no parquet files of a table: give such a folder")
        train, apart = parts(files)
        rest = [shown(file.name) for file in files if file not in (*train, *apart)]
        whole = _of_files(path, train, apart)
        if not rest:
            return whole
        line = (
            f"left out of {whole.name}: {some(rest)}, for names that begin neither with train nor "
            "as those of held-out files do, such as test"
        )
        return replace(whole, notes=(*whole.notes, line))
    if not path.exists():
        raise FileNotFoundError(f"'{path}' does not exist: give a file of a table")
    if path.suffix.lower() in (".csv", ".tsv"):
        found = Delimited.of(path, asked)
        return Tabular(
            f"'{path}'", found.schema, found.rows, None, found.read, _stamp([path]), found.notes
        )
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"'{path}' is no table: give a file of {', '.join(ENDINGS)}")
    return _of_files(path, [path], [])


def _of_files(path: Path, train: list[Path], apart: list[Path]) -> Tabular:
    parquet = train[0].suffix.lower() == ".parquet"
    form = pyarrow.dataset.IpcFileFormat()
    if parquet:  # without a buffer that holds all of a file
        options = pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=False)
        form = pyarrow.dataset.ParquetFileFormat(default_fragment_scan_options=options)
    local = pyarrow.fs.LocalFileSystem(use_mmap=not parquet)
    try:
        if parquet:
            _require_columns_of_all([*train, *apart])
        sets = [
            pyarrow.dataset.dataset([*map(str, files)], format=form, filesystem=local)
            for files in (train, apart)
            if files
        ]
        training = sets[0].count_rows() if apart else None
        unlike = [other for other in sets[1:] if other.schema != sets[0].schema]
        if unlike:
            raise ValueError(
                f"{apart[0]} has other columns than {train[0]}: give all files the same"
            )
        whole = pyarrow.dataset.dataset(sets) if apart else sets[0]
        return _of_dataset(whole, f"'{path}'", training, _stamp([*train, *apart]))
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(
            f"'{path}' is no table ({one_line(error)}): give a whole file of its ending"
        ) from error


def _require_columns_of_all(files: list[Path]) -> None:
    """Raise ``ValueError`` unless all files have the same columns: pyarrow takes the first file's,
    fills those that others lack with gaps, and passes over what they have beside them."""
    first, *others = files
    own = _columns(first)
    for file in others:
        if unlike := own ^ _columns(file):
            raise ValueError(
                f"'{file}' has other columns than '{first}', which differ in "
                f"{some([shown(name) for name in sorted(unlike)])}: give all files the same"
            )


def _columns(file: Path) -> set[str]:
    """Names of the columns of a Parquet file."""
    try:
        return {*pyarrow.parquet.read_schema(file).names}
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(
            f"'{file}' is no table ({one_line(error)}): give a whole file of its ending"
        ) from error


def _of_dataset(
    found: pyarrow.dataset.Dataset, name: str, training: int | None, stamp: str | None
) -> Tabular:
    def read() -> Iterator[pyarrow.RecordBatch]:
        try:
            # few at a time: what is read ahead stays in memory
            yield from found.to_batches(
                batch_size=BATCH, batch_readahead=2, fragment_readahead=1, use_threads=False
            )
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(
                f"{name} cannot be read ({one_line(error)}): restore it from a copy"
            ) from error

    return Tabular(name, found.schema, found.count_rows(), training, read, stamp)


def _of_table(table: pyarrow.Table) -> Iterator[pyarrow.RecordBatch]:
    yield from table.to_batches(BATCH)


def _in_memory(data: Any) -> tuple[pyarrow.Table, tuple[str, ...]]:  # noqa: ANN401
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _of_frame(data)
    if isinstance(data, pyarrow.Table | pyarrow.RecordBatch) or hasattr(data, "__arrow_c_stream__"):
        return pyarrow.table(data), ()
    raise ValueError(
        f"a {type(data).__name__} is no table: give a data frame, a table of pyarrow, or a file"
    )


def _of_frame(frame: Any) -> tuple[pyarrow.Table, tuple[str, ...]]:  # noqa: ANN401
    """The table of a data frame of pandas, without its index."""
    require_names([*map(str, frame.columns)], "the data frame")
    index = frame.index.name
    left_out = f"the index of the data frame, {shown(index)}, is left out: reset_index() keeps it"
    notes = () if index is None else (left_out,)
    try:
        return pyarrow.Table.from_pandas(frame, preserve_index=False), notes
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        for name, cells in frame.items():
            _require_one_type(str(name), cells)
        raise ValueError(f"the data frame cannot be read: {one_line(error)}") from error


def _require_one_type(name: str, cells: Any) -> None:  # noqa: ANN401
    """Refuse a column of objects of several types, and name the first that is another."""
    if cells.dtype != object:
        return
    known = cells[cells.notna()]
    kinds = [*map(type, known)]
    if len({*kinds}) < 2:
        return
    usual = max({*kinds}, key=kinds.count)
    at = next(at for at, kind in enumerate(kinds) if kind is not usual)
    row = int(cells.notna().to_numpy().nonzero()[0][at])
    value = known.iloc[at]
    raise ValueError(
        f"column {shown(name)}, row {row}: {shown(value)} is of the type {kinds[at].__name__}, and "
        f"{kinds.count(usual)} of {len(kinds)} cells are of {usual.__name__}: make all the same"
    )


def _stamp(files: list[Path]) -> str:
    found = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return json.dumps(found)
