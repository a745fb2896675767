"""Columns of a table: what real rows hold beside what generated rows hold."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import printable
from ...metrics.table_profile import CellShares, TableProfile
from .curves import place_panels
from .records import Array
from .style import BLUE, INK, LIGHT_RED, LINE, MUTED, SMALL, TEXT, WIDTH, plain

BARS = 8
"""Categories of a column that have bars of their own; the rest have one together."""
SPIKES = 3
"""Values set apart from numbers that have bars of their own."""
COLORS = (LIGHT_RED, BLUE)
"""Of real and of generated rows."""
FACTOR = 2
"""By which the share of a rare category may be off."""
NAMED = 6
"""Categories that are named, at most: those which are off most, and by more than chance."""
NEAR = 0.1
"""Powers of ten between two dots whose names would cover one another."""
DEVIATIONS = 3.0
"""Standard errors of the difference of two shares that chance does not explain."""


def marginals(columns: Sequence[CellShares]) -> Figure:
    """The shares of each column, one panel each, real beside generated: bars, and bins of numbers.

    The real rows are light red, the generated ones blue. A panel's number is how far both agree,
    1 − total variation.
    """
    across = 4
    down = max(1, -(-len(columns) // across))
    figure = Figure(figsize=(WIDTH, 1.75 * down))
    place_panels(figure, down, across, left=0.9, right=0.12, bottom=0.28, top=0.34)
    for place, column in enumerate(columns, start=1):
        axes = plain(figure.add_subplot(down, across, place), SMALL - 1)
        axes.set_title(
            _short(column.name, 17),
            loc="left",
            color=INK,
            fontsize=TEXT,
            fontweight="bold",
            parse_math=False,
        )
        agreement = f"{column.agreement:.2f}"
        axes.set_title(agreement, loc="right", color=MUTED, fontsize=SMALL)
        (_histogram if column.ends else _bars)(axes, column)
    return figure


def _bars(axes: Axes, column: CellShares) -> None:
    """The commonest categories from the top, and the others together."""
    names, sides = _commonest(column.values, np.array([column.real, column.generated]), BARS, 15)
    places = np.arange(len(names))
    for side, color, shift in zip(sides, COLORS, (-0.2, 0.2), strict=True):
        axes.barh(places + shift, side, 0.4, color=color)
    axes.set_yticks(places, names, color=MUTED, fontsize=SMALL - 1, parse_math=False)
    axes.invert_yaxis()
    axes.set_xticks([0, largest := round(float(sides.max()), 2)], ["0", f"{largest:.0%}"])


def _histogram(axes: Axes, column: CellShares) -> None:
    """What is set apart as bars on the left, and the bins of the numbers."""
    count = len(column.values)
    both = np.array([column.real, column.generated])
    names, apart = _commonest(column.values, both[:, :count], SPIKES, 11)
    for side, color, shift in zip(apart, COLORS, (-0.8, 0.8), strict=True):
        axes.bar(4 * np.arange(len(names)) + shift, side, 1.6, color=color)
    bins, begin = both[:, count:], 4 * len(names)
    edges = begin + np.arange(bins.shape[1] + 1)
    if names:  # beside a spike, a density is too low to be seen
        bins = bins * apart.max() / max(bins.max(), 1e-9)
    axes.stairs(bins[0], edges, fill=True, color=LIGHT_RED)
    axes.stairs(bins[1], edges, color=BLUE, linewidth=1.4)
    axes.set_xticks(
        [*(4 * np.arange(len(names))), begin, edges[-1]],
        [*_on_two_lines(names), *(_short(end, 10) for end in column.ends or ())],
        color=MUTED,
        fontsize=SMALL - 1,
        parse_math=False,
    )
    first, last = axes.get_xticklabels()[-2:]
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    axes.set_yticks([])


def _on_two_lines(names: Sequence[str]) -> list[str]:
    """Names below bars that stand close: the last of all, and every second before it, lower down.

    Example:
        >>> _on_two_lines(["0", "99999"])
        ['0', '\\n99999']
    """
    lower = ((len(names) - at) % 2 and len(name) > 2 for at, name in enumerate(names))
    return [f"\n{name}" if low else name for name, low in zip(names, lower, strict=True)]


def _commonest(
    names: Sequence[str], shares: Array, most: int, letters: int
) -> tuple[list[str], Array]:
    """The commonest real values in order, the others summed up: their names, and shares (2, K)."""
    order = np.argsort(-shares[0], kind="stable")
    if len(order) <= most:
        return [_short(names[at], letters) for at in order], shares[:, order]
    kept, rest = order[: most - 1], order[most - 1 :]
    others = shares[:, rest].sum(1, keepdims=True)
    found = [*(_short(names[at], letters) for at in kept), f"{len(rest)} others"]
    return found, np.concatenate([shares[:, kept], others], 1)


def associations(profile: TableProfile) -> Figure:
    """Cramér's V of each pair of columns: of real rows, of generated rows, and the difference."""
    names = [_short(column.name, 14) for column in profile.columns[: len(profile.real)]]
    real, generated = np.array(profile.real), np.array(profile.generated)
    side = WIDTH / 3
    figure = Figure(figsize=(WIDTH, 0.8 * side + 0.7), layout="constrained")
    panels = (("real", real), ("generated", generated), ("generated − real", generated - real))
    size = max(2.0, min(SMALL - 1, 150 / max(len(names), 1)))
    for at, (axes, (title, matrix)) in enumerate(zip(figure.subplots(1, 3), panels, strict=True)):
        low, colors = (0, "Blues") if at < 2 else (-1, "RdBu")
        picture = axes.imshow(matrix, vmin=low, vmax=1, cmap=colors, interpolation="none")
        axes.set_title(title, color=INK, fontsize=TEXT, loc="left")
        style = {"color": MUTED, "fontsize": size, "parse_math": False}
        axes.set_xticks(range(len(names)), names, rotation=90, **style)
        axes.set_yticks(range(len(names)), [""] * len(names) if at else names, **style)
        axes.tick_params(length=0)
        axes.spines[:].set_color(LINE)
        bar = figure.colorbar(picture, ax=axes, shrink=0.7, ticks=[low, 0, 1])
        bar.ax.tick_params(labelsize=SMALL - 1, colors=MUTED, length=0)
        bar.outline.set_visible(False)
    return figure


