"""What is recognised of a table: a line for each column."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..listing import some
from .cells import shown, written
from .coding import Coding
from .columns import Column

DATE = r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
"""Texts that are dates to people, in an order that only they know."""


def lines(coding: Coding, sample: NDArray[Any]) -> tuple[str, ...]:
    """A line for each column, by the shares of its categories in compact rows."""
    return tuple(
        f"{shown(column.name)}: {_line(coding, at, column, sample)}"
        for at, column in enumerate(coding.columns)
    )


def _line(coding: Coding, at: int, column: Column, sample: NDArray[Any]) -> str:
    if column.identifies:
        return "identifier, made anew and never learned"
    kind = coding.schema.field(at).type
    values = [shown(value) for value in written(column.values, kind)]
    if column.is_constant:
        return f"constant ({values[0]})"
    code = coding.places[at][0]
    codes = sample[:, code].astype(int) if code is not None else np.empty(0, int)
    shares = np.bincount(codes[codes >= 0], minlength=column.slots) / max(len(sample), 1)
    apart = [f"{value} ({share:.1%})" for value, share in zip(values, shares, strict=False)]
    gaps = "" if column.gap is None else f"; missing in {shares[column.gap]:.1%}"
    if column.numeric:
        low, high = written((column.low, column.high), kind)
        others = f"; set apart: {some(apart)}" if apart else ""
        return f"{column.kind}, {low} to {high}{others}{gaps}"
    commonest = [apart[place] for place in np.argsort(-shares[: len(apart)], kind="stable")]
    count, rest = len(values), ""
    if column.buckets:
        count += len(coding.members[at])
        rest = (
            f"; {len(coding.members[at])} rare ones share {column.buckets} buckets, by their "
            "order, from which they are drawn"
        )
    if column.values and all(re.fullmatch(DATE, str(value)) for value in column.values):
        rest += "; give dates as 2026-02-28 if they are to be learned as such"
    return f"{column.kind} of {count:,} values: {some(commonest)}{rest}{gaps}"
