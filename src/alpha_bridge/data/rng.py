"""Counter-based randomness: the draws of update t are a pure function of (seed, t).

Nothing is replayed to resume a run, and every process of a run draws the same numbers. The
draws are made on the host, so that they are the same beside every device.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum, unique

import numpy as np
import torch
from torch import Tensor


@unique
class Purpose(IntEnum):
    """What random numbers are for: with one seed, each purpose has a stream of its own.

    Those of code outside the package may be any from 100 to 2¹⁶ − 1. An experiment that was
    recorded with a smaller one keeps it, so that it gives the same numbers again.
    """

    LATENTS = 0
    """The latents that samples are drawn from."""
    PRIOR = 1
    """The latents of an update."""
    POSTERIOR = 2
    """What an update draws encodings with."""
    PENALTY = 3
    """Where between data and fakes an update penalises the discriminator."""
    CROPS = 4
    """Which square an update has of each image."""
    ROWS = 5
    """What an update draws the columns of generated rows with."""
    ENUMERATED = 8
    """The latents over which the probability of each cell of a small table is the mean."""
    EVALUATED = 9
    """The latents that an evaluation follows through time."""
    DECODED = 10
    """What the columns of decoded rows are drawn with."""
    GAPS = 11
    """What gaps of a table are filled with."""
    CHOICES = 12
    """Which samples are chosen by their weights."""
    CONDITIONS = 13
    """Rows that meet conditions."""
    NETWORKS = 2**16
    """What torch's generators begin an update with."""
    UNSEEN = 2**17
    """Added to ``PRIOR`` and ``POSTERIOR`` for samples that training never sees."""
    CELLS = 2**24
    """Keys and rare values of the cells of a table; the place of their column is added."""
    EPOCHS = 2**32
    """The order of the training samples in each epoch."""
    BATCHES = 2**32 + 1
    """The samples of a known density that an update has."""
    HELD_OUT = 2**32 + 2
    """Which samples are held out, and their order."""
    TRAINING = 2**32 + 3
    """The order in which training samples are shown, and what their rounding is undone with."""


def stream(seed: int, step: int, purpose: int = 0) -> np.random.Generator:
    """Random numbers of one update for one purpose.

    Streams of different arguments do not overlap: seed and purpose are the key of a Philox
    generator, the step is the highest word of its counter.

    Args:
        seed: Seed of the run, in [0, 2⁶⁴).
        step: The update, in [0, 2⁶⁴).
        purpose: What the numbers are for, in [0, 2⁶⁴); equal purposes give equal numbers. Those of
            the package are of :class:`Purpose`.

    Returns:
        A generator at the start of the stream.

    Raises:
        ValueError: An argument is negative or too large.

    Example:
        >>> bool(stream(0, 7).random() == stream(0, 7).random())
        True

    Source:
        Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011.
    """
    for name, value in (("seed", seed), ("step", step), ("purpose", purpose)):
        if not 0 <= value < 2**64:
            raise ValueError(f"{name} must lie in [0, 2**64), got {value}")
    key = np.array([seed, purpose], dtype=np.uint64)
    counter = np.array([0, 0, 0, step], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normal(seed: int, step: int, purpose: int, shape: Sequence[int]) -> Tensor:
    """Standard normal draws of one update for one purpose, float32 on the host."""
    draws = stream(seed, step, purpose).standard_normal(tuple(shape), dtype=np.float32)
    return torch.from_numpy(draws)


def uniform(seed: int, step: int, purpose: int, shape: Sequence[int]) -> Tensor:
    """Draws of one update for one purpose, uniform in [0, 1), float32 on the host."""
    draws = stream(seed, step, purpose).random(tuple(shape), dtype=np.float32)
    return torch.from_numpy(draws)


def latents(seed: int, count: int, shape: Sequence[int] | None, turn: int = 0) -> Tensor:
    """Latents of N(0, I) that samples are drawn from, ``(count, *shape)``; None is ``()``."""
    return normal(seed, turn, Purpose.LATENTS, (count, *(shape or ())))


@contextmanager
def isolated_seed(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator, for libraries that take no other, and restore it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
