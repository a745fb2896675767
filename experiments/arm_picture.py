"""The picture of what the inference arms of several methods are worth."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from alpha_bridge.runs.plots import MUTED, SMALL, TEXT, WIDTH, ruled
from alpha_bridge.runs.plots.pictures import small
from alpha_bridge.runs.plots.records import Array

from .arm import STRENGTHS, SUBJECTS
from .framework import Samples
from .framework.drawing import COLORS, name_columns, show_rows
from .framework.evaluations import metric_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw"]

Record = Mapping[str, Any]


def draw(record: Record, samples: Samples) -> "Figure":
    """Reconstructions and edits of each method, and its numbers.

    Args:
        record: As :func:`experiments.figure6.measure_on` gives it.
        samples: By method and kind, under the number of updates, uint8
            ``(rows, columns, H, W, C)``.

    Returns:
        For each method a panel of generated and one of held-out images, each image with its
        reconstruction and edits; below them a panel for each kind of number.
    """
    from matplotlib.figure import Figure

    settings = record["settings"]
    methods = dict.fromkeys(name.split("/")[0] for name in samples)
    figure = Figure(figsize=(WIDTH, 2.9 * len(methods) + 2.8), layout="constrained")
    grid = figure.add_gridspec(len(methods) + 1, 4)
    titles = ["image", "again", *map(_title_of, settings["shown"])]
    for row, method in enumerate(methods):
        for half, subject in enumerate(reversed(SUBJECTS)):
            axes = figure.add_subplot(grid[row, 2 * half : 2 * half + 2])
            (images,) = samples[f"{method}/{subject}"].values()
            show_rows(axes, _small(images))
            axes.set_ylabel(f"{method}, {subject}", fontsize=TEXT)
            name_columns(axes, titles)
    for column, metric in enumerate(("reconstruction_error", "feature_distance")):
        _errors(figure.add_subplot(grid[-1, column]), record, metric)
    for column, metric in enumerate(("edits_reached", "others_changed"), 2):
        _edits(figure.add_subplot(grid[-1, column]), record, metric)
    figure.axes[-4].legend(frameon=False, fontsize=SMALL)
    if settings["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure


def _title_of(attribute: str) -> str:
    """An attribute as the title of a narrow column: a class by its name, a long name in lines."""
    return attribute.split("=")[-1].replace("_", "\n")


def _small(images: Array) -> Array:
    flat = small(images.reshape(-1, *images.shape[2:]))
    return flat.reshape(*images.shape[:2], *flat.shape[1:])


def _numbers(record: Record, metric: str) -> Iterator[tuple[str, str, list[float]]]:
    """Of each method, whole names of a metric, and the number of each trial at the end."""
    names = metric_names(record, metric)
    for method in dict.fromkeys(run["method"] for run in record["runs"]):
        rows = [run["evaluations"][-1] for run in record["runs"] if run["method"] == method]
        for name in names:
            yield method, name, [row[name] for row in rows if name in row]


def _errors(axes: "Axes", record: Record, metric: str) -> None:
    """A point for each trial: held-out images on the left, generated ones on the right."""
    for method, name, values in _numbers(record, metric):
        place = int(name.split("/")[1].endswith(SUBJECTS["generated"]))
        label = None if place else method
        axes.plot([place] * len(values), values, "o", color=COLORS[method], alpha=0.7, label=label)
    axes.set_xticks(range(len(SUBJECTS)), SUBJECTS)
    axes.set_xlim(-0.5, 1.5)
    _title(axes, metric)


def _edits(axes: "Axes", record: Record, metric: str) -> None:
    """Means over trials by strength: a line for held-out images, a broken one for generated."""
    lines: dict[tuple[str, bool], list[float]] = {}
    for method, name, values in _numbers(record, metric):
        generated = name.split("/")[1].endswith(SUBJECTS["generated"])
        lines.setdefault((method, generated), []).append(sum(values) / max(len(values), 1))
    for (method, generated), values in lines.items():
        axes.plot(STRENGTHS, values, "--" if generated else "-", color=COLORS[method], marker=".")
    axes.set_xlabel("strength", color=MUTED, fontsize=SMALL)
    axes.set_xticks(STRENGTHS)
    _title(axes, metric)


def _title(axes: "Axes", metric: str) -> None:
    axes.set_title(metric.replace("_", " ").capitalize(), loc="left", fontsize=TEXT)
    axes.set_ylim(0, 1.1 * max(axes.dataLim.y1, 0) or 1)
    ruled(axes)
