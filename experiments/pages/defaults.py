"""The page of the untuned defaults in docs/results."""

from collections.abc import Sequence
from statistics import fmean

from alpha_bridge.metrics.definition import METRICS
from alpha_bridge.metrics.deviation import spread

from ..framework import Record
from ..untuned import PROTOCOLS
from .markdown import plus_minus, table


def scores(record: Record) -> list[str]:
    """Every metric of each method at the end, a table for each set; and what was survived."""
    parts = []
    for name, of in record["summary"].items():
        every = of["methods"].values()
        names = [m for m in PROTOCOLS if any(v is not None for own in every for v in own[m])]
        rows = [[method, *(_ended(own[m]) for m in names)] for method, own in of["methods"].items()]
        parts.append(table([name, *(METRICS[m].label for m in names)], rows))
    survived = [
        [name, *(f"{of['survived'][method]['share']:.0%}" for method in ("defaults", "ramp"))]
        for name, of in record["summary"].items()
    ]
    return [*parts, table(["made wrong, and survived", "defaults", "searched ramp"], survived)]


def _ended(values: Sequence[float | None]) -> str:
    """The mean over trials; how many of them diverged, which have no value, stands beside it."""
    there = [value for value in values if value is not None]
    lost = f"{len(values) - len(there)} of {len(values)} without"
    if not there:
        return lost
    mean = plus_minus(fmean(there), float(spread(there)))
    return mean if len(there) == len(values) else f"{mean}, {lost}"


PARTS = {"untuned": scores}
