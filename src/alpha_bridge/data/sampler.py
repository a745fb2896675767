"""Which samples an update sees: a pure function of (seed, step)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import at_least
from .rng import Purpose, stream

Indices = NDArray[np.int64]
Order = NDArray[np.signedinteger[Any]]

HELD = 2**28
"""Bytes of the groups that are held together, about."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Samples that are read a group at a time, as those of a row group of Parquet are.

    Attributes:
        of: The group of each sample, shape ``(n,)``.
        sizes: Bytes of each group.
    """

    of: NDArray[np.integer]
    sizes: NDArray[np.int64]

    def together(self, order: Order, rng: np.random.Generator) -> Order:
        """The samples in an order that needs few groups at a time.

        The groups are shuffled and cut into parts of about :data:`HELD` bytes, which follow each
        other; the samples of a part stay as they are in ``order``.
        """
        groups = rng.permutation(len(self.sizes))
        part = np.empty(len(groups), np.int32)
        part[groups] = np.cumsum(self.sizes[groups]) // HELD
        if not part.any():
            return order
        return order[np.argsort(part[self.of[order]], kind="stable")]


def shuffled(n: int, rng: np.random.Generator, groups: Groups | None = None) -> Order:
    """All of ``n`` samples in random order; those of groups, a part of the groups at a time."""
    # of as few bytes as hold the numbers: data sets may have many millions
    order = rng.permutation(np.arange(n, dtype=np.min_scalar_type(-n)))
    return order if groups is None else groups.together(order, rng)


class Epochs:
    """The epochs of a data set of ``n`` samples, laid end to end.

    Of each seed the latest order is kept, in as few bytes as hold its numbers, so that an
    epoch is shuffled once, however many seeds go through the data in turn.
    """

    def __init__(self, n: int, groups: Groups | None = None) -> None:
        self.n = at_least(1, "n", n)
        self.groups = groups
        self._latest: dict[int, tuple[int, Order]] = {}

    def indices(self, seed: int, step: int, batch: int) -> Indices:
        """Samples of update ``step``; see :func:`indices`."""
        begin, end = step * at_least(1, "batch", batch), (step + 1) * batch
        pieces = [
            self._order(seed, epoch)[max(begin - epoch * self.n, 0) : end - epoch * self.n]
            for epoch in range(begin // self.n, (end - 1) // self.n + 1)
        ]
        return np.concatenate(pieces, dtype=np.int64)

    def _order(self, seed: int, epoch: int) -> Order:
        if seed not in self._latest or self._latest[seed][0] != epoch:
            self._latest[seed] = epoch, permutation(seed, epoch, self.n, self.groups)
        return self._latest[seed][1]


def permutation(seed: int, epoch: int, n: int, groups: Groups | None = None) -> Order:
    """Order in which epoch ``epoch`` goes through ``n`` samples."""
    return shuffled(n, stream(seed, epoch, Purpose.EPOCHS), groups)


def indices(seed: int, step: int, batch: int, n: int) -> Indices:
    """Samples of update ``step``: the ``step``-th piece of all epochs laid end to end.

    Every epoch is a permutation of its own. A batch may straddle two epochs, so that no sample
    is left out when ``batch`` does not divide ``n``.

    Returns:
        Indices in [0, n), shape ``(batch,)``.

    Example:
        >>> sorted(int(i) for step in range(3) for i in indices(0, step, 2, 6))
        [0, 1, 2, 3, 4, 5]
    """
    return Epochs(n).indices(seed, step, batch)


def share(size: int, rank: int, ranks: int) -> slice:
    """Contiguous part of a batch of ``size`` that process ``rank`` of ``ranks`` takes.

    Raises:
        ValueError: There is no such process, or the batch has fewer samples than processes.
    """
    if not 0 <= rank < ranks:
        raise ValueError(f"rank must lie in [0, {ranks}), the number of processes, got {rank}")
    at_least(ranks, "batch_size (one sample for each process)", size)
    return slice(size * rank // ranks, size * (rank + 1) // ranks)
