"""The best checkpoint of a run, by a metric of its records."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from ..metrics.definition import METRICS, formatted, label
from .folder import Run
from .record_lines import Record


class Best(NamedTuple):
    """The best of the checkpoints that a run has kept, the first of equals."""

    step: int
    metric: str
    value: float

    def __str__(self) -> str:
        return f"best {label(self.metric)}: {formatted(self.value)} at update {self.step:,}"


def best_of(run: Run) -> Best | None:
    """The best checkpoint by the metric that the configuration names; None without one."""
    metric, records = run.config.get("best"), run.records
    if metric is None:
        return None
    scores, kept = scores_of(records, metric), run.checkpoint_steps
    known = [step for step in kept if step in scores]
    if not known:
        return None
    step = max(known, key=lambda step: scores[step])
    (record,) = (record for record in records if record["step"] == step)
    name = _name(record, metric)
    return Best(step, name, record[name])


def scores_of(records: Iterable[Record], metric: str) -> dict[int, float]:
    """Values of a metric, given by the beginning of its name, by update; higher is better.

    Example:
        >>> scores_of([{"step": 9, "frechet_distance/pixels/64": 2.5}], "frechet_distance")
        {9: -2.5}
    """
    found = {}
    for record in records:
        name = _name(record, metric)
        if name and math.isfinite(record[name]):
            found[record["step"]] = METRICS[name.split("/")[0]].score(record[name])
    return found


def _name(record: Record, metric: str) -> str:
    """The first name in a record that begins so, and has a value; nothing without one."""
    names = (key for key, value in record.items() if key.startswith(metric) and value is not None)
    return next((name for name in names if name.split("/")[0] in METRICS), "")
