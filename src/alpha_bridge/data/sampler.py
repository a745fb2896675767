"""Which samples an update sees: a pure function of (seed, step)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alpha_bridge.checks import at_least

from .rng import EPOCHS, stream

__all__ = ["indices", "share"]


# Three data sets, each between two epochs, are all that a training run looks at.
@lru_cache(maxsize=6)
def permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """Order in which epoch ``epoch`` goes through ``n`` samples."""
    order = stream(seed, epoch, EPOCHS).permutation(n)
    order.flags.writeable = False
    return order


def indices(seed: int, step: int, batch: int, n: int) -> NDArray[np.int64]:
    """Samples of update ``step``: the ``step``-th piece of all epochs laid end to end.

    Every epoch is a permutation of its own. A batch may straddle two epochs, so that no sample
    is left out when ``batch`` does not divide ``n``.

    Args:
        seed: Seed of the run, zero or more.
        step: The update, zero or more.
        batch: Samples of the update, one or more.
        n: Samples of the data set, one or more.

    Returns:
        Indices in [0, n), shape ``(batch,)``.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> sorted(int(i) for step in range(3) for i in indices(0, step, 2, 6))
        [0, 1, 2, 3, 4, 5]
    """
    at_least(1, "batch", batch)
    at_least(1, "n", n)
    begin, end = step * batch, (step + 1) * batch
    pieces = [
        permutation(seed, epoch, n)[max(begin - epoch * n, 0) : end - epoch * n]
        for epoch in range(begin // n, (end - 1) // n + 1)
    ]
    return np.concatenate(pieces)


def share(size: int, rank: int, ranks: int) -> slice:
    """Contiguous part of a batch that one process takes.

    Args:
        size: Samples of the whole batch.
        rank: The process, in [0, ranks).
        ranks: Number of processes, one or more.

    Returns:
        A slice of the batch; the slices of all processes make it up.

    Raises:
        ValueError: There is no such process, or the batch has fewer samples than processes.

    Example:
        >>> share(10, 1, 2)
        slice(5, 10, None)
    """
    if not 0 <= rank < ranks:
        raise ValueError(f"rank must lie in [0, {ranks}), the number of processes, got {rank}")
    at_least(ranks, "batch_size (one sample for each process)", size)
    return slice(size * rank // ranks, size * (rank + 1) // ranks)
