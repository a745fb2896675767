"""How a training goes: a line on where it stands, and the figures of its run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from ..files.lock import was_killed
from ..metrics.definition import formatted, label
from ..runs.folder import Run
from ..runs.status import status_of
from . import markup
from .trainings import Trainings, remaining

KEPT = 8
"""Runs whose figures are not drawn again for another page."""


def where(trainings: Trainings, name: str) -> str:
    """Where a training stands, in a line: state, updates, step, α, γ, sample sizes, time left."""
    if trainings.is_starting(name):
        return f"{name}: starting, the data are being read"
    if not trainings.workspace.is_there(name):
        return f"{name}: {trainings.complaint(name) or 'there is no such run'}"
    run = trainings.workspace.run(name)
    status = status_of(run)
    if status.damage is not None:
        return f"{name}: damaged: {status.damage}"
    parts = [f"{name}: {status.standing}", f"update {status.step:,} of {status.steps:,}"]
    records = run.records
    if records:
        last = records[-1]
        parts += [str(last["phase"])] if last.get("phase") else []
        symbols = {"α": last.get("alpha"), "γ": last.get("gamma")}
        parts += [
            f"{symbol} = {value:.2f}" for symbol, value in symbols.items() if value is not None
        ]
        parts += [
            f"{label(key).lower()} {formatted(value, 2)}"
            for key, value in last.items()
            if key.startswith("ess/") and isinstance(value, float)
        ]
    if status.state == "training":
        left = remaining(run)
        parts += [] if left is None else [f"{timedelta(seconds=round(left))} left"]
    elif status.state == "stopped" and was_killed(run.folder):
        parts.append("the training was killed")
    elif (complaint := trainings.complaint(name)) is not None:
        parts.append(complaint)
    return " · ".join(parts)


def version(run: Run) -> tuple[int, ...]:
    """What changes with every record and every set of samples; figures are drawn anew by it."""
    paths = (run.metrics_path, run.inside("samples"), run.incidents_path)
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


class Drawings:
    """The figures of runs as they were drawn last, for all pages that show them."""

    def __init__(self) -> None:
        self._last: dict[Path, tuple[tuple[int, ...], str]] = {}

    def of(self, run: Run) -> Iterator[str]:
        """What is drawn of a run so far, until all is."""
        now = version(run)
        before, all_of_it = self._last.get(run.folder, ((), ""))
        if before == now:
            yield all_of_it
            return
        all_of_it = ""
        for part in shown(run):
            all_of_it += part
            yield all_of_it
        self._last.pop(run.folder, None)
        self._last = dict([*self._last.items()][1 - KEPT :]) | {run.folder: (now, all_of_it)}


def shown(run: Run) -> Iterator[str]:
    """The figures of a run, in progress or done, and rows of a table, one after the other."""
    from ..runs.page import pictures_of
    from ..runs.table_panels import examples_of, profile_of

    records, table = run.records, profile_of(run)
    if not records:
        yield "<p>No update is recorded yet.</p>"
        return
    if incidents := [incident["what"] for incident in run.incidents[-5:]]:
        yield f"<h2>Incidents</h2>{markup.lines(incidents)}"
    for panel in pictures_of(run, records, table):
        yield markup.figures([panel])
    names, rows, _ = examples_of(table)
    if examples := [{name: row[name] for name in names} for row in rows[:10]]:
        yield markup.table(examples, "Generated rows")
