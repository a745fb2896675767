"""Write README's pictures and table from two runs that have ended.

python -m experiments.pages.readme MNIST GAUSSIANS25
"""

import json
import sys
from pathlib import Path
from typing import Any

from alpha_bridge import Run
from alpha_bridge.metrics.definition import metrics_of
from alpha_bridge.runs import plots

from .markdown import DOCS, put

COMMANDS = {
    "mnist": "alpha-bridge train mnist --steps 3000 --seed 0",
    "gaussians25": "alpha-bridge train gaussians25 --steps 10000 --seed 0",
}


def results(run: Run) -> dict[str, Any]:
    """Metrics at the end of Step I and at the end of a run, and how long it took."""
    evaluated = [record for record in run.records if metrics_of(record)]
    first = plots.step_one(evaluated)[-1]
    last = evaluated[-1]
    return {
        "seconds": last["seconds"],
        "modes": {r["step"]: r[n] for r in evaluated for n in r if n.startswith("modes")},
        "first": metrics_of(first),
        "last": metrics_of(last),
    }


def table(name: str, result: dict[str, Any]) -> list[str]:
    """Rows of README's table."""
    rows = [
        (metric, f"{result['first'].get(metric, float('nan')):.4g}", f"{value:.4g}")
        for metric, value in result["last"].items()
    ]
    head = f"`{COMMANDS[name]}` ({result['seconds']:.0f} s)"
    lines = [head, "", "| metric | end of Step I | end |", "|---|---|---|"]
    return [*lines, *(f"| {' | '.join(row)} |".replace("nan", "") for row in rows), ""]


def main(mnist: Path, gaussians25: Path) -> None:
    """Write pictures, results.json and the table."""
    runs = {"mnist": Run.open(mnist), "gaussians25": Run.open(gaussians25)}
    folder = DOCS / "readme"
    plots.through_time(runs["mnist"].samples, runs["mnist"].records).savefig(folder / "mnist.png")
    plots.scatter_through_time(
        runs["gaussians25"].samples,
        list(runs["gaussians25"].reconstructions.values())[-1][0],
        runs["gaussians25"].records,
    ).savefig(folder / "gaussians25.png")
    found = {name: results(run) for name, run in runs.items()}
    (folder / "results.json").write_text(json.dumps(found, indent=2) + "\n")
    rows = "\n".join(line for name, result in found.items() for line in table(name, result))
    put(DOCS.parent / "README.md", "results", rows)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