def rare_categories(profile: TableProfile) -> Figure:
    """The share of each category among real rows and among generated ones, on log axes.

    Between the lines it is within a factor of two; on an edge it is 0. The worst are named.
    """
    names, shares = categories(profile)
    floors = 0.5 / np.array(profile.rows)
    floor = floors.min()
    x, y = np.maximum(shares, floors[:, None])
    figure = Figure(figsize=(WIDTH * 0.6, WIDTH * 0.5), layout="constrained")
    axes = plain(figure.add_subplot(), SMALL - 1)
    line = np.array([floor, 1.0])
    axes.plot(line, line, color=LINE, linewidth=1)
    for factor in (FACTOR, 1 / FACTOR):
        axes.plot(line, line * factor, color=MUTED, linewidth=0.8, linestyle="--")
    axes.scatter(x, y, s=14, color=BLUE, alpha=0.7, linewidths=0)
    worst = _worst(shares, profile.rows)
    for rank, at in enumerate(worst):
        apart = np.abs(np.log10([x[worst[:rank]] / x[at], y[worst[:rank]] / y[at]]))
        above = int((apart < NEAR).all(0).sum())  # names of dots that lie almost here
        axes.annotate(
            _short(names[at], 32),
            (x[at], y[at]),
            (5, 3 - (SMALL + 1) * above),
            textcoords="offset points",
            color=INK,
            fontsize=SMALL,
            parse_math=False,
        )
    axes.set(xscale="log", yscale="log", xlim=(floors[0], 1), ylim=(floors[1], 1))
    axes.set_xlabel("share of real rows", color=MUTED, fontsize=SMALL)
    axes.set_ylabel("share of generated rows", color=MUTED, fontsize=SMALL)
    return figure


def categories(profile: TableProfile) -> tuple[list[str], Array]:
    """All categories as ``column = value``, and their shares among real and generated rows."""
    names, shares = [], [np.empty((2, 0))]
    for column in profile.columns:
        names += [f"{column.name} = {value}" for value in column.values]
        both = np.array([column.real, column.generated])
        shares.append(both[:, : len(column.values)])
    return names, np.concatenate(shares, 1)


def _worst(shares: Array, rows: tuple[int, int]) -> list[int]:
    """Those categories that are off most, by more than a factor of two and by more than chance."""
    real, made = shares
    both = np.average(shares, 0, rows)
    error = np.sqrt(both * (1 - both) * (1 / rows[0] + 1 / rows[1])) + 1e-12
    off = np.abs(real - made) / error
    far = np.maximum(real, made) > FACTOR * np.minimum(real, made)
    order = np.argsort(-off, kind="stable")
    return [int(at) for at in order if far[at] and off[at] > DEVIATIONS][:NAMED]


def _short(text: str, letters: int) -> str:
    text = printable(text)
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
