"""Tables with gaps: held to the columns of a training table, and filled."""

import pyarrow
from pyarrow import compute, types

from ..listing import some
from .cells import plain, shown
from .coding import Coding


def with_columns_of(coding: Coding, table: pyarrow.Table) -> pyarrow.Table:
    """A table with the columns of the training table, where one of only gaps has their type.

    Raises:
        ValueError: It has other columns; one line that names them.
    """
    own, given = coding.schema.names, table.schema.names
    lacking = [shown(name) for name in own if name not in given]
    beyond = [shown(name) for name in given if name not in own]
    if lacking or beyond:
        parts = [f"lacks {some(lacking)}"] * bool(lacking) + [f"has {some(beyond)}"] * bool(beyond)
        raise ValueError(
            f"the table {' and '.join(parts)}, unlike the training table: give one with its columns"
        )
    for at, field in enumerate(table.schema):
        if types.is_null(field.type):
            kind = coding.schema.field(field.name).type
            table = table.set_column(at, field.name, table.column(at).cast(kind))
    return table


def filled(table: pyarrow.Table, made: pyarrow.Table, coding: Coding) -> pyarrow.Table:
    """A table whose gaps are those cells of another one, and all else as it was.

    A column keeps its type; one whose type cannot hold what fills it gets that of the training
    table. Identifiers are left as they are.
    """
    for column in coding.columns:
        at = table.schema.get_field_index(column.name)
        cells = table.column(at).combine_chunks()
        gaps = compute.is_null(plain(cells, column.name))
        if not column.identifies and compute.any(gaps).as_py():
            new = made.column(column.name).combine_chunks()
            whole = replaced(cells, gaps, new)
            table = table.set_column(at, table.field(at).with_type(whole.type), whole)
    return table


def replaced(cells: pyarrow.Array, at: pyarrow.Array, new: pyarrow.Array) -> pyarrow.Array:
    """Cells, and ``new`` ones where ``at`` is true, of the same type if it can hold them."""
    if types.is_dictionary(new.type):
        new = new.dictionary_decode()
    if types.is_dictionary(cells.type):
        kind, listed = cells.type, cells.dictionary
        plainly = replaced(cells.dictionary_decode(), at, new)
        values = compute.unique(pyarrow.concat_arrays([listed, plainly.drop_null()]))
        places = compute.index_in(plainly, values, skip_nulls=True).cast(kind.index_type)
        return pyarrow.DictionaryArray.from_arrays(places, values, ordered=kind.ordered)
    try:
        return compute.if_else(at, new.cast(cells.type), cells)
    except pyarrow.ArrowInvalid:
        return compute.if_else(at, new, cells.cast(new.type))
