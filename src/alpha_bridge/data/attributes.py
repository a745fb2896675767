"""What is known of each sample by name: attributes such as ``Smiling``, classes as ``label=3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Attributes"]

YES, NO = {"true", "1", "yes"}, {"false", "0", "-1", "no"}
"""Values of a column that states of each sample whether it has the attribute."""

COMPARED = 10_000
"""Names that a mistyped one is compared with, at most."""


@dataclass(frozen=True, eq=False)
class Attributes:
    """Columns of texts about N samples.

    A column of yes and no (true and false, 1 and 0, 1 and −1) is one attribute, under its own name.
    Any other column gives one for each of its values, that value against the rest: ``label=3``.

    Attributes:
        values: The values of each column, by its name.
        codes: Which value a sample has, −1 where that is unknown, ints of shape
            ``(N, len(values))``; may be a memory map.
        rows: Which row of the data, as they were given, each sample is, shape ``(N,)``: those of
            the training split first, then those held out. None if samples are drawn.

    Example:
        >>> smiling = Attributes.of({"Smiling": ["1", "", "-1"]})
        >>> smiling.names, smiling.known("Smiling")
        (['Smiling'], array([ 1, -1,  0], dtype=int8))
    """

    values: Mapping[str, Sequence[str]]
    codes: NDArray[Any]
    rows: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, cells: Mapping[str, Sequence[str]], rows: NDArray[np.int64] | None = None
    ) -> Attributes:
        """Take columns of cells as they are written; an empty one is unknown."""
        stripped = {name: [cell.strip() for cell in column] for name, column in cells.items()}
        values = {name: sorted({*column} - {""}) for name, column in stripped.items()}
        code = {name: {"": -1} | {v: k for k, v in enumerate(values[name])} for name in values}
        codes = [[code[name][cell] for cell in column] for name, column in stripped.items()]
        return cls(values, np.array(codes, np.int32).reshape(len(values), -1).T, rows)

    @classmethod
    def none(cls, count: int, rows: NDArray[np.int64] | None = None) -> Attributes:
        """Say nothing about ``count`` samples but which rows they are."""
        return cls({}, np.empty((count, 0), np.int32), rows)

    @classmethod
    def of_labels(
        cls, labels: NDArray[np.integer[Any]], classes: int, rows: NDArray[np.int64] | None = None
    ) -> Attributes:
        """Take classes in [0, ``classes``), −1 where unknown, as the one column ``label``."""
        return cls({"label": [str(k) for k in range(classes)]}, labels[:, None], rows)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: NDArray[np.int64]) -> Attributes:
        given = None if self.rows is None else self.rows[rows]
        return Attributes(self.values, self.codes[rows], given)

    @property
    def names(self) -> list[str]:
        """Names of the attributes."""
        return [
            name
            for column, values in self.values.items()
            for name in (
                [column] if _says_yes(values) else [f"{column}={value}" for value in values]
            )
        ]

    def known(self, name: str) -> NDArray[np.int8]:
        """Whether each sample has an attribute: 1 if so, 0 if not, −1 where that is unknown.

        Raises:
            ValueError: ``name`` is neither one of ``names`` nor a ``column=value``.
        """
        column, _, value = name.partition("=")
        if name in self.values and _says_yes(self.values[name]):
            column, value = name, next(one for one in self.values[name] if one.lower() in YES)
        if value not in self.values.get(column, ()):
            raise ValueError(f"there is no attribute {name!r}: {self._hint(name)}")
        codes = self.codes[:, list(self.values).index(column)]
        has = codes == self.values[column].index(value)
        return np.where(codes < 0, -1, has).astype(np.int8)

    def _hint(self, name: str) -> str:
        names = self.names
        if not names:
            return "the data have no labels, so give a table of them with --labels FILE.csv"
        near = get_close_matches(name, names, n=2) if len(names) <= COMPARED else ()
        if near:
            return f"did you mean {' or '.join(near)}?"
        shown = [
            column if _says_yes(values) else f"{column}={values[0]}"
            for column, values in self.values.items()
            if values
        ][:10]
        rest = len(names) - len(shown)
        return f"give one of {', '.join(shown)}" + (f", or of {rest} more" if rest else "")


def _says_yes(values: Sequence[str]) -> bool:
    """Whether these are a value for yes and one for no, or yes alone."""
    lower = {value.lower() for value in values}
    return len(lower) <= 2 and len(lower & YES) == 1 and lower <= YES | NO
