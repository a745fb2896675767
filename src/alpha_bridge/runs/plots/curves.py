"""Numbers over updates, with the three steps of Algorithm 1 shaded."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...metrics.definition import is_diagnostic, title
from .records import Array, Record, metric_names, names_in, regions, series
from .style import (
    BLUE,
    DECISIONS,
    INK,
    MUTED,
    ORANGE,
    SERIES,
    SMALL,
    TEXT,
    WIDTH,
    phase_style,
    ruled,
)


def schedule(records: Sequence[Record]) -> Figure:
    """α and γ over updates, and where an adaptive path held α or took it back."""
    figure = Figure(figsize=(WIDTH, 2.6))
    place_panels(figure, 1, 1, left=0.34, right=0.15, bottom=0.4, top=0.2)
    axes = _updates_axes(figure.add_subplot(), records, named=True)
    axes.set(ylim=(-0.04, 1.04), yticks=[0, 0.5, 1])
    for name, symbol, color, dash in (("alpha", "α", BLUE, "-"), ("gamma", "γ", ORANGE, "--")):
        steps, values = series(records, name)
        axes.plot(steps, values, color=color, linestyle=dash, linewidth=2, label=symbol)
    _mark_decisions(axes, records)
    axes.legend(frameon=False, fontsize=TEXT, labelcolor=INK, loc="upper left", ncols=4)
    return figure


def _mark_decisions(axes: Axes, records: Sequence[Record]) -> None:
    """A band along the bottom: from each record to the next, where α was held or taken back.

    What α did on the way counts, since there may be several decisions between two records.
    """
    decided = [record for record in records if "control/direction" in record]
    steps, moved = series(decided, "alpha")[0], np.sign(np.diff(series(decided, "alpha")[1]))
    waiting = series(decided, "control/direction")[1][:-1] < 1
    done = np.where(waiting | (moved < 0), moved, 1)
    for direction, (name, color) in DECISIONS.items():
        spans = [(steps[i], steps[i + 1] - steps[i]) for i in np.flatnonzero(done == direction)]
        if spans:
            axes.broken_barh(spans, (-0.04, 0.05), color=color, label=name)


def losses(records: Sequence[Record]) -> Figure:
    """Every loss over updates, one panel each: as recorded, and its running mean."""
    names = [name for name in names_in(records) if name.startswith("loss/")]
    return _panels(records, names, lambda axes, name: _draw_noisy(axes, *series(records, name)))


def metric_curves(records: Sequence[Record]) -> Figure:
    """Every metric over updates, one panel each, with the three steps of Algorithm 1 shaded."""
    return _panels(
        records,
        metric_names(records),
        lambda axes, name: _draw_points(axes, *series(records, name)),
    )


def curves_of_runs(runs: Mapping[str, Sequence[Sequence[Record]]]) -> Figure:
    """Every metric over updates, one panel each, with a line for each run.

    Args:
        runs: By name, the records of each of its trials. Around the mean of several is a band of
            one standard deviation.
    """
    everything = [record for trials in runs.values() for record in trials[0]]

    def draw(axes: Axes, name: str) -> None:
        for (run, trials), color in zip(runs.items(), cycle(SERIES), strict=False):
            _draw_trials(axes, [series(records, name) for records in trials], color, run)

    figure = _panels([], metric_names(everything), draw)
    for axes in figure.axes[:1]:
        axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK)
    return figure


def _draw_trials(axes: Axes, trials: Sequence[tuple[Array, Array]], color: str, run: str) -> None:
    """The mean over trials at the updates that all have, in its band."""
    common = [*filter(len, (steps for steps, _ in trials))]
    if not common:
        return
    steps = reduce(np.intersect1d, common)
    values = np.array([of[np.isin(at, steps)] for at, of in trials if len(at)])
    mean = values.mean(0)
    axes.plot(steps, mean, color=color, linewidth=1.8, marker="o", markersize=3, label=run)
    if len(values) > 1:
        half = values.std(0, ddof=1)
        axes.fill_between(steps, mean - half, mean + half, color=color, alpha=0.2, linewidth=0)


def diagnostics(records: Sequence[Record]) -> Figure:
    """Diagnostics over updates, a panel each: σ, effective sample sizes, the twins."""
    names = [name for name in names_in(records) if is_diagnostic(name)]
    return _panels(records, names, lambda axes, name: _draw_noisy(axes, *series(records, name)))


def _panels(
    records: Sequence[Record],
    names: Sequence[str],
    draw: Callable[[Axes, str], None],
) -> Figure:
    """Small multiples over updates, one for each name."""
    columns = 3
    rows = max(1, -(-len(names) // columns))
    figure = Figure(figsize=(WIDTH, 2.4 * rows))
    place_panels(figure, rows, columns, left=0.56, right=0.1, bottom=0.26, top=0.5)
    for index, name in enumerate(names):
        axes = _updates_axes(figure.add_subplot(rows, columns, index + 1), records, named=False)
        measured, *protocol = title(name)
        axes.set_title(
            measured, loc="left", y=1, pad=27, color=INK, fontsize=TEXT, fontweight="bold"
        )
        axes.annotate(
            " · ".join(protocol),
            (0, 1),
            (0, 16),
            "axes fraction",
            "offset points",
            color=MUTED,
            fontsize=SMALL,
            in_layout=False,
        )
        draw(axes, name)
    return figure


def place_panels(
    figure: Figure, rows: int, columns: int, left: float, right: float, bottom: float, top: float
) -> None:
    """Leave equal margins, in inches, around each panel.

    They are stated because matplotlib's own layouts measure every label of every panel twice: that
    took a third of the time of a report.
    """
    width, height = figure.get_size_inches()
    panel_width, panel_height = width / columns - left - right, height / rows - bottom - top
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=(left + right) / panel_width,
        hspace=(bottom + top) / panel_height,
    )


def _draw_points(axes: Axes, steps: Array, values: Array) -> None:
    axes.plot(steps, values, color=BLUE, linewidth=1.8, marker="o", markersize=3.5, clip_on=False)


def _draw_noisy(axes: Axes, steps: Array, values: Array) -> None:
    axes.plot(steps, values, color=BLUE, alpha=0.3, linewidth=0.8)
    axes.plot(steps, _running_mean(values), color=BLUE, linewidth=1.8)
    if np.isfinite(values).any():
        low, high = np.nanpercentile(values, [0.5, 99.5])
        margin = 0.08 * (high - low) or 0.1 * max(abs(high), 1)
        axes.set_ylim(low - margin, high + margin)


def _running_mean(values: Array) -> Array:
    """Mean over a centred window of a twentieth of the curve, missing values left out."""
    half = len(values) // 40
    windows = [values[max(0, i - half) : i + half + 1] for i in range(len(values))]
    return np.array([w[np.isfinite(w)].mean() if np.isfinite(w).any() else np.nan for w in windows])


def _updates_axes(axes: Axes, records: Sequence[Record], named: bool) -> Axes:
    """Style axes whose abscissa is the number of updates, and mark the phases."""
    axes.set_title("", y=1)  # given a place, it is not sought among the labels
    ruled(axes)
    axes.xaxis.set_major_locator(MaxNLocator(8 if named else 4, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    marked = regions(records)
    for phase, begin, end in marked:
        numeral, name, shade, color = phase_style(phase)
        axes.axvspan(begin, end, color=shade, linewidth=0, zorder=0)
        full = f"{numeral} · {name}".strip(" ·")
        fits = named and (end - begin) / max(marked[-1].end, 1) > 0.007 * len(full)
        axes.annotate(
            full if fits else numeral,
            ((begin + end) / 2, 1),
            (0, 4),
            axes.get_xaxis_transform(),
            "offset points",
            color=color,
            fontsize=SMALL,
            ha="center",
            annotation_clip=False,
        )
    if marked:
        axes.set_xlim(0, max(marked[-1].end, 1))
    if named:
        axes.set_xlabel("updates", color=MUTED, fontsize=SMALL)
    return axes
