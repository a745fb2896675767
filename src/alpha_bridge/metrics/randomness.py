"""Random numbers of a library that offers no generator, without a trace in the caller's."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["isolated_seed"]


@contextmanager
def isolated_seed(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator inside the block, and restore it afterwards.

    Args:
        seed: A whole number.

    Yields:
        None: The block runs with the seed.

    Example:
        >>> state = torch.get_rng_state()
        >>> with isolated_seed(0):
        ...     _ = torch.rand(1)
        >>> bool((state == torch.get_rng_state()).all())
        True
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
