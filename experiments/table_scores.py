"""What rows of a table are worth, wherever they come from, against a held-out tenth.

The same comparison serves every method, in the units of our model: rows are read as its columns
are, and generated ones are as many as training rows, of which some metrics see the first.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import pyarrow.parquet
from torch import Tensor

from alpha_bridge import AlphaBridge
from alpha_bridge.data.tables import TableUnits
from alpha_bridge.inference import hidden_cells
from alpha_bridge.inference.hidden_cells import HiddenCells
from alpha_bridge.metrics import enumeration
from alpha_bridge.metrics.comparison import TableComparison
from alpha_bridge.metrics.definition import name
from alpha_bridge.observation import RowFamily
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.presets import of_data

__all__ = ["Scored", "scored"]

SAMPLES = 10_000
"""Rows that trees and distances see at most."""
IMPUTATION = hidden_cells.protocol("filled", hidden_cells.ROWS)
"""The error of what a method fills in."""


@dataclass(frozen=True)
class Scored:
    """A table whose rows are compared.

    Attributes:
        units: Of its rows.
        training: All rows to train on, ``(N, D)``, in an order that is random and always the same.
        held_out: The others.
    """

    units: TableUnits
    training: Tensor
    held_out: Tensor

    @property
    def rows(self) -> RowFamily:
        """Where columns lie."""
        return self.units.rows

    @cached_property
    def comparison(self) -> TableComparison:
        """With the held-out rows."""
        return TableComparison(self.rows, self.training[:SAMPLES], self.held_out, self.units.names)

    @cached_property
    def within(self) -> TableComparison:
        """With training rows alone, by which settings are chosen."""
        half, count = len(self.training) // 2, len(self.held_out)
        return TableComparison(
            self.rows,
            self.training[:half][:SAMPLES],
            self.training[half : half + count],
            self.units.names,
        )

    def read(self, path: str) -> Tensor:
        """Rows of a Parquet file."""
        table = pyarrow.parquet.read_table(path)
        return self.units.rows_of(table.cast(self.units.coding.schema))

    def of_rows(self, x: Tensor) -> dict[str, float]:
        """All metrics of generated rows."""
        metrics, _ = self.comparison(x[:SAMPLES])
        if enumeration.enumerable(self.rows):
            q, p = (enumeration.shares(of, self.rows) for of in (self.held_out, x))
            of = (len(x), "held-out", len(self.held_out))
            metrics[name("total_variation", "cells-drawn", *of)] = enumeration.total_variation(q, p)  # type: ignore[arg-type]
            metrics[name("missed_mass", "cells-drawn", *of)] = enumeration.missed(q, p)  # type: ignore[arg-type]
        return metrics

    def of_model(self, model: AlphaBridge) -> tuple[dict[str, float], float | None]:
        """Metrics of a model itself, and what the noise of its integral adds to KL, if it has."""
        metrics, bias = self.comparison.of_model(model), None
        if metrics:
            q = enumeration.shares(self.held_out, self.rows)
            _, bias = enumeration.divergence(q, *enumeration.shares_of_model(model))
        return metrics | {IMPUTATION: self.hidden.of_model(model)}, bias

    @cached_property
    def hidden(self) -> HiddenCells:
        """Cells of the held-out rows that are filled in."""
        parts = (self.units.denormalize(part) for part in (self.training, self.held_out))
        return HiddenCells(self.units, *parts)

    def rival(self) -> dict[str, float]:
        """The imputation error of scikit-learn's IterativeImputer."""
        return {IMPUTATION: self.hidden.of_iterative_imputer}


@lru_cache(maxsize=2)
def scored(data: str) -> Scored:
    """The table of a path."""
    source: Any = build_source(of_data(data))
    parts = (source.training(source.size), source.held_out(source.size))
    return Scored(source.units, *(source.units.normalize(part) for part in parts))
