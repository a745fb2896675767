"""What methods reach: means and spreads over seeds, and which differences seeds do not explain."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..metrics.definition import METRICS, definition, label, title
from ..metrics.deviation import spread, summary
from ..metrics.welch import LEVEL, Difference, differences, smallest
from .method_runs import MethodRuns
from .record_lines import Record


@dataclass(frozen=True)
class MetricRow:
    """One metric of all methods, at the end of training.

    Attributes:
        metric: Its name, with its protocol.
        values: By method, of each run that was trained to its end.
        differences: Of all pairs of methods that have a value of every seed, in how good these are:
            above zero where the first is better.
    """

    metric: str
    values: Mapping[str, Sequence[float]]
    differences: Sequence[Difference]

    @property
    def titles(self) -> tuple[str, str]:
        """The label of the metric, and its protocol."""
        measured, *protocol = title(self.metric)
        return measured, ", ".join(protocol)

    @property
    def better(self) -> str:
        """Which values are better; nothing where this version does not know the metric."""
        known = definition(self.metric)
        return "" if known is None else known.direction

    @property
    def best(self) -> str | None:
        """The method with the best mean, where one is better than all others."""
        known = definition(self.metric)
        if known is None:
            return None
        means = {name: fmean(map(known.score, of)) for name, of in self.values.items()}
        top = [name for name, mean in means.items() if mean == max(means.values())]
        return top[0] if len(top) == 1 < len(means) else None

    def cell(self, method: str) -> str:
        """Mean and deviation of a method; nothing where it has no such metric."""
        of = self.values.get(method, ())
        return summary(of) if of else ""

    @property
    def found(self) -> str:
        """Which methods are better than which, by more than seeds explain; nothing if none is."""
        known, beaten = definition(self.metric), defaultdict[str, list[str]](list)
        for of in self.differences:
            if of.shown and known is not None:
                pair = of.first, of.second
                winner, loser = pair if of.value > 0 else pair[::-1]
                beaten[winner].append(loser)
        return "; ".join(f"{one} better than {', '.join(others)}" for one, others in beaten.items())


def rows_of(runs: MethodRuns) -> list[MetricRow]:
    """The metrics of all methods, in the order of their definitions."""
    order, seeds = [*METRICS], max(map(len, runs.configs.values()))
    rows = []
    for metric, values in runs.ends().items():
        known = definition(metric)
        whole = {
            method: of if known is None else [*map(known.score, of)]
            for method, of in values.items()
            if len(of) == seeds and all(map(math.isfinite, of))
        }
        rows.append(MetricRow(metric, values, differences(whole)))
    defined = [row for row in rows if definition(row.metric)]
    defined.sort(key=lambda row: order.index(row.metric.split("/")[0]))
    return defined + [row for row in rows if not definition(row.metric)]


def conclusions(runs: MethodRuns, rows: Sequence[MetricRow]) -> Iterator[str]:
    """What can be read off the rows, a line each, and what they cannot show."""
    seeds, methods = max(map(len, runs.configs.values())), len(runs.configs)
    for name, reason in runs.failed.items():
        yield f"{name} failed: {reason}"
    if seeds == 1:
        yield "one seed of each method says nothing of its spread: give --trials 3 or more"
        return
    if methods == 1:
        return
    found = [f"{label(row.metric)}: {row.found}" for row in rows if row.found]
    yield from found or ["no difference is larger than seeds explain"]
    yield (
        f"by Welch's t-test, p < {LEVEL:g} for all pairs of a metric together (Holm): of {seeds} "
        f"seeds it shows differences above about {smallest(seeds, methods):.1f} deviations"
    )


def as_record(rows: Sequence[MetricRow]) -> Record:
    """By metric, its direction, the values of each method, and the differences with their p."""
    return {
        row.metric: {
            "better": row.better,
            "methods": {
                method: {"mean": fmean(of), "deviation": float(spread(of)), "values": of}
                for method, of in row.values.items()
            },
            "differences": [of._asdict() for of in row.differences],
        }
        for row in rows
    }
