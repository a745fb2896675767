"""Runs side by side: what each is, curves with trials as bands, and samples of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics.definition import label, metrics_of, title
from ..runs.folder import Run
from ..runs.record_lines import Record
from ..runs.sample_files import is_image
from ..runs.status import status_of
from . import markup

MOST = 6
"""Runs beside each other."""
SHOWN = 12
"""Samples of each."""


def compared(runs: Mapping[str, Run]) -> str:
    """All of it.

    Args:
        runs: By the names that they are shown under.

    Raises:
        ValueError: There are fewer than two runs, or more than :data:`MOST`.
    """
    if not 2 <= len(runs) <= MOST:
        raise ValueError(f"{len(runs)} runs are chosen: choose from two to {MOST}")
    records = {name: trials_of(run) for name, run in runs.items()}
    groups = _by_data(runs)
    shown = markup.table([_row(name, run) for name, run in runs.items()], "Runs")
    shown += _notes(unlike(runs, records))
    for data, names in groups.items():
        own = {name: records[name] for name in names}
        shown += f"<h2>On {markup.text(data)}</h2>" if len(groups) > 1 else ""
        shown += markup.table(ends(own), "Metrics at the last update") + _curves(own)
    return shown + "".join(_samples(name, run) for name, run in runs.items())


def _by_data(runs: Mapping[str, Run]) -> dict[str, list[str]]:
    """The names of runs, by the data that they were trained on."""
    found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for name, run in runs.items():
        found[str(run.config.get("data")), run.config.get("fingerprint")].append(name)
    return {f"{data} ({', '.join(names)})": names for (data, _), names in found.items()}


def trials_of(run: Run) -> list[list[Record]]:
    """The records of each stacked trial, or of the run alone."""
    trials = [Run(path) for path in sorted(run.folder.glob("trial-*")) if Run(path).records]
    return [trial.records for trial in trials] or [run.records]


def ends(records: Mapping[str, Sequence[Sequence[Record]]]) -> list[dict[str, str]]:
    """By metric with its protocol, the last value of each run; with the spread over its trials."""
    from ..metrics.deviation import summary

    values: dict[str, dict[str, str]] = defaultdict(dict)
    for name, trials in records.items():
        last = [next(filter(None, map(metrics_of, reversed(trial))), {}) for trial in trials]
        for metric in last[0]:
            found = [of[metric] for of in last if metric in of]
            values[metric][name] = summary(found)
    return [
        {"metric": label(metric)} | {name: of.get(name, "—") for name in records}
        for metric, of in values.items()
    ]


def unlike(runs: Mapping[str, Run], records: Mapping[str, Sequence[Sequence[Record]]]) -> list[str]:
    """Why metrics of the same name are not compared, a line each.

    They were measured on other data, or by other protocols.
    """
    groups, found = _by_data(runs), []
    if len(groups) > 1:
        found.append(f"the runs have other data, {'; '.join(groups)}: their metrics stand apart")
    protocols: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, trials in records.items():
        for metric in {key for record in trials[0] for key in metrics_of(record)}:
            measured, *protocol = title(metric)
            protocols[measured][", ".join(protocol)].add(name)
    for measured, by_protocol in protocols.items():
        if len(by_protocol) > 1:
            listed = "; ".join(f"{p}: {', '.join(sorted(n))}" for p, n in by_protocol.items())
            found.append(f"{measured} has unlike protocols, which are not compared: {listed}")
    return found


def _notes(found: Sequence[str]) -> str:
    return f"<h2>Not compared</h2>{markup.lines(found)}" if found else ""


def _row(name: str, run: Run) -> dict[str, Any]:
    status, config = status_of(run), run.config
    return {
        "run": name,
        "state": status.state,
        "updates": status.step,
        "data": status.data,
        "method": status.method,
        "seed": config.get("seed"),
        "trials": config.get("trials"),
    }


def _curves(records: Mapping[str, Sequence[Sequence[Record]]]) -> str:
    from ..runs import plots
    from ..runs.panel import Panel, svg

    caption = "Each panel is one metric with its protocol; a band is one deviation over trials."
    names = plots.metric_names([record for trials in records.values() for record in trials[0]])
    if not names:
        return "<p>Nothing is measured yet.</p>"
    drawn = svg(plots.curves_of_runs(records))
    return markup.figures([Panel("Metrics", caption, f"Curves of {', '.join(records)}.", drawn)])


def _samples(name: str, run: Run) -> str:
    """The last samples of a run, of its first trial where it has several."""
    from ..runs import plots
    from ..runs.panel import Panel, svg

    trial = Run(run.folder / "trial-0")
    samples = trial.samples or run.samples
    if not samples:
        return ""
    last = samples[max(samples)]
    if is_image(last):
        drawn = plots.image_grid(last[:SHOWN], SHOWN)
    elif last.shape[1] > 1:
        drawn = plots.scatter_through_time({max(samples): last})
    else:
        return ""
    caption = f"After {max(samples):,} updates."
    return markup.figures([Panel(f"Samples of {name}", caption, f"Samples of {name}.", svg(drawn))])
