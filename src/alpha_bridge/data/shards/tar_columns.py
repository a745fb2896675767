"""Columns of what tar files say of their images: these state no types, so that the values do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..classes import text
from ..folders import LABEL
from .scanned import Scan, is_text

if TYPE_CHECKING:
    from pyarrow import Array, ChunkedArray

Scalar = bool | int | float | str | None
WHOLE = re.compile(r"-?[0-9]{1,18}")
"""A whole number of 64 bits."""


def columns_of(records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Array], list[str]]:
    """Columns of the scalars in a file's records, and one of labels, whether known or not.

    Those of several types, of numbers beyond 64 bits, or of texts that are none, are left out, and
    their names are given in place of them.
    """
    import pyarrow

    columns: dict[str, Any] = {}
    mixed: list[str] = []
    for name in dict.fromkeys(chain(*records, [LABEL])):
        cells = [record.get(name) for record in records]
        if not all(isinstance(cell, Scalar) for cell in cells):
            mixed.append(name)
            continue
        try:
            columns[name] = pyarrow.array(_labels(cells) if name == LABEL else cells)
        except (pyarrow.ArrowException, OverflowError, UnicodeEncodeError):
            mixed.append(name)
    return columns, mixed


def _labels(cells: Sequence[Scalar]) -> Sequence[Scalar]:
    """Labels, of which texts are whole numbers if all are that are known."""
    if not any(isinstance(cell, str) for cell in cells):
        return cells
    texts = ["" if cell is None else text(cell).strip() for cell in cells]
    if all(WHOLE.fullmatch(one) for one in texts if one):
        return [int(one) if one else None for one in texts]
    return [one or None for one in texts]


def alike(scans: Mapping[str, Sequence[Scan]]) -> dict[str, list[Scan]]:
    """Give each column one type in the tar files of all splits.

    Labels are texts if those of a file are. Other columns of several types are left out and named,
    as they are within a file; those of which nothing is known are left out as well.
    """
    tables = [one.cells for one in chain.from_iterable(scans.values())]
    columns: dict[str, list[ChunkedArray]] = {}
    for table in tables:
        for name in table.column_names:
            columns.setdefault(name, []).append(table[name])
    several = {name for name, cells in columns.items() if not _go_together(cells)}
    unknown = {name for name, cells in columns.items() if all(map(_is_unknown, cells))}
    as_texts = LABEL in several and any(is_text(cells.type) for cells in columns[LABEL])

    def of_one_type(one: Scan) -> Scan:
        cells, names = one.cells, (several | unknown) & {*one.cells.column_names}
        if as_texts and LABEL in names:
            place = cells.schema.get_field_index(LABEL)
            cells = cells.set_column(place, LABEL, cells[LABEL].cast("string"))
            names -= {LABEL}
        mixed = [*one.mixed, *sorted(names & several)]
        return replace(one, cells=cells.drop_columns([*names]), mixed=mixed)

    return {split: [of_one_type(one) for one in found] for split, found in scans.items()}


def _is_unknown(cells: ChunkedArray) -> bool:
    from pyarrow import types

    return bool(types.is_null(cells.type))


def _go_together(columns: Iterable[ChunkedArray]) -> bool:
    """Whether columns can be one: they are of one type, or can be turned into it."""
    import pyarrow

    schemas = [pyarrow.schema([("of", cells.type)]) for cells in columns]
    try:
        pyarrow.unify_schemas(schemas, promote_options="permissive")
    except pyarrow.ArrowException:
        return False
    return True
