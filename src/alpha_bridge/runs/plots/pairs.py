"""Originals beside their reconstructions."""

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from .pictures import strips
from .points import legend_above, scatter
from .records import Array
from .style import BLUE, LIGHT_RED, LINE, WIDTH

__all__ = ["reconstructions"]


NAMES = ("original", "reconstruction")


def reconstructions(pairs: Array, names: tuple[str, str] = NAMES) -> Figure:
    """Originals and their reconstructions, or what else is made of them.

    Images lie one above the other, points are joined by a line.

    Args:
        pairs: uint8 ``(2, N, H, W, C)``, or points ``(2, N, D)`` with D two or more; the first
            twelve images, the first 500 points.
        names: Of both sides.
    """
    if pairs.ndim == 5:
        return strips(pairs[:, :12], columns=(), rows=names)
    return _points(pairs[:, :500, :2], *names)


def _points(pairs: Array, before: str, after: str) -> Figure:
    originals, decoded = pairs
    figure = Figure(figsize=(WIDTH * 0.55, WIDTH * 0.55), layout="constrained")
    axes = figure.add_subplot()
    joined = LineCollection([*pairs.transpose(1, 0, 2)], colors=LINE, linewidths=0.8, zorder=0)
    axes.add_collection(joined)
    scatter(axes, originals, LIGHT_RED, before, size=10)
    scatter(axes, decoded, BLUE, after, size=10)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)
    legend_above(axes, columns=2)
    return figure
