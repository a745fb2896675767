"""Tables as files: what stands in a cell is written as it is."""

from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from ...files import writing
from ...files.table_files import ENDINGS


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
            pyarrow.csv.write_csv(_undictionaried(table), file, options)
        else:
            pyarrow.feather.write_feather(table, file)


def _undictionaried(table: pyarrow.Table) -> pyarrow.Table:
    """The same with each value in its cell."""
    kinds = [
        field.with_type(field.type.value_type) if pyarrow.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pyarrow.schema(kinds))
