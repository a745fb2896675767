"""What records hold: names of metrics, phases, and curves."""

from collections.abc import Mapping, Sequence
from itertools import groupby, takewhile
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...metrics.definition import is_metric

Array = NDArray[Any]
Record = Mapping[str, Any]
_Record = TypeVar("_Record", bound=Record)


class Region(NamedTuple):
    """Updates that belong to one phase: after ``begin``, up to and including ``end``."""

    phase: str
    begin: int
    end: int


def regions(records: Sequence[Record]) -> list[Region]:
    """Split the updates where the phase changes, into regions that touch, the first from 0.

    Example:
        >>> regions([{"step": 5, "phase": "ml"}, {"step": 9, "phase": "transfer"}])
        [Region(phase='ml', begin=0, end=5), Region(phase='transfer', begin=5, end=9)]
    """
    steps = [(r["phase"], r["step"]) for r in records if r.get("phase")]
    ends = [(phase, [*group][-1][1]) for phase, group in groupby(steps, key=lambda pair: pair[0])]
    begins = [0, *(end for _, end in ends)]
    return [Region(phase, begin, end) for (phase, end), begin in zip(ends, begins, strict=False)]


def metric_names(records: Sequence[Record]) -> list[str]:
    """Names of the metrics in the records, in order of appearance."""
    return [name for name in names_in(records) if is_metric(name)]


def evenly(steps: Sequence[int], most: int) -> list[int]:
    """Choose at most ``most`` of ``steps`` evenly, the first and the last among them.

    Example:
        >>> evenly([0, 1, 2, 3, 4, 5, 6], 3)
        [0, 3, 6]
    """
    indices = np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)
    return [steps[index] for index in indices]


def phase_at(step: int, records: Sequence[Record]) -> str:
    """Phase of the last update among ``step`` updates, empty if no record has it."""
    return next((region.phase for region in regions(records) if step <= region.end), "")


def step_one(records: Sequence[_Record]) -> list[_Record]:
    """The records of Step I: those of the phase ``ml`` that a run begins with."""
    return [*takewhile(lambda record: record.get("phase") == "ml", records)]


def names_in(records: Sequence[Record]) -> list[str]:
    """All names in the records, in order of appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def series(records: Sequence[Record], name: str) -> tuple[Array, Array]:
    """Steps and values of one name; a value that was not finite is a gap."""
    found = [(record["step"], record[name]) for record in records if name in record]
    steps, values = zip(*found, strict=True) if found else ((), ())
    return np.array(steps, int), np.array(values, float)
