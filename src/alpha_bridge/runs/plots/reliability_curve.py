"""The reliability of log ratios: shares of the data that are found over those that are expected."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from .style import BLUE, INK, LINE, MUTED, ORANGE, SMALL, TEXT, WIDTH


def reliability_curve(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """A line of points for each curve, beside the diagonal, on which all would lie.

    Args:
        curves: Expected and found shares in [0, 1], by name; the first before calibration.
    """
    figure = Figure(figsize=(WIDTH * 0.45, WIDTH * 0.4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.5)
    for color, (name, (expected, found)) in zip((ORANGE, BLUE), curves.items(), strict=True):
        axes.plot(expected, found, color=color, marker="o", markersize=4, label=name)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel("share of the data expected, σ(f)", color=MUTED, fontsize=SMALL)
    axes.set_ylabel("share found", color=MUTED, fontsize=SMALL)
    axes.tick_params(colors=MUTED, labelsize=SMALL)
    axes.spines[:].set_color(LINE)
    axes.legend(frameon=False, fontsize=TEXT, labelcolor=INK, loc="upper left")
    return figure
