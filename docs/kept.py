"""Fill the parts of docs/results.md on what is kept of Step I, on trained VAEs and on CIFAR-10.

python docs/kept.py

What an experiment wrote lies in docs/results, its JSON and its picture. Where there is none, its
place in the page is left as it is.
"""

from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from pages import claims, put, recorded, table

from alpha_bridge.experiments import bridge_vae, figure1, figure5, search5, table_cifar10
from alpha_bridge.experiments.comparison import metric_names
from alpha_bridge.plots import label

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE / "results.md"

Record = dict[str, Any]


def figure(record: Record, metrics: tuple[str, ...], *before: int) -> str:
    """Metrics of each method after the updates ``before`` and at the ends of the bridge's steps."""
    names = metric_names(record, *metrics)
    rows = [
        [method, f"{step:,}", *(_cell(record, method, step, name) for name in names)]
        for method in dict.fromkeys(run["method"] for run in record["runs"])
        for step in (*before, *record["settings"]["ends_of_steps"])
    ]
    return table(["method", "updates", *map(label, names)], rows)


def attempts(record: Record) -> str:
    """What each attempt came to, and what it changes."""
    names = metric_names(record, *search5.METRICS)
    rows = []
    for run in record["runs"]:
        first, last = run["evaluations"][0], run["evaluations"][-1]
        begun = [first[name] for name in names if name in first and first["phase"] == "ml"]
        ended = [last[name] for name in names if name in last]
        changes = record["settings"]["methods"][run["method"]]
        rows.append(
            [
                run["method"],
                ", ".join(f"`{key}` {value}" for key, value in changes.items()),
                " / ".join(f"{value:.4g}" for value in begun),
                " / ".join(f"{value:.4g}" for value in ended),
            ]
        )
    spoken = " / ".join(map(label, names))
    head = ["attempt", "changes in the preset", "end of Step I: distance / error", f"end: {spoken}"]
    return table(head, rows)


def _cell(record: Record, method: str, step: int, name: str) -> str:
    """Mean over trials, and their deviation where there are several."""
    values = [
        row[name]
        for run in record["runs"]
        for row in run["evaluations"]
        if run["method"] == method and row["step"] == step and name in row
    ]
    mean = f"{fmean(values):.4g}" if values else ""
    return f"{mean} ± {pstdev(values):.2g}" if len(values) > 1 else mean


def settings(record: Record) -> str:
    """What each method changes in the preset, all of it ours."""
    rows = [
        [method, ", ".join(f"`{key}` {value}" for key, value in values.items())]
        for method, values in record["settings"]["methods"].items()
    ]
    return table(["method", f"changes in the preset `{record['settings']['preset']}` (ours)"], rows)


def told(record: Record) -> str:
    """How many runs, how long, with which seeds."""
    given, minutes = record["settings"], sum(run["seconds"] for run in record["runs"]) / 60
    first, last = given["seed"], given["seed"] + given["trials"] - 1
    seeds = f"one seed, {first}" if first == last else f"seeds {first} to {last}"
    runs = f"{len(record['runs'])} runs, {minutes:.0f} minutes; {seeds}."
    return f"**A quick miniature, not the experiment.** {runs}" if given["quick"] else runs


def main() -> None:
    """Fill what there is."""
    parts = {
        "figure1": lambda record: figure(record, figure1.METRICS),
        "figure5": lambda record: figure(record, figure5.METRICS),
        "search5": attempts,
        "bridge-vae": lambda record: figure(record, bridge_vae.METRICS, 0),
        "table-cifar10": table_cifar10.table,
    }
    for name, record in recorded(RESULTS, parts):
        picture = f"![{name}](results/{name}.png)"
        blocks = [picture, told(record), parts[name](record).strip()]
        if "claims" in record:
            blocks.insert(2, claims(record))
        if parts[name] is not attempts:  # which says what each changes beside what it came to
            blocks.append(settings(record))
        put(PAGE, name, "\n\n".join(blocks))


if __name__ == "__main__":
    main()
