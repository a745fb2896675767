"""Rank the real rows of a table by the log ratio of data to model: those it misses come first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .paths import table_destination

if TYPE_CHECKING:
    from rich.console import Console

    from ..runs.opening import RunAt

ROW, RATIO = "row", "log_ratio"
"""Columns that are written beside those of the table."""


@dataclass(frozen=True)
class MissedRows:
    """Real rows of a table that the generator covers least.

    Attributes:
        shown: The first of them, which were asked for: their cells by the names of the columns,
            and before them the row of the table and the log ratio.
        ranked: How many rows the table has that was written, all that were ranked.
        table: Its file.
    """

    shown: Sequence[dict[str, Any]]
    ranked: int
    table: Path


def missed_rows(
    at: RunAt, count: int, n: int, out: Path | None, data: str | None, console: Console
) -> MissedRows:
    """Write held-out rows with f = log q − log p, the largest first; identifiers are left out.

    Arguments and errors as of :func:`~alpha_bridge.commands.missed`.
    """
    stem = f"missed{'' if data is None else f'-of-{Path(data).stem}'}"
    path = table_destination(at.run, out, stem)

    import numpy as np

    from ..data.tables import TableSource, with_columns, write_table
    from ..metrics.evaluation import in_chunks
    from ..runs.loading import data_of, load_model

    model, source = load_model(at), data_of(at, console, data)
    assert isinstance(source, TableSource)
    rows = source.held_out(count)
    ratio = in_chunks(model.log_ratio, source.units.normalize(rows)).numpy()
    order = np.argsort(-ratio, kind="stable")
    table = source.table(rows[order])
    made_anew = [column.name for column in source.columns if column.identifies]
    table = table.drop_columns(made_anew)
    places = source.held_out_attributes(count).rows
    assert places is not None
    table = with_columns(table, {ROW: places[order], RATIO: ratio[order]})
    write_table(table, path)
    return MissedRows(table.slice(0, n).to_pylist(), len(table), path)
