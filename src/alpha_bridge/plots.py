"""Figures from plain arrays and records: no run folder, no model, no global state.

A record is a dictionary with ``step`` (updates done), ``phase`` (``ml``, ``transfer`` or
``adversarial``), ``alpha``, ``gamma`` and any numbers under names such as ``loss/generator`` or
``frechet_distance/classifier/5000``: what is measured, then the protocol. The three steps of
Algorithm 1 are read off the phases and shown in every figure that has updates on its axis.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

__all__ = [
    "Record",
    "Region",
    "diagnostics",
    "image_grid",
    "is_diagnostic",
    "label",
    "losses",
    "metric_curves",
    "metric_names",
    "reconstructions",
    "regions",
    "save_png",
    "scatter_through_time",
    "schedule",
    "spread",
    "through_time",
]

Array = NDArray[Any]
Record = Mapping[str, Any]

INK, MUTED, LINE = "#1b2430", "#667085", "#e4e7ec"
BLUE, ORANGE, LIGHT_RED = "#2f6bd8", "#cf6a17", "#f3aaa6"
WIDTH = 10.0  # inches: 9 pt then reads as 12–13 px in a page of 1000 px
TEXT, SMALL = 9.0, 8.0

PHASES = {
    "ml": ("I", "maximum likelihood", "#eff5fe", "#2f6bd8"),
    "transfer": ("II", "transfer", "#f5f1fd", "#7648c4"),
    "adversarial": ("III", "adversarial", "#fef5ec", "#b65a0e"),
}
"""Numeral, name, shade and colour of each step of Algorithm 1."""


SPOKEN = {
    "ess": "effective sample size",
    "twins": "twin gradients",
    "frechet_distance": "Fréchet distance",
    "log_likelihood": "log-likelihood",
    "sigma": "decoder noise σ",
}


class Region(NamedTuple):
    """Updates that belong to one phase: after ``begin``, up to and including ``end``."""

    phase: str
    begin: int
    end: int


def regions(records: Sequence[Record]) -> list[Region]:
    """Split the updates where the phase changes.

    Args:
        records: Records in order of ``step``; those without a phase are passed over.

    Returns:
        Regions that touch one another, the first from 0.

    Example:
        >>> regions([{"step": 5, "phase": "ml"}, {"step": 9, "phase": "transfer"}])
        [Region(phase='ml', begin=0, end=5), Region(phase='transfer', begin=5, end=9)]
    """
    steps = [(r["phase"], r["step"]) for r in records if r.get("phase")]
    ends = [(phase, [*group][-1][1]) for phase, group in groupby(steps, key=lambda pair: pair[0])]
    begins = [0, *(end for _, end in ends)]
    return [Region(phase, begin, end) for (phase, end), begin in zip(ends, begins, strict=False)]


def label(name: str) -> str:
    """Readable form of a metric's name, protocol in brackets.

    Example:
        >>> label("frechet_distance/classifier/5000")
        'Fréchet distance (classifier, 5000)'
    """
    measured, *protocol = _words(name)
    return f"{measured} ({', '.join(protocol)})" if protocol else measured


def metric_names(records: Sequence[Record]) -> list[str]:
    """Names of the metrics in the records, in order of appearance.

    A metric is any name that states a protocol, losses and diagnostics apart.

    Example:
        >>> metric_names([{"step": 1, "loss/encoder": 2.0, "modes/3std/10000": 25}])
        ['modes/3std/10000']
    """
    return [
        name
        for name in _names(records)
        if "/" in name and not name.startswith("loss/") and not is_diagnostic(name)
    ]


def is_diagnostic(name: str) -> bool:
    """Whether a name is of what tells why a bridge succeeds or fails.

    Example:
        >>> is_diagnostic("twins/cosine"), is_diagnostic("modes/3std/10000")
        (True, False)
    """
    return name == "sigma" or name.startswith(("ess/", "twins/"))


def spread(steps: Sequence[int], most: int) -> list[int]:
    """Choose at most ``most`` of ``steps`` evenly, the first and the last among them.

    Example:
        >>> spread([0, 1, 2, 3, 4, 5, 6], 3)
        [0, 3, 6]
    """
    indices = np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)
    return [steps[index] for index in indices]


def schedule(records: Sequence[Record]) -> Figure:
    """α and γ over updates.

    Args:
        records: Records in order of ``step``.
    """
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = _updates_axes(figure.add_subplot(), records, named=True)
    axes.set(ylim=(-0.04, 1.04), yticks=[0, 0.5, 1])
    for name, symbol, color, dash in (("alpha", "α", BLUE, "-"), ("gamma", "γ", ORANGE, "--")):
        steps, values = _series(records, name)
        axes.plot(steps, values, color=color, linestyle=dash, linewidth=2, label=symbol)
    axes.legend(frameon=False, fontsize=TEXT, labelcolor=INK, loc="upper left", ncols=2)
    return figure


def losses(records: Sequence[Record]) -> Figure:
    """Every loss over updates, one panel each: as recorded, and its running mean.

    Args:
        records: Records in order of ``step``.
    """
    names = [name for name in _names(records) if name.startswith("loss/")]
    return _panels(records, names, _draw_noisy)


def metric_curves(records: Sequence[Record]) -> Figure:
    """Every metric over updates, one panel each, with the three steps of Algorithm 1 shaded.

    Args:
        records: Records in order of ``step``.
    """
    return _panels(records, metric_names(records), _draw_points)


def diagnostics(records: Sequence[Record]) -> Figure:
    """Diagnostics over updates, one panel each: σ, the weights' effective sample sizes, the twins.

    Args:
        records: Records in order of ``step``.
    """
    names = [name for name in _names(records) if is_diagnostic(name)]
    return _panels(records, names, _draw_noisy)


def image_grid(images: Array, columns: int) -> Figure:
    """Images side by side, row after row.

    Args:
        images: uint8 ``(N, H, W, C)`` with one, three or four channels.
        columns: Images in a row.
    """
    mosaic = _mosaic(_small(images), columns)
    return _picture(mosaic)[0]


def through_time(samples: Mapping[int, Array], records: Sequence[Record] = ()) -> Figure:
    """The same latents through time: a row for each latent, a column for each step.

    As Figure 5 of the paper. The first six latents, at up to ten steps.

    Args:
        samples: Images, uint8 ``(N, H, W, C)``, by the number of updates done.
        records: Records in order of ``step``, to name the phases.
    """
    steps = spread(sorted(samples), 10)
    columns = np.stack([_small(samples[step][:6]) for step in steps], axis=1)
    mosaic = _mosaic(columns.reshape(-1, *columns.shape[2:]), len(steps))
    figure, axes = _picture(mosaic, margin=0.5)
    pitch = (mosaic.shape[1] + GAP) / len(steps)
    axes.xaxis.tick_top()
    axes.set_xticks(
        [(index + 0.5) * pitch - GAP / 2 - 0.5 for index in range(len(steps))],
        [f"{step:,}" for step in steps],
        color=MUTED,
        fontsize=TEXT,
    )
    _bracket_phases(axes, [_phase_at(step, records) for step in steps], pitch)
    return figure


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
    steps = spread(sorted(samples), 8)
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
        axes.set_title(f"{step:,}", loc="left", color=INK, fontsize=TEXT, fontweight="bold")
        numeral, name, _, color = _phase(_phase_at(step, records))
        axes.set_title(f"{numeral} · {name}".strip(" ·"), loc="right", color=color, fontsize=SMALL)
    return figure


def reconstructions(pairs: Array) -> Figure:
    """Originals and their reconstructions.

    Images lie one above the other, points are joined by a line.

    Args:
        pairs: uint8 ``(2, N, H, W, C)``, or points ``(2, N, D)`` with D two or more; the first
            twelve images, the first 500 points.
    """
    if pairs.ndim == 5:
        shown = pairs[:, :12]
        images = _small(shown.reshape(-1, *shown.shape[2:]))
        mosaic = _mosaic(images, shown.shape[1])
        figure, axes = _picture(mosaic, margin=0.1)
        pitch = (mosaic.shape[0] + GAP) / 2
        centers = [(row + 0.5) * pitch - GAP / 2 - 0.5 for row in range(2)]
        axes.set_yticks(centers, ["original", "reconstruction"], color=MUTED, fontsize=TEXT)
        return figure
    originals, decoded = pairs[:, :500, :2]
    figure = Figure(figsize=(WIDTH * 0.55, WIDTH * 0.55), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(
        *np.stack([originals, decoded]).transpose(2, 0, 1), color=LINE, linewidth=0.8, zorder=0
    )
    _scatter(axes, originals, LIGHT_RED, "original", size=10)
    _scatter(axes, decoded, BLUE, "reconstruction", size=10)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)
    _legend(axes)
    return figure


def save_png(images: Array, path: str | Path) -> None:
    """Write images as one square-ish grid, pixel for pixel.

    Args:
        images: uint8 ``(N, H, W, C)`` with one, three or four channels.
        path: The file; it appears complete or not at all.
    """
    from PIL import Image

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    columns = int(np.ceil(np.sqrt(len(images))))
    Image.fromarray(_mosaic(images, columns)).save(partial, format="PNG")
    partial.replace(path)


GAP = 2
"""White pixels between the images of a grid."""


def _mosaic(images: Array, columns: int) -> Array:
    """Images ``(N, H, W, C)`` as one RGB picture, row after row on white."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    pitch_y, pitch_x = height + GAP, width + GAP
    picture = np.full((rows * pitch_y - GAP, columns * pitch_x - GAP, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * pitch_y, index % columns * pitch_x
        picture[top : top + height, left : left + width] = image[..., : 3 if channels > 2 else 1]
    return picture


def _small(images: Array, most: int = 64) -> Array:
    """Average over squares until no side has more than ``most`` pixels."""
    count, height, width, channels = images.shape
    side = -(-max(height, width) // most)
    rows, columns = height // side, width // side
    cropped = images[:, : rows * side, : columns * side]
    squares = cropped.reshape(count, rows, side, columns, side, channels)
    averaged: Array = squares.mean(axis=(2, 4)).round().astype(np.uint8)
    return averaged


def _picture(mosaic: Array, margin: float = 0.0) -> tuple[Figure, Axes]:
    height = WIDTH * mosaic.shape[0] / mosaic.shape[1]
    figure = Figure(figsize=(WIDTH, height + margin), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(mosaic, interpolation="none")
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    return figure, axes


def _scatter(axes: Axes, points: Array, color: str, name: str, size: float = 3.0) -> None:
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


def _panels(
    records: Sequence[Record],
    names: Sequence[str],
    draw: Callable[[Axes, Array, Array], None],
    columns: int = 3,
) -> Figure:
    """Small multiples over updates, one for each name."""
    rows = max(1, -(-len(names) // columns))
    figure = Figure(figsize=(WIDTH, 2.4 * rows), layout="constrained")
    for index, name in enumerate(names):
        axes = _updates_axes(figure.add_subplot(rows, columns, index + 1), records, named=False)
        measured, *protocol = _words(name)
        axes.set_title(measured, loc="left", color=INK, fontsize=TEXT, fontweight="bold", pad=27)
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
        draw(axes, *_series(records, name))
    return figure


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
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=SMALL, length=0)
    axes.xaxis.set_major_locator(MaxNLocator(8 if named else 4, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    marked = regions(records)
    for phase, begin, end in marked:
        numeral, name, shade, color = _phase(phase)
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


def _bracket_phases(axes: Axes, phases: Sequence[str], pitch: float) -> None:
    """Name each run of columns that belong to one phase, above the steps, over a rule."""
    begin = 0
    for phase, group in groupby(phases):
        end = begin + len([*group])
        numeral, name, _, color = _phase(phase)
        left, right = begin * pitch, end * pitch - GAP - 1
        above = axes.get_xaxis_transform()
        axes.annotate(
            f"{numeral} · {name}".strip(" ·"),
            ((left + right) / 2, 1),
            (0, 27),
            above,
            "offset points",
            color=color,
            fontsize=TEXT,
            ha="center",
            annotation_clip=False,
        )
        rule = axes.plot([left, right], [1, 1], color=color, linewidth=2, clip_on=False)[0]
        points = axes.figure.dpi_scale_trans
        rule.set_transform(above + ScaledTranslation(0, 22 / 72, points))
        begin = end


def _legend(axes: Axes) -> None:
    axes.legend(
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
    )


def _phase(phase: str) -> tuple[str, str, str, str]:
    return PHASES.get(phase, ("", "", "#f5f5f5", MUTED))


def _phase_at(step: int, records: Sequence[Record]) -> str:
    """Phase of the last update among ``step`` updates, empty if no record tells."""
    return next((region.phase for region in regions(records) if step <= region.end), "")


def _words(name: str) -> list[str]:
    measured, *protocol = name.split("/")
    spoken = SPOKEN.get(measured, measured.replace("_", " "))
    return [spoken[:1].upper() + spoken[1:], *protocol]


def _names(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _series(records: Sequence[Record], name: str) -> tuple[Array, Array]:
    """Steps and values of one name; a value that was not finite is a gap."""
    found = [(record["step"], record[name]) for record in records if name in record]
    steps, values = zip(*found, strict=True) if found else ((), ())
    return np.array(steps, int), np.array(values, float)
