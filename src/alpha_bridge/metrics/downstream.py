"""What generated rows are worth to somebody who learns from them: train on synthetic, test on real.

One column is predicted from all others by boosted trees, which were fitted to generated rows and
are asked about held-out ones; beside them stand the same trees fitted to as many training rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ..errors import printable
from ..observation import RowFamily
from .table_quality import codes, for_trees, split_by_sets

__all__ = ["Target", "learned", "target"]

CLASSES = 10
"""Categories of a column that is chosen where nobody names one, at most."""


class Target(NamedTuple):
    """A column that is predicted from the others.

    Attributes:
        name: Of the column.
        category: Its place among the categories; None if it has none.
        number: Its place among the numbers; None if it has none.
    """

    name: str
    category: int | None
    number: int | None

    @property
    def protocol(self) -> str:
        """The column, and what is measured: of a category the area under the curve, else R²."""
        column = re.sub(r"[^\w.]+", "-", printable(self.name)).strip("-") or "column"
        return f"{column}-{'auc' if self.number is None else 'r2'}"


def target(rows: RowFamily, names: Sequence[str], name: str | None = None) -> Target:
    """The column of a name; without one the last category of few values, or the last number.

    Args:
        rows: Where columns lie.
        names: Of the columns, in order.
        name: That of one of them.

    Raises:
        ValueError: There is no such column.

    Example:
        >>> rows = RowFamily(categories=((0, 2), (2, 30)), numbers=((32, None),))
        >>> target(rows, ["sold", "city", "price"]).name
        'sold'
    """
    columns = _columns(rows, names)
    if name is not None:
        found = next((column for column in columns if column.name == name), None)
        if found is None:
            listed = ", ".join(map(printable, names))
            raise ValueError(
                f"evaluation.target must be a column that is learned, got {printable(name)!r}: "
                f"give one of {listed}"
            )
        return found
    few = [
        column
        for column in columns
        if column.category is not None
        and column.number is None
        and rows.categories[column.category][1] <= CLASSES
    ]
    numbers = [column for column in columns if column.number is not None]
    return [*(few or numbers or columns)][-1]


def _columns(rows: RowFamily, names: Sequence[str]) -> list[Target]:
    """All columns, in the order of their places."""
    gates = {gate: at for at, (_, gate) in enumerate(rows.numbers) if gate is not None}
    found: list[tuple[int, int | None, int | None]] = [
        (
            start,
            at,
            next((gates[place] for place in range(start, start + size) if place in gates), None),
        )
        for at, (start, size) in enumerate(rows.categories)
    ]
    found += [(place, None, at) for at, (place, gate) in enumerate(rows.numbers) if gate is None]
    return [Target(name, *of[1:]) for name, of in zip(names, sorted(found), strict=True)]


def learned(training: Tensor, test: Tensor, rows: RowFamily, of: Target) -> float:
    """How well a column of ``test`` is predicted by trees that were fitted to ``training`` rows.

    Args:
        training: Rows to learn from, ``(N, D)``.
        test: Rows that are asked about, ``(M, D)``.
        rows: Where columns lie.
        of: The column.

    Returns:
        Of a category the area under the curve, each class against the rest and weighed by its
        share: .5 is chance. Of a number R², in the units of the model, of the rows that have it.
    """
    place = None if of.number is None else rows.numbers[of.number]
    if place is not None and place[1] is not None:  # its gate says which rows have it
        training, test = (x[x[:, place[1]] > 0] for x in (training, test))
    features = [for_trees(x, rows, of.category, of.number) for x in (training, test)]
    categorical = split_by_sets(rows, of.category)
    if place is None:
        assert of.category is not None
        known, asked = (codes(x, rows)[:, of.category].numpy() for x in (training, test))
        return _predicted(features, known, asked, categorical)
    known, asked = (x[:, place[0]].numpy() for x in (training, test))
    return _explained(features, known, asked, categorical)


def _predicted(
    features: list[np.ndarray], known: np.ndarray, asked: np.ndarray, categorical: list[int]
) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    classes, counts = np.unique(asked, return_counts=True)
    if len(np.unique(known)) < 2 or len(classes) < 2:
        return 0.5
    trees = HistGradientBoostingClassifier(categorical_features=categorical, random_state=0)
    chances = trees.fit(features[0], known).predict_proba(features[1])
    of_class = dict(zip(trees.classes_.tolist(), chances.T, strict=True))
    none = np.zeros(len(asked))
    areas = [roc_auc_score(asked == one, of_class.get(one, none)) for one in classes.tolist()]
    return float(np.average(areas, weights=counts))


def _explained(
    features: list[np.ndarray], known: np.ndarray, asked: np.ndarray, categorical: list[int]
) -> float:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.metrics import r2_score

    if min(len(known), len(asked)) < 2:
        return 0.0
    trees = HistGradientBoostingRegressor(categorical_features=categorical, random_state=0)
    return float(r2_score(asked, trees.fit(features[0], known).predict(features[1])))
