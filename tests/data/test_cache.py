"""The cache: whole, filled once, and free of what killed processes left."""

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from alpha_bridge.data.cache import DAY, cached


@pytest.fixture
def target(tmp_path):
    return tmp_path / "images" / "digits-1"


def fill(folder):
    (folder / "whole").write_text("x")


@contextmanager
def filling(target):
    """The number of another process, which has filled half of a folder and is then killed."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:

        def half(folder):
            fill(folder)
            os.write(told, b"x")
            signal.pause()

        try:
            cached(target, half)
        finally:
            os._exit(1)
    assert os.read(ready, 1) == b"x"
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)


def test_what_a_killed_process_left_goes_with_the_next_that_is_decoded(target):
    other = target.with_name("faces-2")
    with filling(other) as killed:
        pass
    assert [path.name for path in target.parent.iterdir()] == [f".faces-2.{killed}.partial"]
    cached(target, fill)
    assert [path.name for path in target.parent.iterdir()] == ["digits-1"]


def test_what_another_process_is_filling_stays(target):
    other = target.with_name("faces-2")
    with filling(other) as working:
        cached(target, fill)
        names = {path.name for path in target.parent.iterdir()}
    assert names == {"digits-1", f".faces-2.{working}.partial"}


def test_a_process_waits_for_the_one_that_fills_the_same(target):
    filled = []

    def slowly(folder):
        filled.append(threading.get_ident())
        time.sleep(0.3)
        fill(folder)

    threads = [threading.Thread(target=cached, args=(target, slowly)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(filled) == 1 and (target / "whole").exists()


def test_a_failure_leaves_nothing_and_the_next_may_try(target):
    def fail(folder):
        fill(folder)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        cached(target, fail)
    assert not list(target.parent.iterdir())
    assert (cached(target, fill) / "whole").exists()


def test_what_earlier_versions_left_goes_after_a_day(target):
    for name, age in (("decoding-old", 2 * DAY), ("decoding-new", 0)):
        scratch = target.with_name(name)
        scratch.mkdir(parents=True)
        os.utime(scratch, (time.time() - age,) * 2)
    cached(target, fill)
    assert {path.name for path in target.parent.iterdir()} == {"digits-1", "decoding-new"}
