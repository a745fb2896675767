"""What rows of a table are worth, wherever they come from, against a held-out tenth.

The same comparison serves every method, in the units of our model: rows are read as its columns
are, and generated ones are as many as training rows, of which some metrics see the first.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch
from torch import Tensor

from alpha_bridge import AlphaBridge
from alpha_bridge.data.tables import TableUnits
from alpha_bridge.inference.imputation import impute
from alpha_bridge.metrics import enumeration
from alpha_bridge.metrics.comparison import TableComparison
from alpha_bridge.metrics.definition import name
from alpha_bridge.metrics.table_quality import codes
from alpha_bridge.observation import RowFamily
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.presets import of_data

__all__ = ["Scored", "imputation_error", "scored"]

SAMPLES = 10_000
"""Rows that trees and distances see at most."""
GAPPED, SHARE, DRAWS = 500, 0.2, 20
"""Held-out rows that get gaps, which share of their cells, and draws for each gap."""
LEARNED = 3000
"""Training rows that the rivals of imputation learn from."""


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
        gapped, hidden = self.gapped
        filled = impute(model, self.units, gapped, DRAWS).tables
        found = torch.stack([self.units.rows_of(table) for table in filled]).mean(0)
        return metrics | {self._imputation: self.relative(found, hidden)}, bias

    @property
    def _imputation(self) -> str:
        return name("imputation_error", f"of-mode-{SHARE:g}-gaps", GAPPED, "held-out")

    @cached_property
    def gapped(self) -> tuple[pyarrow.Table, Tensor]:
        """Held-out rows with gaps, and which of their columns got them, ``(rows, columns)``."""
        x = self.held_out[:GAPPED]
        hidden = torch.from_numpy(
            np.random.default_rng(0).random((len(x), len(self.units.names))) < SHARE
        )
        table = self.units.table(x)
        for at, column in enumerate(self.units.names):
            place = table.schema.get_field_index(column)
            cut = pyarrow.compute.if_else(
                pyarrow.array(hidden[:, at].numpy()), None, table.column(place).combine_chunks()
            )
            table = table.set_column(place, column, cut)
        return table, hidden

    def relative(self, found: Tensor, hidden: Tensor) -> float:
        """The error of what was filled in, of that of mode and mean."""
        real = self.held_out[:GAPPED]
        usual = self.training.mean(0).expand(len(real), -1)
        pairs = zip(
            imputation_error(real, found, hidden, self.rows),
            imputation_error(real, usual, hidden, self.rows),
            strict=True,
        )
        return float(np.mean([one / other for one, other in pairs if other > 0]))

    def rival(self) -> dict[str, float]:
        """The imputation error of scikit-learn's IterativeImputer, to which a code is a number."""
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        _, hidden = self.gapped
        blocks, numbers = self.rows.categories, [place for place, _ in self.rows.numbers]
        column = _columns(self.rows)
        asked = hidden[:, [column[place] for place in [*(at for at, _ in blocks), *numbers]]]
        known, gapped = (
            torch.cat([codes(x, self.rows).to(x), x[:, numbers]], 1)
            for x in (self.training[:LEARNED], self.held_out[:GAPPED])
        )
        gapped[asked] = torch.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says where it has not converged
            both = torch.cat([known, gapped]).numpy()
            made = IterativeImputer(random_state=0).fit_transform(both)[len(known) :]
        filled = torch.from_numpy(made).float()
        x = torch.zeros(len(filled), self.rows.size)
        for at, (start, size) in enumerate(blocks):
            code = filled[:, at].round().long().clamp(0, size - 1)
            x[torch.arange(len(x)), start + code] = 1.0
        x[:, numbers] = filled[:, len(blocks) :]
        return {self._imputation: self.relative(x, hidden)}


def _columns(rows: RowFamily) -> dict[int, int]:
    """By place, the column that it belongs to."""
    gates = {gate: place for place, gate in rows.numbers if gate is not None}
    found = []
    for start, size in rows.categories:
        block = [*range(start, start + size)]
        found.append(block + [gates[place] for place in block if place in gates])
    found += [[place] for place, gate in rows.numbers if gate is None]
    return {place: at for at, part in enumerate(sorted(found)) for place in part}


def imputation_error(
    real: Tensor, found: Tensor, hidden: Tensor, rows: RowFamily
) -> Sequence[float]:
    """Of each category the share that is wrong, of each number the root of the mean square.

    Args:
        real: Rows, ``(N, D)``.
        found: What was filled in, or the mean over draws of it; the largest place of a category is
            its value.
        hidden: Which columns of them were hidden, ``(N, columns)``.
        rows: Where columns lie.
    """
    column = _columns(rows)
    errors = []
    for start, size in rows.categories:
        asked, block = hidden[:, column[start]], slice(start, start + size)
        wrong = real[asked, block].argmax(1) != found[asked, block].argmax(1)
        errors.append(float(wrong.double().mean()))
    for place, _ in rows.numbers:
        asked = hidden[:, column[place]]
        errors.append(float((real[asked, place] - found[asked, place]).square().mean().sqrt()))
    return errors


@lru_cache(maxsize=2)
def scored(data: str) -> Scored:
    """The table of a path."""
    source: Any = build_source(of_data(data))
    parts = (source.training(source.size), source.held_out(source.size))
    return Scored(source.units, *(source.units.normalize(part) for part in parts))
