"""Rows of arrays that may be larger than memory."""

import mmap
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from alpha_bridge.data import rows as module
from alpha_bridge.data.rng import Purpose
from alpha_bridge.data.rows import Rows, chunks, first, split, take

STATUS = Path("/proc/self/status")
MEBIBYTE = 2**20


def numbers(n=100):
    return np.arange(2 * n, dtype=np.float32).reshape(n, 2)


@pytest.fixture
def file(tmp_path):
    """64 MiB on disk."""
    path = tmp_path / "rows.npy"
    np.save(path, np.arange(16 * MEBIBYTE, dtype=np.int32).reshape(-1, 1024))
    return path


def resident_file_pages():
    """Bytes of mapped files that this process has in memory."""
    fields = dict(line.split(":") for line in STATUS.read_text().splitlines())
    return int(fields["RssFile"].split()[0]) * 1024


def test_rows_of_rows_are_those_of_the_array():
    kept, apart = split(100)
    both = np.concatenate(
        [take(Rows(numbers(), rows), np.arange(len(rows))) for rows in split(100)]
    )
    assert np.array_equal(np.sort(both, axis=0), numbers())
    assert (len(Rows(numbers(), kept)), Rows(numbers(), apart).shape) == (90, (10, 2))


@pytest.mark.parametrize("ordered", [np.asfortranarray, lambda x: x[:, ::-1]])
def test_rows_in_another_order_are_copied_alone(ordered):
    array = ordered(np.arange(2**22, dtype=np.float32).reshape(2**16, 64))
    tracemalloc.start()
    taken = take(Rows(array, np.arange(2**15)), np.array([5, 3]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(taken, array[[5, 3]]) and taken.flags.c_contiguous
    assert peak < array.nbytes / 16


def test_chunks_lie_end_to_end(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", 7 * 8)
    begins, pieces = zip(*chunks(numbers()), strict=True)
    assert list(begins) == [*range(0, 100, 7)]
    assert np.array_equal(np.concatenate(pieces), numbers())


def test_a_shuffled_part_is_the_beginning_of_the_whole():
    whole = first(numbers(), 100, Purpose.TRAINING)
    assert np.array_equal(first(numbers(), 30, Purpose.TRAINING), whole[:30])
    assert np.array_equal(np.sort(whole), np.arange(100))


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
@pytest.mark.parametrize("largest", [0, 2**30])
def test_pages_of_a_file_stay_in_memory_only_while_the_file_is_small(monkeypatch, file, largest):
    monkeypatch.setattr(module, "RESIDENT_BYTES", largest)
    array = np.load(file, mmap_mode="r")
    before = resident_file_pages()
    for begin in range(0, len(array), 256):
        take(array, np.arange(begin, begin + 256))
    stays = resident_file_pages() - before > 32 * MEBIBYTE
    assert stays == (largest > 0)


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
def test_a_look_at_all_rows_leaves_no_pages_of_a_large_file(monkeypatch, file):
    monkeypatch.setattr(module, "RESIDENT_BYTES", 0)
    array = Rows(np.load(file, mmap_mode="r"), np.arange(16 * 1024)[::-1])
    before = resident_file_pages()
    assert sum(len(rows) for _, rows in chunks(array)) == 16 * 1024
    assert resident_file_pages() - before < 16 * MEBIBYTE


@pytest.mark.skipif(sys.platform == "win32", reason="there is nothing to let go of")
@pytest.mark.parametrize("view", [lambda x: x, np.asarray, lambda x: x[..., None]])
def test_what_was_written_to_a_private_map_is_not_let_go(monkeypatch, file, view):
    monkeypatch.setattr(module, "RESIDENT_BYTES", 0)
    array = np.load(file, mmap_mode="c")
    array[5] = -1
    take(view(array), np.arange(10))
    assert (array[5] == -1).all()


def test_an_array_in_memory_has_nothing_to_let_go(monkeypatch):
    monkeypatch.setattr(module, "RESIDENT_BYTES", 0)
    private = mmap.mmap(-1, 80)
    array = np.frombuffer(private, dtype=np.float32)
    array[:] = 1
    assert (take(array, np.arange(20)) == 1).all() and (array == 1).all()
