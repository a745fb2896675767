"""Tables as files: what stands in a cell is written as it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
from pyarrow import compute

from ...files import writing
from ...files.table_files import ENDINGS
from .cells import FORM


def with_columns(table: pyarrow.Table, columns: Mapping[str, Any]) -> pyarrow.Table:
    """A table with more columns before its own, whose names none of these has."""
    for at, (name, values) in enumerate(columns.items()):
        table = table.add_column(at, _free(name, table.schema.names), pyarrow.array(values))
    return table


def write_table(table: pyarrow.Table, path: Path) -> None:
    """Write a file of a table, of the kind that its ending names.

    Formulas and control characters in cells are data: they are neither changed nor escaped, but in
    CSV files texts stand in quotes. A gap is an empty cell there.

    Raises:
        ValueError: No kind of table has such an ending.
        PermissionError: The place cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"{path} is no name of a table: let it end in {', '.join(ENDINGS)}")
    with writing(path) as file:
        if ending == ".parquet":
            pyarrow.parquet.write_table(table, file)
        elif ending in (".csv", ".tsv"):
            delimiter = "\t" if ending == ".tsv" else ","
            options = pyarrow.csv.WriteOptions(delimiter=delimiter)
            pyarrow.csv.write_csv(_spelled_out(table), file, options)
        else:
            pyarrow.feather.write_feather(table, file)


def _spelled_out(table: pyarrow.Table) -> pyarrow.Table:
    """The same with each value of a dictionary in its cell, and times in the form of their file."""
    for at, field in enumerate(table.schema):
        cells = table.column(at)
        if pyarrow.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, cells.cast(field.type.value_type))
        elif form := (field.metadata or {}).get(FORM):
            table = table.set_column(at, field.name, compute.strftime(cells, form.decode()))
    return table


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that no column has."""
    return _free(f"{name}_", taken) if name in taken else name
