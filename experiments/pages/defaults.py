"""The pages of the untuned defaults, and of few images, in docs/results."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from alpha_bridge.metrics.definition import METRICS
from alpha_bridge.metrics.deviation import spread

from .. import few_images
from ..framework import Record
from ..untuned import PROTOCOLS
from .markdown import plus_minus, table


def scores(record: Record) -> list[str]:
    """Every metric of each method at the end, a table for each set; and what was survived."""
    parts = []
    for name, of in record["summary"].items():
        every = of["methods"].values()
        names = [m for m in PROTOCOLS if any(v is not None for own in every for v in own[m])]
        rows = [[method, *_ended(own, names)] for method, own in of["methods"].items()]
        parts.append(table([name, *(METRICS[m].label for m in names)], rows))
    survived = [
        [name, *(f"{of['survived'][method]['share']:.0%}" for method in ("defaults", "ramp"))]
        for name, of in record["summary"].items()
    ]
    return [*parts, table(["made wrong, and survived", "defaults", "searched ramp"], survived)]


def _ended(metrics: Mapping[str, Sequence[float | None]], names: Sequence[str]) -> list[str]:
    """The mean of each metric over trials, beside how many diverged; nothing for one that a method
    does not have."""
    trials = zip(*metrics.values(), strict=True)
    ended = [any(value is not None for value in values) for values in trials]
    lost = "" if all(ended) else f"{ended.count(False)} of {len(ended)} diverged"
    cells = []
    for name in names:
        there = [value for value in metrics[name] if value is not None]
        mean = plus_minus(fmean(there), float(spread(there))) if there else ""
        cells.append(", ".join(filter(None, (mean, lost))))
    return cells


def widths(record: Record) -> list[str]:
    """What is measured with each width and latent, first with those that are decided."""
    rows = [
        [str(of["width"]), str(of["latent"])]
        + [plus_minus(of[m]["mean"], of[m]["deviation"]) for m in few_images.SHOWN]
        for of in record["summary"]
    ]
    return [table(["width", "latent", *(METRICS[m].label for m in few_images.SHOWN)], rows)]


PARTS = {"untuned": scores, "few-images": widths}
