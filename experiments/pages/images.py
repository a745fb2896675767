"""The pages of experiments on images, on fixed latents and on tables in docs/results."""

from collections.abc import Callable
from statistics import fmean

from alpha_bridge.metrics.definition import METRICS, label
from alpha_bridge.metrics.deviation import spread

from .. import bridge_vae, categories, figure1, figure5, figure6, table_cifar10, tables
from ..framework import Record, last
from ..framework.evaluations import metric_names
from .markdown import plus_minus, table


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


def arms(record: Record) -> list[str]:
    """What each method's arm is worth at the end, and how well single attributes are reached."""
    methods = last(record["runs"])
    rows = [
        [label(name), *(_ended(methods[method].get(name)) for method in methods)]
        for name in metric_names(record, *figure6.METRICS)
    ]
    parts = [table(["at the end", *methods], rows)]
    if record["judge"]:
        parts.append(_attributes(record, [*methods]))
    return parts


def rebuilt(record: Record) -> list[str]:
    """Reconstructions of each set before and after each way, and what became of the grid."""
    metrics = ("reconstruction_distance", "psnr", "ssim", "sharpness", "latent_drift")
    names = metric_names(record, *metrics)
    methods = dict.fromkeys(run["method"] for run in record["runs"])
    rows = []
    for of in dict.fromkeys(method.split("/")[0] for method in methods):
        own = [method for method in methods if method.startswith(f"{of}/")]
        rows.append([of, "before", *(_cell(record, own[0], 0, name) for name in names)])
        for method in own:
            cells = (_cell(record, method, record["settings"]["steps"], name) for name in names)
            rows.append([of, method.split("/")[1], *cells])
    grid = [
        [way, f"{of['unharmed']} of {of['settings']}", f"{of['worst']:.2f}"]
        for way, of in record["unharmed"].items()
    ]
    headings = ["grid of settings", "end no further from the data", "worst, times the start's"]
    labels = ["data", "way", *map(label, names)]
    return [table(labels, rows), table(headings, grid)]


def gradients(record: Record) -> list[str]:
    """Bias and noise of each gradient of categories, its cost, and what its runs came to."""
    rows = []
    for way, of in record["gradients"].items():
        ends = categories.of_way(record, way, "kl")
        rows.append(
            [
                way,
                plus_minus(of["bias"], of["bias_error"], 3),
                f"{of['noise']:.3g}",
                f"{1e3 * categories.seconds(record, way):.2f}",
                plus_minus(fmean(ends), float(spread(ends))),
            ]
        )
    head = ["gradient", "bias", "noise of one", "milliseconds an update", METRICS["kl"].label]
    return [table(head, rows)]


def synthesized(record: Record) -> list[str]:
    """The rows of each method, a table for each data set."""
    parts = []
    for of in dict.fromkeys(run["set"] for run in record["runs"]):
        names = [name for name in tables.METRICS_SHOWN if tables.means(record, of, name)]
        methods = dict.fromkeys(run["method"] for run in record["runs"] if run["set"] == of)
        cells = [
            [method, *(_ended(tables.ends(record, of, method, name)) for name in names)]
            for method in methods
        ]
        parts.append(table([of, *(METRICS[name.split("/")[0]].label for name in names)], cells))
    return parts


def _attributes(record: Record, methods: list[str]) -> str:
    """How well each attribute is classified, and the share of edits that reach it."""
    strength = figure6.CLAIMED
    place = record["settings"]["strengths"].index(strength)
    rows = []
    for attribute in record["judge"]:
        low, high = attribute["interval"]
        cells = [f"{attribute['accuracy']:.2f} ({low:.2f} to {high:.2f})"]
        for subject in figure6.SUBJECTS:
            for method in methods:
                reached = [
                    row["reached"][place]
                    for run in record["runs"]
                    for row in run["edits"]
                    if run["method"] == method
                    and (row["subject"], row["attribute"]) == (subject, attribute["attribute"])
                ]
                cells.append(f"{fmean(reached):.2f}" if reached else "")
        rows.append([attribute["attribute"], *cells])
    asked = [f"{subject}: {method}" for subject in figure6.SUBJECTS for method in methods]
    return table([f"reached at strength {strength}", "the classifier's accuracy", *asked], rows)


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


PARTS: dict[str, Callable[[Record], list[str]]] = {
    "figure1": lambda record: [figure(record, figure1.METRICS)],
    "figure5": lambda record: [figure(record, figure5.METRICS), since(record)],
    "figure6-mnist": arms,
    "figure6": arms,
    "reconstructions": rebuilt,
    "tables": synthesized,
    "categories": gradients,
    "bridge-vae": lambda record: [figure(record, bridge_vae.METRICS, 0)],
    "table-cifar10": lambda record: [table_cifar10.table(record).strip()],
}
