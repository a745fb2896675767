"""Counter-based randomness: the draws of update t are a pure function of (seed, t).

Nothing is replayed to resume a run, and every process of a run draws the same numbers. The
draws are made on the host, so that they are the same beside every device.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

# Purposes from 2³² up belong to the data; smaller ones are the caller's.
EPOCHS, BATCHES, HELD_OUT, TRAINING = range(2**32, 2**32 + 4)


def stream(seed: int, step: int, purpose: int = 0) -> np.random.Generator:
    """Random numbers of one update for one purpose.

    Streams of different arguments do not overlap: seed and purpose are the key of a Philox
    generator, the step is the highest word of its counter.

    Args:
        seed: Seed of the run, in [0, 2⁶⁴).
        step: The update, in [0, 2⁶⁴).
        purpose: What the numbers are for, in [0, 2³²); equal purposes give equal numbers.

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


@contextmanager
def isolated_seed(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator, for libraries that take no other, and restore it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
