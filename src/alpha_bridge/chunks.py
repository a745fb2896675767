"""How many samples are seen at once where nothing is trained."""

import math

from torch import Tensor

CHUNK = 100
"""Samples that are measured together, at most."""
NUMBERS = 250 * 3 * 64 * 64
"""Of the samples that are seen at once, at most: of 250 images of 64×64 in colour, or 15 of
256×256. The decoder of a latent diffusion model takes some GiB for as many."""


def at_once(shape: tuple[int, ...], most: int) -> int:
    """How many samples of a shape are seen at once, one or more, ``most`` at most.

    Example:
        >>> at_once((3, 64, 64), 250), at_once((3, 256, 256), 250), at_once((2,), 250)
        (250, 15, 250)
    """
    return max(1, min(most, NUMBERS // max(1, math.prod(shape))))


def in_parts(x: Tensor, most: int) -> tuple[Tensor, ...]:
    """Samples ``(N, *event)`` in parts of as many as are seen at once."""
    parts: tuple[Tensor, ...] = x.split(at_once(tuple(x.shape[1:]), most))
    return parts
