"""How the processor's memory is kept between updates."""

import ctypes

__all__ = ["keep_freed_memory"]

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""glibc's names for them in ``mallopt``."""


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for the tensors of the next update.

    By default glibc may give large blocks back to the system, which hands them out again page by
    page, each cleared. With this the process holds its highest use until it ends, so it is for a
    program, not for a library.

    Returns:
        Whether the C library knows these settings; another one is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(
        mallopt(TRIM_THRESHOLD, 2**31 - 1) and mallopt(MMAP_THRESHOLD, 2**25)
    )
