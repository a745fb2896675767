"""Attributes of rows of a table, which are its columns, and how an edit moves the other ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..data.tables import TableUnits
from ..data.tables.cells import shown
from ..data.tables.coding import Coding
from ..data.tables.where import Conditions, column_of
from ..metrics.evaluation import decoded
from ..metrics.table_quality import column_distances
from ..model import AlphaBridge
from .editing import Direction, strip

__all__ = ["Effect", "RowAttribute", "effect"]


@dataclass(frozen=True)
class RowAttribute:
    """A value of a column, against all others, or the larger half of its numbers.

    Attributes:
        name: ``job=cook``, ``gain=0`` of a value that is set apart, ``job=`` of a gap; ``age`` of
            numbers, of which those above the training rows' median have it; ``member`` of booleans.
        column: The name of the column.
        labels: From compact rows ``(N, width)`` to 1 with the attribute, 0 without, −1 unknown.
    """

    name: str
    column: str
    labels: Callable[[Tensor], Tensor]

    @classmethod
    def of(cls, coding: Coding, name: str) -> RowAttribute:
        """The attribute of that name.

        Raises:
            ValueError: There is no such column or value, or it tells no rows apart; one line.
        """
        named, equals, value = name.partition("=")
        if name in coding.schema.names:
            named, equals = name, ""
        column = column_of(coding, named)
        own = shown(named)
        if column.is_constant:
            raise ValueError(f"column {own} is constant: give one whose values differ")
        at = coding.columns.index(column)
        code, number = coding.places[at]
        if not equals and number is not None:
            return cls(name, named, partial(_above_the_median, code, number, column.slots - 1))
        if not equals and column.kind != "boolean":
            first = shown(f"{named}={coding.texts(at, column.values)[0]}")
            raise ValueError(
                f"column {own} is a category: give one of its values, such as --attribute {first}"
            )
        row = Conditions.of(coding, {named: value if equals else "true"}).row
        if code is None or (number is not None and row[0, code] == column.slots - 1):
            raise ValueError(
                f"column {own} is a number, and {shown(value)} is not set apart from the others: "
                f"give --attribute {own}, the high ones against the low"
            )
        return cls(name, named, partial(_has, code, float(row[0, code])))


@dataclass(frozen=True)
class Effect:
    """What an edit does to rows, from one end of the strengths to the other.

    Attributes:
        having: Share of the rows with the attribute at either end, of those that have or lack it.
        moved: By name of each other column, the farthest moved first: total variation between both
            ends, of numbers Kolmogorov's distance; 0 has not moved, and 1 has nothing in common.
        rows: How many rows were moved.
    """

    having: tuple[float, float]
    moved: Mapping[str, float]
    rows: int


def effect(
    model: AlphaBridge,
    units: TableUnits,
    z: Tensor,
    direction: Direction,
    attribute: RowAttribute,
    strength: float,
    seed: int,
) -> Effect:
    """Move latents to both ends, draw their rows with the same numbers, and compare these."""
    draw = partial(decoded, model, seed=seed)
    low, high = strip(draw, z, direction, [-strength, strength]).unbind(1)
    found = [attribute.labels(units.denormalize(x)) for x in (low, high)]
    before, after = (float((of == 1).sum() / (of >= 0).sum().clamp(min=1)) for of in found)
    columns = units.coding.columns
    names = [column.name for column in columns if column.slots]
    names += [column.name for column in columns if column.numeric]
    moved = dict.fromkeys(names, 0.0)
    for name, distance in zip(names, column_distances(low, high, units.rows), strict=True):
        moved[name] = max(moved[name], distance)
    del moved[attribute.column]
    ranked = sorted(moved, key=lambda name: -moved[name])
    return Effect((before, after), {name: moved[name] for name in ranked}, len(z))


def _has(code: int, value: float, compact: Tensor) -> Tensor:
    own = compact[:, code]
    return torch.where(own < 0, -1, (own == value).long())


def _above_the_median(code: int | None, number: int, gate: int, compact: Tensor) -> Tensor:
    """Quantiles take the median of the training rows to 0."""
    own = compact[:, number]
    there = ~own.isnan() if code is None else (compact[:, code] == gate) & ~own.isnan()
    return torch.where(there, (own > 0).long(), -1)
