"""Memory that is freed stays with the process: large blocks come from its heap, not from maps."""

import ctypes

import pytest
import torch

from alpha_bridge.training.memory import MMAP_THRESHOLD, keep_freed_memory

LIBC = ctypes.CDLL(None)
BLOCK = 20 * 2**20


class Mallinfo2(ctypes.Structure):
    """What glibc says of its heap."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    ]


def mapped():
    """Bytes in maps of their own, which go back to the system when they are freed."""
    LIBC.mallinfo2.restype = Mallinfo2
    return LIBC.mallinfo2().hblkhd


@pytest.mark.skipif(not hasattr(LIBC, "mallinfo2"), reason="a setting of glibc")
def test_large_blocks_come_from_memory_that_the_process_keeps():
    assert LIBC.mallopt(MMAP_THRESHOLD, 2**17)  # as a process begins
    before = mapped()
    one = torch.empty(BLOCK, dtype=torch.uint8)
    between = mapped()
    assert between - before >= BLOCK
    assert keep_freed_memory()
    other = torch.empty(BLOCK, dtype=torch.uint8)
    assert mapped() == between
    del one, other
