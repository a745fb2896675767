"""Log ratios: their histograms on both sides, and their field in the plane."""

import numpy as np
from matplotlib.figure import Figure

from .records import Array
from .style import BLUE, INK, LIGHT_RED, LINE, MUTED, SMALL, TEXT, WIDTH, plain

BINS = 50


def ratio_histogram(data: Array, model: Array) -> Figure:
    """Histograms of f = log q − log p, at samples of the data and at those of the model.

    Where the model is the data both are one peak at 0; the first 0.5 % on either side are left out.

    Args:
        data: Log ratios at real samples, ``(N,)``.
        model: Those at generated samples, ``(M,)``.
    """
    figure = Figure(figsize=(WIDTH * 0.6, 2.8), layout="constrained")
    axes = figure.add_subplot()
    both = np.nan_to_num(np.concatenate([data, model]), posinf=0.0, neginf=0.0)
    low, high = np.percentile(both, [0.5, 99.5])
    edges = np.linspace(min(low, -0.1), max(high, 0.1), BINS + 1)
    sides = ((data, LIGHT_RED, "data", True), (model, BLUE, "model", False))
    for values, color, name, filled in sides:
        density, _ = np.histogram(values, edges, density=True)
        axes.stairs(density, edges, fill=filled, color=color, label=name, linewidth=1.8)
    axes.axvline(0, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_xlabel("log ratio f = log q − log p, in nats", color=MUTED, fontsize=SMALL)
    axes.set_yticks([])
    plain(axes)
    axes.legend(frameon=False, fontsize=TEXT, labelcolor=INK)
    return figure


def density_and_field(model: Array, data: Array, field: Array, low: Array, high: Array) -> Figure:
    """In the plane, the density of generated points, and the log ratio at every place.

    Args:
        model: Generated points, ``(N, 2)``.
        data: Points of the data, ``(M, 2)``.
        field: Log ratios, ``(rows, columns)`` from the lower left to the upper right.
        low: Lower left corner, ``(2,)``.
        high: Upper right corner, ``(2,)``.
    """
    figure = Figure(figsize=(WIDTH * 0.9, WIDTH * 0.45), layout="constrained")
    left, right = figure.subplots(1, 2)
    extent = (low[0], high[0], low[1], high[1])
    edges = [np.linspace(*span, BINS + 1) for span in zip(low, high, strict=True)]
    counts, _, _ = np.histogram2d(model[:, 0], model[:, 1], bins=edges)
    left.imshow(counts.T, origin="lower", extent=extent, cmap="Blues", aspect="equal")
    left.scatter(*data[:, :2].T, s=2, color=LIGHT_RED, linewidths=0)
    left.set_title("density of the model, and the data in red", loc="left", fontsize=TEXT)
    most = max(float(np.abs(np.nan_to_num(field)).max()), 1e-6)
    drawn = right.imshow(
        field, origin="lower", extent=extent, cmap="RdBu_r", vmin=-most, vmax=most, aspect="equal"
    )
    right.set_title("log ratio: red where data are missed", loc="left", fontsize=TEXT)
    bar = figure.colorbar(drawn, ax=right, shrink=0.8)
    bar.ax.tick_params(labelsize=SMALL, colors=MUTED, length=0)
    bar.outline.set_visible(False)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        axes.spines[:].set_color(LINE)
    return figure
