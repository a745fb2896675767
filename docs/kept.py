"""Fill docs/results.md where it is about what is kept of Step I, its arm, VAEs and CIFAR-10.

python docs/kept.py

What an experiment wrote lies in docs/results, its JSON and its picture. Where there is none, its
place in the page is left as it is; where there is no picture, as of faces, it has none.
"""

from pathlib import Path
from statistics import fmean
from typing import Any

from pages import changed_by, changes, claims, in_words, plus_minus, put, recorded, table

from alpha_bridge.metrics.definition import label
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.plots import step_one
from experiments import bridge_vae, figure1, figure5, figure6, search5, table_cifar10
from experiments.comparison import metric_names
from experiments.scores import spread
from experiments.watched import last

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


def since(record: Record) -> str:
    """The distance by updates since Step I, and that of each GAN alone after as many in all."""
    (name,) = metric_names(record, "frechet_distance")
    first, *_ = record["settings"]["ends_of_steps"]
    alone = [method for method in record["settings"]["methods"] if method.startswith("rkl-gp")]
    steps = {row["step"] for run in record["runs"] for row in run["evaluations"]}
    rows = [
        [
            f"{step:,}",
            _cell(record, "alpha-bridge", first + step, name),
            *(_cell(record, method, step, name) for method in alone),
        ]
        for step in sorted(steps)
        if step % 1000 == 0 and first + step in steps
    ]
    bridge = f"{label(name)}: alpha-bridge, since the end of Step I"
    return table(["updates", bridge, *(f"{method}, in all" for method in alone)], rows)


def attempts(record: Record) -> str:
    """What each attempt came to, and what it changes."""
    names = metric_names(record, *search5.METRICS)
    rows = []
    for run in record["runs"]:
        first = [*step_one(run["evaluations"]), {}][0]
        end = run["evaluations"][-1]
        begun = [first[name] for name in names if name in first]
        ended = [end[name] for name in names if name in end]
        rows.append(
            [
                run["method"],
                in_words(changed_by(run, PRESETS[record["settings"]["preset"]])),
                " / ".join(f"{value:.4g}" for value in begun),
                " / ".join(f"{value:.4g}" for value in ended),
            ]
        )
    spoken = " / ".join(map(label, names))
    head = ["attempt", "changes in the preset", "end of Step I: distance / error", f"end: {spoken}"]
    return table(head, rows)


def arms(record: Record) -> str:
    """What each method's arm is worth at the end, and how well single attributes are reached."""
    methods = last(record)
    rows = [
        [label(name), *(_ended(methods[method].get(name)) for method in methods)]
        for name in metric_names(record, *figure6.METRICS)
    ]
    parts = [table(["at the end", *methods], rows)]
    if record["judge"]:
        parts.append(_attributes(record, [*methods]))
    return "\n\n".join(parts)


def _attributes(record: Record, methods: list[str]) -> str:
    """How sure the judge is of each attribute, and the share of edits that reach it."""
    strength = figure6.CLAIMED
    place = record["settings"]["strengths"].index(strength)
    rows = []
    for told in record["judge"]:
        low, high = told["interval"]
        cells = [f"{told['accuracy']:.2f} ({low:.2f} to {high:.2f})"]
        for subject in figure6.SUBJECTS:
            for method in methods:
                reached = [
                    row["reached"][place]
                    for run in record["runs"]
                    for row in run["edits"]
                    if run["method"] == method
                    and (row["subject"], row["attribute"]) == (subject, told["attribute"])
                ]
                cells.append(f"{fmean(reached):.2f}" if reached else "")
        rows.append([told["attribute"], *cells])
    asked = [f"{subject}: {method}" for subject in figure6.SUBJECTS for method in methods]
    return table([f"reached at strength {strength}", "the judge's accuracy", *asked], rows)


def _cell(record: Record, method: str, step: int, name: str) -> str:
    """Mean over trials, and their deviation where there are several."""
    values = [
        row[name]
        for run in record["runs"]
        for row in run["evaluations"]
        if run["method"] == method and row["step"] == step and name in row
    ]
    return plus_minus(fmean(values), float(spread(values))) if values else ""


def _ended(of: dict[str, float] | None) -> str:
    return "" if of is None else plus_minus(of["mean"], of["std"])


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
        "figure5": lambda record: "\n\n".join([figure(record, figure5.METRICS), since(record)]),
        "search5": attempts,
        "figure6-mnist": arms,
        "figure6": arms,
        "bridge-vae": lambda record: figure(record, bridge_vae.METRICS, 0),
        "table-cifar10": table_cifar10.table,
    }
    for name, record in recorded(RESULTS, parts):
        blocks = [told(record), parts[name](record).strip()]
        if "claims" in record:
            blocks.insert(1, claims(record))
        if (RESULTS / f"{name}.png").is_file():
            blocks.insert(0, f"![{name}](results/{name}.png)")
        if parts[name] is not attempts:  # which says what each changes beside what it came to
            blocks.append(changes(record))
        put(PAGE, name, "\n\n".join(blocks))


if __name__ == "__main__":
    main()
