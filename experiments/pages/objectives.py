"""The pages of objectives and of translation in docs/results."""

import numpy as np

from alpha_bridge.metrics.definition import label
from alpha_bridge.metrics.deviation import spread

from .. import generalisations, translation, translation2d
from ..framework import Record, last
from ..framework.evaluations import metric_names
from .markdown import plus_minus, table


def methods(record: Record) -> list[str]:
    """Every metric of each method at the end."""
    names = metric_names(record, *generalisations.METRICS)
    rows = [
        [method, *(plus_minus(of[name]["mean"], of[name]["std"], 3) for name in names)]
        for method, of in last(record["runs"]).items()
    ]
    return [table(["method", *map(label, names)], rows)]


def mixtures(record: Record) -> list[str]:
    """Means and deviations over trials of every way and beginning."""
    rows = [
        [
            run["begins"],
            run["way"],
            *(
                plus_minus(np.mean(run[name]), float(spread(run[name])), 3)
                for name in translation2d.METRICS
            ),
        ]
        for run in record["runs"]
    ]
    head = ["networks begin", "way", *translation2d.METRICS.values()]
    return [table(head, rows), _settings(record)]


def digits(record: Record) -> list[str]:
    """Means and deviations over trials of every domain and way, and what the classifiers can."""
    rows = [
        [
            end["domain"],
            end["way"],
            *(
                plus_minus(end[name]["mean"], end[name]["deviation"], 3)
                for name in translation.METRICS
            ),
        ]
        for end in translation.summary(record["runs"])
    ]
    for domain, of in record["ceilings"].items():
        rows.append([domain, "the true images", f"{of['there']:.3g}", f"{of['back']:.3g}", "", ""])
    return [table(["domain", "way", *translation.METRICS.values()], rows), _settings(record)]


def _settings(record: Record) -> str:
    given = record["settings"].items()
    chosen = ", ".join(f"`{key}` {value}" for key, value in given if key not in ("note", "quick"))
    return f"All settings are ours: {chosen}."


PARTS = {"generalisations": methods, "translation2d": mixtures, "translation": digits}
