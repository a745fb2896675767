"""Metrics of several methods along training: each trial, and their mean."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.metrics.definition import label
from alpha_bridge.runs.plots import BLUE, GAP, LINE, MUTED, ORANGE, PHASES, SMALL, TEXT
from alpha_bridge.runs.plots.pictures import mosaic_of, small
from alpha_bridge.runs.plots.records import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLORS",
    "curves",
    "metric_names",
    "name_columns",
    "shade_steps",
    "show_grid",
    "show_rows",
]

Record = Mapping[str, Any]

COLORS = {
    "alpha-bridge": BLUE,
    "naive": ORANGE,
    "rkl-gp": "#2a8f5a",
    "rkl-gp, slower β": "#8fbf3f",
    "js-gan": "#a33fd0",
    "ml": MUTED,
    "marginal": "#2a8f5a",
    "joint": "#a33fd0",
    "ali": ORANGE,
}
"""A colour for each method."""


def metric_names(record: Record, *metrics: str) -> list[str]:
    """Whole names of ``metrics`` in a record, in the order in which they are asked for."""
    rows = [row for run in record["runs"] for row in run["evaluations"]]
    found = dict.fromkeys(name for row in rows for name in row)
    return [name for metric in metrics for name in found if name.split("/")[0] == metric]


def curves(axes: "Axes", record: Record, name: str) -> None:
    """Draw one metric over the updates, a thin line for each trial and a thick one for the mean."""
    methods = dict.fromkeys(run["method"] for run in record["runs"])
    for method in methods:
        rows = [
            {row["step"]: row[name] for row in run["evaluations"] if name in row}
            for run in record["runs"]
            if run["method"] == method
        ]
        color = COLORS[method]
        for row in rows:
            axes.plot([*row], [*row.values()], color=color, alpha=0.35, linewidth=0.8)
        steps = sorted(set.intersection(*map(set, rows)))
        means = [np.mean([row[step] for row in rows]) for step in steps]
        axes.plot(steps, means, color=color, linewidth=1.8, label=method)
    axes.set_title(label(name), loc="left", fontsize=TEXT)
    axes.set_xlabel("updates", color=MUTED, fontsize=SMALL)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.tick_params(colors=MUTED, labelsize=SMALL, length=0)


def shade_steps(axes: "Axes", ends: Sequence[int]) -> None:
    """Shade Steps I, II and III of the bridge, given the updates at which each ends."""
    begins = [0, *ends]
    for (_, _, shade, _), begin, end in zip(PHASES.values(), begins, ends, strict=False):
        axes.axvspan(begin, end, color=shade, linewidth=0, zorder=0)
    axes.set_xlim(0, ends[-1])


def show_rows(axes: "Axes", images: Array) -> None:
    """Draw images ``(rows, columns, H, W, C)`` side by side."""
    show_grid(axes, images.reshape(-1, *images.shape[2:]), images.shape[1])


def show_grid(axes: "Axes", images: Array, columns: int) -> None:
    """Draw images ``(N, H, W, C)`` side by side, row after row."""
    axes.imshow(mosaic_of(small(images), columns), interpolation="none")
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])


def name_columns(axes: "Axes", words: Sequence[str]) -> None:
    """Write a name above each column of what :func:`show_rows` drew."""
    pitch = (axes.get_xlim()[1] + 0.5 + GAP) / len(words)
    centers = [(column + 0.5) * pitch - GAP / 2 - 0.5 for column in range(len(words))]
    axes.xaxis.tick_top()
    axes.set_xticks(centers, words, color=MUTED, fontsize=SMALL)
    axes.tick_params(length=0)
