"""Rows of a table that meet conditions, drawn from the model given these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow
import torch

from ..checks import at_least
from ..data.rng import Purpose, stream
from ..data.tables import TableUnits
from ..data.tables.where import Conditions
from ..errors import printable
from ..model import AlphaBridge
from .conditioning import WeightedLatents, completed, latents_given

__all__ = ["ConditionalRows", "rows_given"]

LATENTS, PARTS = 4096, 64
"""Latents that are weighted at once, and encodings that make up their proposal."""
MOST = 64
"""Latents for each row that is asked for, at most, but 16 times as many as at once in any case."""
LEAST = 10
"""Effective latents that any rows need."""


class ConditionalRows(NamedTuple):
    """Rows that meet conditions.

    Attributes:
        table: The rows.
        share: Of such rows among all that the model makes; None where a number is not rounded, so
            that it has a density.
        latents: How many were weighted.
        effective: How many of them are effective.
    """

    table: pyarrow.Table
    share: float | None
    latents: int
    effective: float

    @property
    def line(self) -> str:
        """How rare such rows are, and how good the draws."""
        return f"{_rarity(self.share)}; {_effective(self.effective, self.latents)}"


def rows_given(
    model: AlphaBridge, units: TableUnits, where: Mapping[str, Any], count: int, seed: int = 0
) -> ConditionalRows:
    r"""Draw rows from the model given some of their cells, :math:`p_\theta(x | x_K)`.

    Latents are drawn given the conditions, see :mod:`~alpha_bridge.inference.conditioning`, until
    twice as many are effective as rows are asked for, and the other columns given the latents. To
    draw all rows and keep those that meet the conditions would have the same law; but then a share
    of ``share`` of the draws is of use, where here it is a few tenths, however rare such rows are.

    Args:
        model: A single model of rows, in evaluation mode.
        units: Of its rows.
        where: By column, the value that it must have; see
            :meth:`~alpha_bridge.data.tables.where.Conditions.of`.
        count: Rows to draw.
        seed: Of the draws.

    Raises:
        ValueError: A column or a value does not exist, or fewer latents are effective than rows
            are asked for; one line.
    """
    at_least(1, "count", count)
    conditions = Conditions.of(units.coding, where)
    evidence = units.evidence(torch.from_numpy(conditions.row), gaps=True)
    evidence, turns = evidence.to(model.log_sigma.device), max(16, -(-MOST * count // LATENTS))
    exact = bool((evidence.low == evidence.high).any())
    found: list[WeightedLatents] = []
    for turn in range(turns):
        rng = stream(seed, turn, Purpose.CONDITIONS)
        found.append(latents_given(model, evidence, LATENTS, PARTS, rng))
        weighted = WeightedLatents.joined(found)
        if weighted.effective >= max(2 * count, LEAST):
            break
    share, effective = float(weighted.likelihood), float(weighted.effective)
    if effective < max(count, LEAST):
        meet = " and ".join(f"{column}={value}" for column, value in where.items())
        raise ValueError(
            f"too few rows meet {printable(meet)}: {_rarity(None if exact else share)}, and "
            f"{_effective(effective, weighted.z.shape[1])}, for {count} rows: ask for fewer, or "
            "leave out a condition"
        )
    z = weighted.resampled(count, rng)
    x = completed(model, evidence[:, None], z, rng)[0]
    table = conditions.met(units.table(x, seed))
    return ConditionalRows(table, None if exact else share, weighted.z.shape[1], effective)


def _rarity(share: float | None) -> str:
    if share is None:
        return "a number that is not rounded counts by its density"
    shown = f"{share:.2g}" if share < 1e-4 else f"{share:.2%}"
    return f"such rows are {shown} of the model's"


def _effective(effective: float, latents: int) -> str:
    return f"of {latents:,} weighted latents {effective:,.0f} are effective"
