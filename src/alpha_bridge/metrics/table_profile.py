r"""What a report shows of a table: the cells of its columns, and associations of their pairs.

The cells of a column are its categories, a gap among them, and then tenths of a range that its
numbers lie in. A pair of columns is associated by Cramér's V of their cells, in [0, 1], with
Bergsma's correction for few rows,

.. math:: \tilde V^2 = \max\Bigl(0, \frac{\chi^2}{n} - \frac{(k-1)(r-1)}{n-1}\Bigr)
    \Big/ \min(\tilde k - 1, \tilde r - 1), \qquad \tilde k = k - \frac{(k-1)^2}{n-1}.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..data.tables.coding import Coding

__all__ = ["CellShares", "TableProfile", "profile", "read_profile"]

BINS = 24
"""Of the numbers of a column, of one width."""
INSIDE = (0.005, 0.995)
"""Shares of the real numbers between which these bins lie; those beyond count in the outermost."""
MOST = 40
"""Columns whose pairs are looked at, the first of a table."""
TENTHS = 10
"""Of the real numbers of a column, where pairs are looked at."""
LETTERS = 60
"""Of a value, at most."""
ROWS = 8
"""Generated rows that are kept to look at."""

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class CellShares:
    """A column's cells, and the shares that real and generated rows have of them.

    Attributes:
        name: Of the column.
        values: Its categories as people write them; a gap is ``missing``.
        real: Shares of real rows: of each category, and then of each bin of numbers.
        generated: Those of generated rows.
        ends: Where the bins of numbers begin and end; None without.
    """

    name: str
    values: tuple[str, ...]
    real: tuple[float, ...]
    generated: tuple[float, ...]
    ends: tuple[str, str] | None = None

    @property
    def agreement(self) -> float:
        """1 − total variation over the cells."""
        pairs = zip(self.real, self.generated, strict=True)
        return 1 - sum(abs(one - other) for one, other in pairs) / 2


@dataclass(frozen=True)
class TableProfile:
    """What is shown of a table.

    Attributes:
        rows: How many real rows there are, and how many generated ones.
        columns: All that are learned, in order.
        real: Associations of the first columns, square.
        generated: Those of generated rows.
        examples: Generated rows, as people write them; a gap is None.
    """

    rows: tuple[int, int]
    columns: tuple[CellShares, ...]
    real: tuple[tuple[float, ...], ...]
    generated: tuple[tuple[float, ...], ...]
    examples: tuple[dict[str, str | None], ...]

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def read_profile(content: dict[str, Any]) -> TableProfile:
    """What :meth:`TableProfile.content` gave, by way of JSON; KeyError or TypeError if not."""
    columns = [
        CellShares(
            one["name"],
            tuple(one["values"]),
            tuple(one["real"]),
            tuple(one["generated"]),
            one["ends"] and tuple(one["ends"]),
        )
        for one in content["columns"]
    ]
    real, generated = (tuple(map(tuple, content[key])) for key in ("real", "generated"))
    rows, examples = tuple(content["rows"]), tuple(content["examples"])
    return TableProfile(rows, tuple(columns), real, generated, examples)


def profile(coding: Coding, real: NDArray[Any], generated: NDArray[Any]) -> TableProfile:
    """Look at compact rows of a table, ``(N, width)`` real and ``(M, width)`` generated ones."""
    learned = [at for at, places in enumerate(coding.places) if places != (None, None)]
    paired = [_paired(coding, at, real, generated) for at in learned[:MOST]]
    made = coding.table(generated[:ROWS]).to_pylist()
    return TableProfile(
        rows=(len(real), len(generated)),
        columns=tuple(_shares(coding, at, real, generated) for at in learned),
        real=_associations([one for one, _ in paired]),
        generated=_associations([other for _, other in paired]),
        examples=tuple({name: _text(cell) for name, cell in row.items()} for row in made),
    )


def _text(cell: object) -> str | None:
    return None if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _shares(coding: Coding, at: int, real: NDArray[Any], generated: NDArray[Any]) -> CellShares:
    column = coding.columns[at]
    categories = max(column.slots - column.numeric, 0)
    values = [text[:LETTERS] for text in coding.texts(at, column.values)]
    values += [f"rare values {part + 1}" for part in range(column.buckets)]
    values += ["missing"] * bool(column.gaps)
    numbers = [_numbers(coding, at, rows) for rows in (real, generated)]
    edges = _edges(numbers[0], 0 if column.kind == "number" else column.step)
    sides: list[tuple[float, ...]] = []
    for rows, own in zip((real, generated), numbers, strict=True):
        code = coding.places[at][0]
        codes = np.empty(0, int) if code is None else rows[:, code].astype(int)
        counts = np.bincount(codes[(codes >= 0) & (codes < categories)], minlength=categories)
        if len(edges):
            counts = np.r_[counts, np.histogram(own.clip(edges[0], edges[-1]), edges)[0]]
        sides.append(tuple((counts / max(len(rows), 1)).round(6).tolist()))
    ends = _ends(coding, at, edges) if len(edges) else None
    return CellShares(column.name, tuple(values), sides[0], sides[1], ends)


def _ends(coding: Coding, at: int, edges: NDArray[np.float64]) -> tuple[str, str]:
    """The first and the last number of the bins as people write them."""
    column, ends = coding.columns[at], edges[[0, -1]]
    if column.kind == "number":
        first, last = (f"{end:.4g}" for end in ends)
    else:
        half = np.array([column.step, -column.step]) / 2
        whole = np.minimum((ends + half).round().astype(np.int64), column.high or 0)
        first, last = coding.texts(at, whole)
    return first, last


def _numbers(coding: Coding, at: int, rows: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers of a column that are there, in its own unit."""
    code, number = coding.places[at]
    if number is None:
        return np.empty(0)
    z = rows[:, number].astype(np.float64)
    there = ~np.isnan(z)
    if code is not None:
        there &= rows[:, code] == coding.columns[at].slots - 1
    return coding.rounded(at, z[there]).astype(np.float64)


