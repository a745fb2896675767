"""Originals beside their reconstructions."""

from matplotlib.figure import Figure

from .pictures import strips
from .points import legend_above, scatter
from .records import Array
from .style import BLUE, LIGHT_RED, LINE, WIDTH

__all__ = ["reconstructions"]


def reconstructions(pairs: Array) -> Figure:
    """Originals and their reconstructions.

    Images lie one above the other, points are joined by a line.

    Args:
        pairs: uint8 ``(2, N, H, W, C)``, or points ``(2, N, D)`` with D two or more; the first
            twelve images, the first 500 points.
    """
    return _images(pairs[:, :12]) if pairs.ndim == 5 else _points(pairs[:, :500, :2])


def _images(pairs: Array) -> Figure:
    return strips(pairs, columns=(), rows=["original", "reconstruction"])


def _points(pairs: Array) -> Figure:
    originals, decoded = pairs
    figure = Figure(figsize=(WIDTH * 0.55, WIDTH * 0.55), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*pairs.transpose(2, 0, 1), color=LINE, linewidth=0.8, zorder=0)
    scatter(axes, originals, LIGHT_RED, "original", size=10)
    scatter(axes, decoded, BLUE, "reconstruction", size=10)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)
    legend_above(axes, columns=2)
    return figure
