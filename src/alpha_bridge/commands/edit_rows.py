"""Move rows of a table along attributes, which are its columns, in a run's latent space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .directions import LABELLED, directions_of
from .missed_rows import with_columns
from .paths import require_given, table_destination

if TYPE_CHECKING:
    import pyarrow
    from rich.console import Console
    from torch import Tensor

    from ..data import Attributes
    from ..data.tables import TableUnits
    from ..inference.editing import Direction
    from ..inference.row_editing import Effect, RowAttribute
    from ..recipe import Config
    from ..runs.folder import Run

ROW, ATTRIBUTE, STRENGTH = "row", "attribute", "strength"
"""Columns that are written beside those of the table."""
MOVED = 1000
"""Training rows by which is measured what an edit does."""


@dataclass(frozen=True)
class EditedRows:
    """Rows of a table that were moved along attributes.

    Attributes:
        path: A table of all rows at all strengths, with the types of the table that was learned.
        strengths: At which each row is written.
        directions: Along which it went, with how sure they are.
        effects: Of each direction, what it does to training rows.
    """

    path: Path
    strengths: Sequence[float]
    directions: Sequence[Direction]
    effects: Sequence[Effect]


def edit_rows(
    run: Run,
    config: Config,
    step: int,
    *,
    attribute: Sequence[str],
    against: Sequence[str],
    strength: float,
    columns: int,
    n: int,
    samples: bool,
    method: str,
    out: Path | None,
    seed: int,
    data: str | None,
    console: Console,
) -> EditedRows:
    """Write rows at several strengths; a row is drawn with the same numbers at all of them.

    So what differs between the strengths is due to the edit and not to the draws. Identifiers are
    made anew. Arguments and errors as of :func:`~alpha_bridge.commands.edit`.
    """
    if samples and data is not None:
        raise ValueError(f"give --samples or --data {data}, not both")
    if data is not None:
        require_given(Path(data), "a table")
    stem = re.sub(r"[^\w.=-]+", "-", "-".join(["edit", *attribute]))
    path = table_destination(run, out, stem)

    from functools import partial

    import numpy as np
    import torch

    from ..data.tables import TableUnits, write_table
    from ..inference.editing import strip
    from ..inference.row_editing import RowAttribute, effect
    from ..metrics.evaluation import decoded, in_chunks
    from ..runs.loading import data_of, latents_of, load_model, rows_at, units_of

    units = units_of(run, config, step)
    assert isinstance(units, TableUnits)
    known = {name: RowAttribute.of(units.coding, name) for name in (*attribute, *against)}
    model, _ = load_model(run, config, step)
    source = data_of(run, config, console, None, step)

    def encoded(rows: Tensor) -> Tensor:
        return in_chunks(model.encode, units.normalize(rows))

    if samples:
        z = latents_of(config, model, n, seed)
    else:
        z = encoded(source.held_out(n) if data is None else rows_at(Path(data), units, console)[:n])
    training = source.training(LABELLED)
    labelled = _labelled(known, training)
    directions = directions_of(model, units, training, labelled, attribute, against, method)
    strengths = np.linspace(-strength, strength, columns).tolist()
    draw = partial(decoded, model, seed=seed)
    moved = torch.stack([strip(draw, z, direction, strengths) for direction in directions])
    write_table(_written(units, moved, attribute, strengths, seed), path)
    of = encoded(training[:MOVED])
    effects = [
        effect(model, units, of, direction, known[direction.name], strength, seed)
        for direction in directions
    ]
    return EditedRows(path, strengths, directions, effects)


def _labelled(known: dict[str, RowAttribute], compact: Tensor) -> Attributes:
    """What the columns say of rows, by the names of attributes."""
    import torch

    from ..data import Attributes

    codes = torch.stack([of.labels(compact) for of in known.values()], 1)
    return Attributes(dict.fromkeys(known, ("0", "1")), codes.numpy())


def _written(
    units: TableUnits, moved: Tensor, names: Sequence[str], strengths: Sequence[float], seed: int
) -> pyarrow.Table:
    """A table of rows ``(attributes, rows, strengths, D)``, with what each of them is."""
    import numpy as np

    attribute, row, strength = (at.ravel() for at in np.indices(moved.shape[:3]))
    beside = {ROW: row, STRENGTH: np.array(strengths)[strength]}
    if len(names) > 1:
        beside = {ATTRIBUTE: np.array(names)[attribute], **beside}
    return with_columns(units.table(moved.flatten(0, 2), seed), beside)
