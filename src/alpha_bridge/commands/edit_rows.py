"""Move rows of a table along attributes, which are its columns, in a run's latent space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .directions import LABELLED, directions_of
from .edit_options import EditOptions
from .paths import require_given, table_destination

if TYPE_CHECKING:
    import pyarrow
    from torch import Tensor

    from ..data import Attributes
    from ..data.tables import TableUnits
    from ..inference.editing import Direction
    from ..inference.row_editing import Effect, RowAttribute

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


def edit_rows(wanted: EditOptions) -> EditedRows:
    """Write rows at several strengths; a row is drawn with the same numbers at all of them.

    So what differs between the strengths is due to the edit and not to the draws. Identifiers are
    made anew. Errors as of :func:`~alpha_bridge.commands.edit`.
    """
    at, data, seed = wanted.at, wanted.data, wanted.seed
    if wanted.samples and data is not None:
        raise ValueError(f"give --samples or --data {data}, not both")
    if data is not None:
        require_given(Path(data), "a table")
    path = table_destination(at.run, wanted.out, wanted.stem("edit", *wanted.attribute))

    from functools import partial

    import torch

    from ..data.tables import TableUnits, write_table
    from ..inference.editing import strip
    from ..inference.row_editing import RowAttribute, effect
    from ..metrics.evaluation import decoded, in_chunks
    from ..runs.loading import data_of, latents_of, load_model, rows_at, units_of

    units = units_of(at)
    assert isinstance(units, TableUnits)
    names = [*wanted.attribute, *wanted.against]
    known = {name: RowAttribute.of(units.coding, name) for name in names}
    model, source = load_model(at), data_of(at, wanted.console, option=None)

    def encoded(rows: Tensor) -> Tensor:
        return in_chunks(model.encode, units.normalize(rows))

    if wanted.samples:
        z = latents_of(at.config, model, wanted.n, seed)
    elif data is None:
        z = encoded(source.held_out(wanted.n))
    else:
        z = encoded(rows_at(Path(data), units, wanted.console)[: wanted.n])
    training = source.training(LABELLED)
    directions = directions_of(wanted, model, units, training, _labelled(known, training))
    strengths, draw = wanted.strengths, partial(decoded, model, seed=seed)
    moved = torch.stack([strip(draw, z, direction, strengths) for direction in directions])
    write_table(_written(units, moved, wanted.attribute, strengths, seed), path)
    of = encoded(training[:MOVED])
    effects = [
        effect(model, units, of, direction, known[direction.name], wanted.strength, seed)
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
    from ..data.tables import with_columns

    return with_columns(units.table(moved.flatten(0, 2), seed), beside)
