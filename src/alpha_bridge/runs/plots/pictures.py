"""Images, side by side on white."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from ...errors import printable
from ...files import writing
from ..mosaic import GAP, mosaic_of
from .records import Array, Record, evenly, phase_at
from .style import MUTED, SMALL, TEXT, WIDTH, phase_style


def image_grid(images: Array, columns: int) -> Figure:
    """Images, uint8 ``(N, H, W, C)``, in rows of ``columns``."""
    mosaic = mosaic_of(small(images), columns)
    return picture(mosaic)[0]


def through_time(samples: Mapping[int, Array], records: Sequence[Record] = ()) -> Figure:
    """The same latents through time: a row for each latent, a column for each step.

    As Figure 5 of the paper. The first six latents, at up to ten steps.

    Args:
        samples: Images, uint8 ``(N, H, W, C)``, by the number of updates done.
        records: Records in order of ``step``, to name the phases.
    """
    steps = evenly(sorted(samples), 10)
    shown = np.stack([samples[step][:6] for step in steps], axis=1)
    figure = strips(shown, [f"{step:,}" for step in steps])
    (axes,) = figure.axes
    pitch = (axes.get_xlim()[1] + 0.5 + GAP) / len(steps)
    _bracket_phases(axes, [phase_at(step, records) for step in steps], pitch)
    return figure


def strips(images: Array, columns: Sequence[str], rows: Sequence[str] = ()) -> Figure:
    """Rows of images under the names of their columns.

    Args:
        images: uint8 ``(rows, columns, H, W, C)`` with one, three or four channels.
        columns: A name for each column.
        rows: Names for bands of equally many rows, from the top; none leave the rows unnamed.
    """
    mosaic = mosaic_of(small(images.reshape(-1, *images.shape[2:])), images.shape[1])
    figure, axes = picture(mosaic, margin=0.5 if columns else 0.1)
    axes.xaxis.tick_top()
    for size, names, ticks in (
        (mosaic.shape[1], columns, axes.set_xticks),
        (mosaic.shape[0], rows, axes.set_yticks),
    ):
        _name(ticks, size, len(names), names, TEXT)
    return figure


def captioned(
    images: Array, rows: Sequence[str], captions: Sequence[str], title: str, width: int = 12
) -> Figure:
    """Samples with what is made of each below it, ``width`` beside each other, under captions.

    Args:
        images: uint8 ``(k, N, H, W, C)``: the samples, and k − 1 images of each.
        rows: A name for each of the k.
        captions: A text for each of the N.
        title: What the figure shows.
        width: Samples beside each other.
    """
    count, (height, across) = images.shape[1], images.shape[2:4]
    blocks = -(-count // width)
    pitch = WIDTH / width
    tall = pitch * len(rows) * height / across
    figure = Figure(figsize=(WIDTH, blocks * (tall + 0.4) + 0.4), layout="constrained")
    for block, axes in enumerate(figure.subplots(blocks, 1, squeeze=False)[:, 0]):
        at = slice(block * width, (block + 1) * width)
        shown = np.full((len(rows), width, *images.shape[2:]), 255, np.uint8)
        shown[:, : len(captions[at])] = images[:, at]
        mosaic = mosaic_of(small(shown.reshape(-1, *images.shape[2:])), width)
        axes.imshow(mosaic, interpolation="none")
        axes.spines[:].set_visible(False)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        _name(axes.set_xticks, mosaic.shape[1], width, captions[at], fontsize=SMALL - 2)
        _name(axes.set_yticks, mosaic.shape[0], len(rows), rows, fontsize=SMALL)
    figure.suptitle(_lines(title), fontsize=TEXT, parse_math=False)
    return figure


def _name(
    ticks: Callable[..., object], size: int, count: int, names: Sequence[str], fontsize: float
) -> None:
    """Write names at the centres of the first of ``count`` parts of an axis of ``size`` pixels."""
    pitch = (size + GAP) / max(count, 1)
    centers = [(index + 0.5) * pitch - GAP / 2 - 0.5 for index in range(len(names))]
    ticks(centers, [*map(_lines, names)], color=MUTED, fontsize=fontsize, parse_math=False)


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def save_figure(figure: Figure, path: str | Path, dpi: float = 150) -> None:
    """Write a figure in the format that the file's ending names."""
    path = Path(path)
    with writing(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=dpi)


def small(images: Array, most: int = 64) -> Array:
    """Average over squares until no side has more than ``most`` pixels."""
    count, height, width, channels = images.shape
    side = -(-max(height, width) // most)
    rows, columns = height // side, width // side
    cropped = images[:, : rows * side, : columns * side]
    squares = cropped.reshape(count, rows, side, columns, side, channels)
    averaged: Array = squares.mean(axis=(2, 4)).round().astype(np.uint8)
    return averaged


def picture(mosaic: Array, margin: float = 0.0) -> tuple[Figure, Axes]:
    """A figure of one picture as wide as the page, with ``margin`` inches beside it for text."""
    height = WIDTH * mosaic.shape[0] / mosaic.shape[1]
    figure = Figure(figsize=(WIDTH, height + margin), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(mosaic, interpolation="none")
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    return figure, axes


def _bracket_phases(axes: Axes, phases: Sequence[str], pitch: float) -> None:
    """Name each run of columns that belong to one phase, above the steps, over a rule."""
    begin = 0
    for phase, group in groupby(phases):
        end = begin + len([*group])
        numeral, name, _, color = phase_style(phase)
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
