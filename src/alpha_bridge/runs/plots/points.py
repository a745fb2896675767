"""Points in the plane: the model over the data, and originals beside reconstructions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .pictures import strips
from .records import Array, Record, evenly, phase_at
from .style import BLUE, INK, LIGHT_RED, LINE, SMALL, TEXT, WIDTH, phase_style


def scatter_through_time(
    samples: Mapping[int, Array], data: Array | None = None, records: Sequence[Record] = ()
) -> Figure:
    """Points at up to eight steps, the model in blue over the data in light red.

    As Figure 3 of the paper. The first two coordinates are shown, of at most 3000 points.

    Args:
        samples: Points, ``(N, D)`` with D two or more, by the number of updates done.
        data: Points of the data, ``(M, D)``.
        records: Records in order of ``step``, to name the phases.
    """
    steps = evenly(sorted(samples), 8)
    columns = min(4, len(steps))
    rows = -(-len(steps) // columns)
    size = WIDTH / 4
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(size * columns, (size + 0.25) * rows), layout=layout)
    reference = np.concatenate([samples[step] for step in steps]) if data is None else data
    finite = np.nan_to_num(reference[:, :2], posinf=0.0, neginf=0.0)
    low, high = np.percentile(finite, [0.5, 99.5], axis=0)
    center, half = (low + high) / 2, max(*(high - low), 1e-6) * 0.58
    for index, step in enumerate(steps):
        axes = figure.add_subplot(rows, columns, index + 1)
        if data is not None:
            _scatter(axes, data, LIGHT_RED, "data", size=12)
        _scatter(axes, samples[step], BLUE, "model")
        axes.set(
            xlim=(center[0] - half, center[0] + half),
            ylim=(center[1] - half, center[1] + half),
            aspect="equal",
            xticks=[],
            yticks=[],
        )
        axes.spines[:].set_color(LINE)
        axes.set_title(f"{step:,}", loc="left", y=1, color=INK, fontsize=TEXT, fontweight="bold")
        numeral, name, _, color = phase_style(phase_at(step, records))
        phase = f"{numeral} · {name}".strip(" ·")
        axes.set_title(phase, loc="right", y=1, color=color, fontsize=SMALL)
    return figure


def scatter_marked(data: Array, model: Array, marked: Array) -> Figure:
    """Points of the model over those of the data, some of which are ringed: ``(N, D)`` each.

    The first two coordinates are shown, of at most 3000 points.
    """
    axes = _square()
    _scatter(axes, data, LIGHT_RED, "data", size=12)
    _scatter(axes, model, BLUE, "model")
    x, y = marked[:, :2].T
    axes.scatter(x, y, s=40, facecolors="none", edgecolors=INK, linewidths=0.8, label="missed")
    return _with_legend(axes, columns=3)


def reconstructions(pairs: Array, names: Sequence[str] = ("original", "reconstruction")) -> Figure:
    """Originals and their reconstructions, or what else is made of them, each under its name.

    Images, uint8 ``(k, N, H, W, C)``, lie one above the other, the first twelve; points
    ``(2, N, D)`` are joined by a line, the first 500.
    """
    if pairs.ndim == 5:
        return strips(pairs[:, :12], columns=(), rows=names)
    shown = pairs[:, :500, :2]
    axes = _square()
    lines = [*shown.transpose(1, 0, 2)]
    axes.add_collection(LineCollection(lines, colors=LINE, linewidths=0.8, zorder=0))
    for points, color, name in zip(shown, (LIGHT_RED, BLUE), names, strict=True):
        _scatter(axes, points, color, name, size=10)
    return _with_legend(axes, columns=2)


def _square() -> Axes:
    figure = Figure(figsize=(WIDTH * 0.55, WIDTH * 0.55), layout="constrained")
    axes = figure.add_subplot()
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)
    return axes


def _with_legend(axes: Axes, columns: int) -> Figure:
    """Name what is drawn, in one row over the right end of the axes."""
    axes.legend(
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=columns,
    )
    figure = axes.figure
    assert isinstance(figure, Figure)
    return figure


def _scatter(axes: Axes, points: Array, color: str, name: str, size: float = 3.0) -> None:
    """Draw the first two coordinates of at most 3000 points."""
    shown = points[:3000]
    axes.scatter(
        shown[:, 0],
        shown[:, 1],
        s=size,
        c=color,
        alpha=0.6,
        linewidths=0,
        label=name,
        rasterized=True,
    )
