"""Fill what was measured in docs/objectives.md: ``python -m experiments.pages.objectives``.

What an experiment wrote lies in docs/results, its JSON and its picture. Where there is none, its
place in the page is left as it is.
"""

from pathlib import Path

import numpy as np

from alpha_bridge.metrics.definition import label
from alpha_bridge.metrics.deviation import spread

from .. import generalisations, translation, translation2d
from ..framework import Record, last
from ..framework.evaluations import metric_names
from .markdown import DOCS, RESULTS, changes, claims, plus_minus, put, recorded, table

PAGE = DOCS / "objectives.md"


def methods(record: Record) -> list[str]:
    """The claims, every metric of each method at the end, and what each changes."""
    names = metric_names(record, *generalisations.METRICS)
    rows = [
        [method, *(plus_minus(of[name]["mean"], of[name]["std"], 3) for name in names)]
        for method, of in last(record["runs"]).items()
    ]
    return [
        claims(record),
        table(["method", *map(label, names)], rows),
        changes(record),
    ]


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


def main(results: Path = RESULTS, page: Path = PAGE) -> None:
    """Fill what there is."""
    for name, record in recorded(results, PARTS):
        minutes = sum(run["seconds"] for run in record["runs"]) / 60
        quick = record["settings"].get("quick", record.get("quick"))
        runs = f"{len(record['runs'])} runs, {minutes:.0f} minutes."
        blocks = [
            *(["**A quick miniature, not the experiment.**"] if quick else []),
            f"![{name}](results/{name}.png)",
            runs,
            *PARTS[name](record),
        ]
        put(page, name, "\n\n".join(blocks))


if __name__ == "__main__":
    main()
