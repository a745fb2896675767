"""What the figures of the experiments have in common; matplotlib is imported when one is drawn."""

from typing import TYPE_CHECKING

import numpy as np

from .scores import ALL_MODES, Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["scale", "scatter", "style"]

LEVELS = (-1000, -300, -100, -30, -10, -5, -3, -2, -1)


def style(axes: "Axes") -> None:
    """Leave of the frame the lower edge, and of the grid the horizontal lines."""
    from alpha_bridge.runs.plots import LINE, MUTED, SMALL

    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=SMALL, length=0)


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
        axes.set_ylim(0, 1.04 * (1 if metric == "high_quality" else ALL_MODES))


def scatter(axes: "Axes", data: Array, points: Array, color: str) -> None:
    """Draw samples of a model over those of the data, in a square that the data decide.

    Args:
        axes: Where to draw.
        data: Points of the data, shape ``(N, 2)``.
        points: Points of the model, shape ``(M, 2)``.
        color: Of the model.
    """
    from alpha_bridge.runs.plots import LIGHT_RED, LINE

    axes.scatter(data[:, 0], data[:, 1], s=8, c=LIGHT_RED, linewidths=0)
    axes.scatter(points[:, 0], points[:, 1], s=2, c=color, alpha=0.6, linewidths=0)
    half = 1.2 * float(np.abs(data).max())
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)
