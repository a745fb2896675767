"""The benchmarks are scripts beside the package: find their modules, and leave nothing behind."""

from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield
    # a precision that was measured last would be that of every test that follows
    AcceleratorState._reset_state(reset_partial_state=True)
