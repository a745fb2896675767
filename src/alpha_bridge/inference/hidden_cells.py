"""Imputation error: known cells of real rows are hidden, filled in, and compared with the truth."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..data.tables import TableUnits
from ..metrics.definition import name
from ..metrics.table_quality import codes
from ..model import AlphaBridge
from ..observation import RowFamily
from .imputation import completions

__all__ = ["HiddenCells", "imputation_errors"]

ROWS, SHARE, DRAWS = 500, 0.2, 20
"""Real rows of which cells are hidden, the share of these, and draws for each of them."""
LEARNED = 3000
"""Training rows that give mode and mean, and that scikit-learn's imputer learns from."""
FEW = 40
"""Columns up to which scikit-learn's imputer takes seconds: it fits each to all others, often."""


@dataclass(frozen=True)
class HiddenCells:
    """Real rows whose known cells are hidden at random, always the same ones.

    Errors are relative to those of mode and mean, in the units of the model: of each category the
    share that is wrong, of each number the root of the mean square. They are means over columns;
    a gap of the table itself has no truth, so none is asked for, nor is it a mode.

    Attributes:
        units: Of the table.
        training: Compact rows, of which the first 3,000 are learned from.
        held_out: Compact rows, of whose first 500 a fifth of the known cells are hidden.

    Example:
        >>> import pyarrow
        >>> from alpha_bridge.data.tables import load_table
        >>> table = pyarrow.table({"a": ["x", "y"] * 40, "b": [1.5, 2.5, 3.5, 4.5] * 20})
        >>> source = load_table(table)
        >>> cells = HiddenCells(source.units, source.training(72), source.held_out(8))
        >>> cells.hidden.shape
        torch.Size([8, 2])
    """

    units: TableUnits
    training: Tensor
    held_out: Tensor

    @cached_property
    def hidden(self) -> Tensor:
        """Which cells of the real rows are hidden, ``(rows, columns)``."""
        real = self.held_out[:ROWS]
        drawn = np.random.default_rng(0).random((len(real), len(self._columns))) < SHARE
        known = [
            real[:, number].isnan().logical_not()
            if code is None
            else (real[:, code] >= 0) & (real[:, code] != (-1 if gap is None else gap))
            for _, gap, code, number in self._columns
        ]
        return torch.from_numpy(drawn) & torch.stack(known, 1)

    def of_model(self, model: AlphaBridge) -> float:
        """The error of the mean over 20 draws of a single model, in evaluation mode."""
        compact = self.held_out[:ROWS].clone()
        for hidden, (_, _, code, number) in zip(self.hidden.T, self._columns, strict=True):
            if code is not None:
                compact[hidden, code] = -1
            if number is not None:
                compact[hidden, number] = torch.nan
        found = self._real.clone()
        for rows, x, _ in completions(model, self.units, compact, DRAWS, seed=0):
            found[rows] = x.mean(0).cpu()
        return self._relative(found)

    @cached_property
    def of_iterative_imputer(self) -> float:
        """The error of scikit-learn's IterativeImputer, to which a code is a number."""
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        rows = self.units.rows
        numbers = [place for place, _ in rows.numbers]
        known, asked = (self._as_numbers(x) for x in (self._learned, self._real))
        asked[self._as_numbers(self._places, of_places=True)] = torch.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says where it has not converged
            both = torch.cat([known, asked]).numpy()
            made = IterativeImputer(random_state=0).fit_transform(both)[len(known) :]
        filled = torch.from_numpy(made).float()
        x = torch.zeros_like(self._real)
        for at, (start, size) in enumerate(rows.categories):
            code = filled[:, at].round().long().clamp(0, size - 1)
            x[torch.arange(len(x)), start + code] = 1.0
        x[:, numbers] = filled[:, len(rows.categories) :]
        return self._relative(x)

    def _as_numbers(self, x: Tensor, of_places: bool = False) -> Tensor:
        """A column for each category and number: its code or value, or what its place holds."""
        rows = self.units.rows
        numbers = x[:, [place for place, _ in rows.numbers]]
        if not rows.categories:
            return numbers
        firsts = [start for start, _ in rows.categories]
        return torch.cat([x[:, firsts] if of_places else codes(x, rows).to(x), numbers], 1)

    def _relative(self, found: Tensor) -> float:
        """The error of what was filled in, of that of mode and mean; NaN if these have none."""
        of = self._places, self.units.rows
        pairs = zip(
            errors(self._real, found, *of), errors(self._real, self._usual, *of), strict=True
        )
        ratios = [one / other for one, other in pairs if other > 0]
        return float(np.mean(ratios)) if ratios else float("nan")

    @cached_property
    def _columns(self) -> list[tuple[int, int | None, int | None, int | None]]:
        """Of each column that is learned: places of a model row, gap, code, and number."""
        coding = self.units.coding
        return [
            (column.slots + column.numeric, column.gap, code, number)
            for column, (code, number) in zip(coding.columns, coding.places, strict=True)
            if column.slots or column.numeric
        ]

    @cached_property
    def _places(self) -> Tensor:
        """Which places of a model row are hidden, ``(rows, D)``."""
        widths = torch.tensor([width for width, *_ in self._columns])
        return self.hidden.repeat_interleave(widths, 1)

    @cached_property
    def _real(self) -> Tensor:
        return self.units.normalize(self.held_out[:ROWS])

    @cached_property
    def _learned(self) -> Tensor:
        return self.units.normalize(self.training[:LEARNED])

    @cached_property
    def _usual(self) -> Tensor:
        """Rows of modes and means, of what is known."""
        usual, start = self._learned.mean(0), 0
        for width, gap, _, _ in self._columns:
            if gap is not None:
                usual[start + gap] = 0.0
            start += width
        return usual.expand(len(self._real), -1)


def errors(real: Tensor, found: Tensor, hidden: Tensor, rows: RowFamily) -> list[float]:
    """Of each category the share that is wrong, of each number the root of the mean square.

    Args:
        real: Rows, ``(N, D)``.
        found: What was filled in, or the mean over draws of it; the largest place of a category is
            its value.
        hidden: Which places of them were hidden, ``(N, D)``.
        rows: Where columns lie.

    Returns:
        Categories first; NaN where nothing was hidden.
    """
    wrong = [
        (real[:, part].argmax(1) != found[:, part].argmax(1))[hidden[:, part.start]].double().mean()
        for part in (slice(start, start + size) for start, size in rows.categories)
    ]
    squares = (real - found).square()
    away = [squares[hidden[:, place], place].mean().sqrt() for place, _ in rows.numbers]
    return [float(error) for error in wrong + away]


def imputation_errors(
    model: AlphaBridge, units: TableUnits, training: Tensor, held_out: Tensor
) -> dict[str, float]:
    """The imputation error of a model, and that of scikit-learn's where it takes seconds.

    Arguments are those of :class:`HiddenCells`.

    Returns:
        By names that state the protocol; nothing where mode and mean err nowhere, as of few rows.
    """
    cells, errors = HiddenCells(units, training, held_out), {}
    errors["model"] = cells.of_model(model)
    if len(units.names) <= FEW:
        errors["iterative-imputer"] = cells.of_iterative_imputer
    count = len(held_out[:ROWS])
    return {protocol(of, count): error for of, error in errors.items() if error == error}


def protocol(of: str, count: int) -> str:
    """The name of the error of a method, of so many rows."""
    return name("imputation_error", f"{of}-to-mode-{SHARE:g}-hidden", count, "held-out")
