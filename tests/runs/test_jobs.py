"""Work in this process, in several, or on a cluster that is not there."""

import os
import sys
from concurrent.futures import BrokenExecutor

import pytest

from alpha_bridge.errors import Lost
from alpha_bridge.runs.jobs import spread_out


def test_one_job_does_the_work_here():
    found = dict(spread_out(lambda item: (item, os.getpid()), {"a": 1, "b": 2}))
    assert found == {"a": (1, os.getpid()), "b": (2, os.getpid())}


@pytest.mark.slow
def test_no_scheduler_is_an_error_that_says_so(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("alpha_bridge.runs.jobs.TIMEOUT", 0.5)
    with pytest.raises(ValueError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9: start"):
        next(spread_out(len, {"a": "a"}, cluster="tcp://127.0.0.1:9"))


def test_without_dask_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"needs Dask: pip install 'alpha-bridge\[cluster\]'"):
        next(spread_out(len, {"a": "a"}, cluster="tcp://127.0.0.1:9"))


def test_a_process_that_is_killed_is_lost_and_not_an_error_of_the_program(monkeypatch):
    def broken(*_, **__):
        raise BrokenExecutor("worker 7 was killed")

    monkeypatch.setattr("joblib.Parallel.__call__", broken)
    with pytest.raises(Lost, match="a process was killed, perhaps for want of memory"):
        next(spread_out(len, {"a": "a"}, jobs=2))
