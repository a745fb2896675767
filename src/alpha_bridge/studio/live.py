"""How a training goes: a line on where it stands, and the figures of its run."""

from __future__ import annotations

from datetime import timedelta

from ..metrics.definition import formatted, label
from ..runs.folder import Run
from ..runs.status import status_of
from . import markup
from .trainings import Trainings, remaining


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
    parts = [f"{name}: {status.state}", f"update {status.step:,} of {status.steps:,}"]
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
    elif (complaint := trainings.complaint(name)) is not None:
        parts.append(complaint)
    return " · ".join(parts)


def version(run: Run) -> tuple[int, ...]:
    """What changes with every record and every set of samples; figures are drawn anew by it."""
    paths = (run.metrics_path, run.inside("samples"), run.incidents_path)
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def shown(run: Run) -> str:
    """The figures of a run, in progress or done, and rows of a table."""
    from ..runs.page import pictures_of
    from ..runs.table_panels import examples_of, profile_of

    records, table = run.records, profile_of(run)
    if not records:
        return "<p>No update is recorded yet.</p>"
    names, rows, _ = examples_of(table)
    examples = [{name: row[name] for name in names} for row in rows[:10]]
    below = markup.table(examples, "Generated rows") if examples else ""
    incidents = [incident["what"] for incident in run.incidents[-5:]]
    above = f"<h2>Incidents</h2>{markup.lines(incidents)}" if incidents else ""
    return above + markup.figures(pictures_of(run, records, table)) + below
