"""Tables: columns of mixed kinds, from files and data frames to rows of numbers and back."""

from .columns import KINDS, Column
from .table_file import with_columns, write_table
from .table_source import TableSource, load_table, read_rows
from .table_units import TableUnits
from .tabular import read_table

__all__ = [
    "KINDS",
    "Column",
    "TableSource",
    "TableUnits",
    "load_table",
    "read_rows",
    "read_table",
    "with_columns",
    "write_table",
]
