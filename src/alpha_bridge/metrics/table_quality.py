r"""How close generated rows of a table come to real ones, column by column, in pairs, and as rows.

All are computed in the units of the model, where a category is a block of places and a number lies
near N(0, 1): what is compared does not change under the monotone maps between those and the table.
"""

from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..observation import RowFamily

__all__ = ["associations", "c2st", "closest_records", "marginals", "rare_categories"]

BINS = 10
"""Bins of a number, each with as many of the real values, where pairs are compared."""
RARE = 0.001
"""Share of a category down to which it counts."""
AT_ONCE = 500
"""Rows whose distances to all others are held at once."""


def codes(x: Tensor, rows: RowFamily) -> Tensor:
    """The category of each block, from 0, ``(N, V)``."""
    return torch.stack([x[:, at : at + size].argmax(1) for at, size in rows.categories], 1)


def marginals(real: Tensor, fake: Tensor, rows: RowFamily) -> float:
    """Mean over columns of 1 − total variation, of numbers of 1 − Kolmogorov's distance; 1 is best.

    Args:
        real: Rows of the table, ``(N, D)``.
        fake: Generated ones, ``(M, D)``.
        rows: Where columns lie.
    """
    found = column_distances(real, fake, rows)
    return 1 - sum(found) / len(found)


def column_distances(one: Tensor, other: Tensor, rows: RowFamily) -> list[float]:
    """Total variation of each category, and then Kolmogorov's distance of each number.

    Arguments as of :func:`marginals`.
    """
    parts = (slice(at, at + size) for at, size in rows.categories)
    found = [
        float((one[:, part].mean(0) - other[:, part].mean(0)).abs().sum() / 2) for part in parts
    ]
    return found + [_kolmogorov(one[:, place], other[:, place]) for place, _ in rows.numbers]


def _kolmogorov(one: Tensor, other: Tensor) -> float:
    values = torch.cat([one, other]).contiguous()
    shares = (
        torch.searchsorted(of.sort().values, values, right=True) / len(of) for of in (one, other)
    )
    first, second = shares
    return float((first - second).abs().max())


def associations(real: Tensor, fake: Tensor, rows: RowFamily) -> float:
    """Mean over pairs of columns of 1 − total variation of both together; 1 is best.

    Numbers are in tenths of the real values; arguments as of :func:`marginals`.

    Raises:
        ValueError: There is a single column, and so no pair.
    """
    columns = [_binned(real, fake, rows, column) for column in range(rows.draws - 1)]
    if len(columns) < 2:
        raise ValueError("associations are of pairs of columns, got a single one: give two or more")
    found = []
    for (one, sizes), (other, others) in combinations(columns, 2):
        joint = [a * others + b for a, b in zip(one, other, strict=True)]
        shares = [np.bincount(of, minlength=sizes * others) / len(of) for of in joint]
        found.append(1 - float(np.abs(shares[0] - shares[1]).sum() / 2))
    return sum(found) / len(found)


def _binned(
    real: Tensor, fake: Tensor, rows: RowFamily, column: int
) -> tuple[tuple[np.ndarray, np.ndarray], int]:
    """Whole numbers of a column, of real and fake rows, and how many there are."""
    if column < len(rows.categories):
        at, size = rows.categories[column]
        of = (x[:, at : at + size].argmax(1).numpy() for x in (real, fake))
        return tuple(of), size  # type: ignore[return-value]
    place, _ = rows.numbers[column - len(rows.categories)]
    edges = np.quantile(real[:, place].numpy(), np.linspace(0, 1, BINS + 1)[1:-1])
    first, second = (np.searchsorted(edges, x[:, place].numpy()) for x in (real, fake))
    return (first, second), BINS


def rare_categories(real: Tensor, fake: Tensor, rows: RowFamily) -> float:
    """Share of the categories down to 0.1 % whose share is within a factor of two; 1 is best."""
    of = torch.cat([torch.arange(at, at + size) for at, size in rows.categories])
    true, made = real[:, of].mean(0), fake[:, of].mean(0)
    counted = true >= RARE
    kept = ((made >= true / 2) & (made <= 2 * true) & counted).sum()
    return float(kept / counted.sum())


def c2st(real: Tensor, fake: Tensor, rows: RowFamily, seed: int = 0) -> float:
    """Area under the curve of gradient-boosted trees that tell fakes from real rows: .5 is best.

    Trees see codes of categories and numbers, and are asked about rows that they were not fitted
    to, in five parts, or as many as there are of either. As many of both are taken; of one nobody
    can tell.

    Source:
        Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017.
    """
    # here, for they take a second to import, and no other data need them
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    count = min(len(real), len(fake))
    if count < 2:
        return 0.5
    features = for_trees(torch.cat([real[:count], fake[:count]]), rows)
    labels = np.repeat([0, 1], count)
    folds = StratifiedKFold(min(5, count), shuffle=True, random_state=seed)
    chances = cross_val_predict(
        trees(rows, seed), features, labels, cv=folds, method="predict_proba"
    )[:, 1]
    return float(roc_auc_score(labels, chances))


def for_trees(
    x: Tensor, rows: RowFamily, category: int | None = None, number: int | None = None
) -> np.ndarray:
    """Codes of categories and numbers, a column each, but for those that are given, ``(N, V)``."""
    numbers = x[:, [place for at, (place, _) in enumerate(rows.numbers) if at != number]]
    if not rows.categories:
        return numbers.numpy()
    others = [at for at in range(len(rows.categories)) if at != category]
    return torch.cat([codes(x, rows)[:, others].to(x), numbers], 1).numpy()


def split_by_sets(rows: RowFamily, category: int | None = None) -> list[int]:
    """Which columns of :func:`for_trees` are categories that trees split by sets."""
    sizes = [size for at, (_, size) in enumerate(rows.categories) if at != category]
    return [at for at, size in enumerate(sizes) if 2 < size <= 255]


def trees(rows: RowFamily, seed: int) -> Any:  # noqa: ANN401
    """Gradient-boosted trees for what :func:`for_trees` gives."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        categorical_features=split_by_sets(rows), random_state=seed
    )


def closest_records(training: Tensor, held_out: Tensor, fake: Tensor) -> float:
    """Share of fakes that lie nearer to a training row than to any held-out one: .5 is no copying.

    As many training rows as held-out ones are compared; a tie counts half.
    """
    count = min(len(training), len(held_out))
    nearest = [
        torch.cat([torch.cdist(part, of).amin(1) for part in fake.split(AT_ONCE)])
        for of in (training[:count], held_out[:count])
    ]
    nearer = (nearest[0] < nearest[1]).double() + (nearest[0] == nearest[1]).double() / 2
    return float(nearer.mean())
