"""The page of the frontier in docs/results, from a run that ``alpha-bridge frontier`` has measured.

``python -m experiments.pages.frontier RUN`` copies what the command wrote into RUN to docs/results;
then ``python -m experiments.pages.results`` fills the page.
"""

import shutil
import sys
from pathlib import Path

from alpha_bridge.metrics.definition import label

from ..framework import Record
from .markdown import RESULTS, table


def curve(record: Record) -> str:
    """A row for each snapshot, the best one in bold."""
    points = record["points"]
    error = next(name for name in points[0]["metrics"] if name.startswith("reconstruction_error"))
    names = [record["realism"], error]
    rows = []
    for point in points:
        bounds = [point["bound"], point["best_sigma"], point["best_bound"]]
        numbers = [*bounds, *(point["metrics"][name] for name in names), point["score"]]
        cells = [f"{point['step']:,}", f"{point['alpha']:.3g}", *(f"{n:.4g}" for n in numbers)]
        best = point["step"] == record["best"]["step"]
        rows.append([f"**{cell}**" if best else cell for cell in cells])
    own = f"bound, σ = {points[0]['sigma']:g}"
    return table(["update", "α", own, "best σ", "its bound", *map(label, names), "score"], rows)


def summary(record: Record) -> str:
    """How far both qualities go in Steps II and III, and which point is the best."""
    begin, *_, transferred, end = record["points"]
    quality = label(record["realism"])
    names = (quality, "the bound under the best σ")
    values = [(p["metrics"][record["realism"]], p["best_bound"]) for p in (begin, transferred, end)]
    ways = [
        f"{name} goes from {a:.3g} to {b:.3g} in Step II, and to {c:.3g} in Step III"
        for name, a, b, c in zip(names, *values, strict=True)
    ]
    best = f"α = {record['best']['alpha']:.3g}, update {record['best']['step']:,}"
    return f"{'; '.join(ways)}. At a weight of {record['prefer']:g} for realism the best is {best}."


PARTS = {"frontier": lambda record: [summary(record), curve(record)]}


def main(run: Path) -> None:
    """Copy what a run has."""
    for file in ("frontier.json", "frontier.png"):
        shutil.copyfile(run / file, RESULTS / file)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
