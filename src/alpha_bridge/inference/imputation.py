"""Gaps of a table filled by the model, with several draws for multiple imputation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pyarrow
import torch
from torch import Tensor

from ..checks import at_least
from ..data.rng import Purpose, stream
from ..data.tables import TableUnits
from ..data.tables.gaps import filled, with_columns_of
from ..model import AlphaBridge
from .conditioning import completed, latents_given

__all__ = ["Imputed", "impute"]

LATENTS, PARTS = 128, 16
"""Latents that are weighted for each row, and encodings that make up their proposal."""
ROWS = 256
"""Rows that are filled at once."""


class Imputed(NamedTuple):
    """A table whose gaps are filled.

    Attributes:
        tables: One for each draw; what was known is as it was.
        rows: Places of the rows that had gaps, ``(rows,)``.
        effective: How many of the latents that were weighted for each of these rows are effective.
    """

    tables: list[pyarrow.Table]
    rows: Tensor
    effective: Tensor

    @property
    def line(self) -> str:
        """How many gaps there were, and how good the draws are."""
        if not len(self.rows):
            return "no row has a gap to be filled"
        return (
            f"{len(self.rows):,} rows have gaps; of {LATENTS} weighted latents for each, "
            f"{self.effective.median():.0f} are effective in the median, and "
            f"{self.effective.min():.1f} where fewest are"
        )


def impute(
    model: AlphaBridge,
    units: TableUnits,
    table: pyarrow.Table,
    draws: int = 1,
    seed: int = 0,
    say: Callable[[str], object] | None = None,
) -> Imputed:
    r"""Fill the gaps of a table by draws from the model, given what is known of each row.

    .. math:: p_\theta(x_M | x_K) = \int p_\theta(z | x_K) \, p_\theta(x_M | z) \, dz

    Latents are drawn given what is known of a row, see
    :mod:`~alpha_bridge.inference.conditioning`, and its gaps given the latent. A gap is filled with
    a value, also where the model has learned that cells are missing. Identifiers, which it never
    learned, stay as they are.

    Args:
        model: A single model of rows, in evaluation mode.
        units: Of its rows.
        table: With the columns of the training table, in any order; a NaN is a gap.
        draws: How often the gaps are filled.
        seed: Of the draws.
        say: Called with a line on values that no training row has, which are kept.

    Raises:
        ValueError: Columns differ from those of the training table, in name or type, or ``draws``
            is below one; one line.
    """
    at_least(1, "draws", draws)
    coding = units.coding
    table = with_columns_of(coding, table)
    compact = torch.from_numpy(coding.compact(table, say=say))
    drawn = compact.double().expand(draws, *compact.shape).clone()
    rows, effective = [], []
    for some, x, of_them in completions(model, units, compact, draws, seed):
        drawn[:, some] = units.denormalize(x).double().cpu()
        rows.append(some)
        effective.append(of_them)
    made = (coding.table(one.numpy(), seed + draw) for draw, one in enumerate(drawn))
    tables = [filled(table, one, coding) for one in made]
    none = torch.empty(0)
    return Imputed(tables, torch.cat([none.long(), *rows]), torch.cat([none, *effective]))


def completions(
    model: AlphaBridge, units: TableUnits, compact: Tensor, draws: int, seed: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Draw the incomplete ones of compact rows whole, some at a time.

    Yields:
        Their places, ``(some,)``, rows of the model, ``(draws, some, D)``, and how many latents
        of each are effective.
    """
    evidence = units.evidence(compact, gaps=False)
    rows = evidence.incomplete.nonzero()[:, 0]
    for begin in range(0, len(rows), ROWS):
        some, rng = rows[begin : begin + ROWS], stream(seed, begin, Purpose.GAPS)
        known = evidence[some].to(model.log_sigma.device)
        weighted = latents_given(model, known, LATENTS, PARTS, rng)
        z = weighted.resampled(draws, rng)
        yield some, completed(model, known[:, None], z, rng).movedim(1, 0), weighted.effective.cpu()