def _edges(real: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Of the bins of numbers; each holds as many of the numbers that are ``step`` apart."""
    if not len(real):
        return real
    low, high = np.quantile(real, INSIDE)
    if step:
        low = real.min() + (low - real.min()) // step * step
        width = max(1, np.ceil((high - low + step) / BINS / step)) * step
        return np.arange(low, high + width, width) - step / 2
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])


def _paired(
    coding: Coding, at: int, real: NDArray[Any], generated: NDArray[Any]
) -> tuple[Codes, Codes]:
    """The cell of each row, where numbers lie in tenths of the real ones."""
    code, number = coding.places[at]
    sides = []
    ends = np.linspace(0, 1, TENTHS + 1)[1:-1]
    own = _numbers(coding, at, real)
    edges = np.quantile(own, ends) if len(own) else ends
    for rows in (real, generated):
        cells = np.zeros(len(rows), int) if code is None else rows[:, code].astype(int)
        if number is not None:
            there = cells == max(coding.columns[at].slots - 1, 0)
            z = np.nan_to_num(rows[there, number].astype(np.float64))
            tenths = np.searchsorted(edges, coding.rounded(at, z).astype(np.float64))
            cells[there] = cells[there] + tenths
        sides.append(cells + 1)  # an unknown category is −1
    return sides[0], sides[1]


def _associations(columns: list[Codes]) -> tuple[tuple[float, ...], ...]:
    found = np.eye(len(columns))
    for (i, one), (j, other) in combinations(enumerate(columns), 2):
        found[i, j] = found[j, i] = round(cramers_v(one, other), 4)
    return tuple(map(tuple, found.tolist()))


def cramers_v(one: Codes, other: Codes) -> float:
    """Cramér's V of two columns of whole numbers from 0, with Bergsma's correction.

    Example:
        >>> round(cramers_v(np.array([0, 1] * 50), np.array([1, 0] * 50)), 6)
        1.0

    Source:
        Bergsma, A bias-correction for Cramér's V and Tschuprow's T, J. Korean Stat. Soc. 2013.
    """
    n, width = len(one), int(other.max(initial=0)) + 1
    joint = np.bincount(one * width + other, minlength=width * (int(one.max(initial=0)) + 1))
    counts = joint.reshape(-1, width).astype(float)
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
    k, r = counts.shape
    if n < 2 or min(k, r) < 2:
        return 0.0
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / n
    squared = ((counts - expected) ** 2 / expected).sum() / n
    least = min(size - (size - 1) ** 2 / (n - 1) for size in (k, r)) - 1
    left = max(0.0, squared - (k - 1) * (r - 1) / (n - 1))
    return float(np.sqrt(min(left / least, 1.0))) if least > 0 else 0.0
