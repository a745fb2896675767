"""Memory that is freed stays with the process: large blocks come from its heap, not from maps."""

import ctypes
import subprocess
import sys

import pytest

from alpha_bridge.training.memory import keep_freed_memory

COUNT = """
import ctypes, sys, torch
from alpha_bridge.training.memory import keep_freed_memory

class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost")]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = mallinfo2().hblkhd
block = torch.empty(20 * 2**20, dtype=torch.uint8)
print(mallinfo2().hblkhd - before)
"""


def mapped(how):
    """Bytes of a block of 20 MiB that come from a map of its own, which goes when it is freed."""
    run = [sys.executable, "-c", COUNT, how]
    return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="a setting of glibc")
def test_large_blocks_come_from_memory_that_the_process_keeps():
    assert keep_freed_memory()
    assert mapped("give back") >= 20 * 2**20
    assert mapped("keep") == 0
