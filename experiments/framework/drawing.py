"""What the figures of the experiments share; matplotlib is imported when one is drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.metrics.definition import label
from alpha_bridge.runs.mosaic import GAP, mosaic_of
from alpha_bridge.runs.plots import BLUE, LIGHT_RED, LINE, MUTED, ORANGE, PHASES, SMALL, TEXT, ruled
from alpha_bridge.runs.plots.pictures import small

from .scores import ALL_MODES, Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLORS",
    "curves",
    "name_columns",
    "scale",
    "scatter",
    "shade_steps",
    "show_grid",
    "show_rows",
]

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
"""A colour for each method of the comparisons on images."""

LEVELS = (-1000, -300, -100, -30, -10, -5, -3, -2, -1)


def scale(axes: "Axes", metric: str) -> None:
    """Set the range of a score, and for log-likelihoods, which fall far, a scale of magnitudes."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    if metric == "log_likelihood":
        axes.set_yscale("symlog", linthresh=-LEVELS[-1])
        axes.set_ylim(top=LEVELS[-1])
        axes.yaxis.set_major_locator(FixedLocator(LEVELS))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        axes.set_ylim(0, 1.04 * ALL_MODES)


def scatter(axes: "Axes", data: Array, points: Array, color: str) -> None:
    """Draw samples of a model over those of the data, both ``(N, 2)``, in the data's square."""
    axes.scatter(data[:, 0], data[:, 1], s=8, c=LIGHT_RED, linewidths=0)
    axes.scatter(points[:, 0], points[:, 1], s=2, c=color, alpha=0.6, linewidths=0)
    half = 1.2 * float(np.abs(data).max())
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)


def curves(axes: "Axes", runs: Sequence[Mapping[str, Any]], name: str) -> None:
    """Draw one metric over the updates, a thin line for each trial and a thick one for the mean."""
    for method in dict.fromkeys(run["method"] for run in runs):
        rows = [
            {row["step"]: row[name] for row in run["evaluations"] if name in row}
            for run in runs
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
    ruled(axes)


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


def name_columns(axes: "Axes", names: Sequence[str]) -> None:
    """Write a name above each column of what :func:`show_rows` drew."""
    pitch = (axes.get_xlim()[1] + 0.5 + GAP) / len(names)
    centers = [(column + 0.5) * pitch - GAP / 2 - 0.5 for column in range(len(names))]
    axes.xaxis.tick_top()
    axes.set_xticks(centers, names, color=MUTED, fontsize=SMALL)
    axes.tick_params(length=0)
