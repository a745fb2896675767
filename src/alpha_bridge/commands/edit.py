"""Edits of a run's latents: along directions of attributes, and between images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from ..checks import at_least
from ..data import Attributes, Units, read_images, read_labels, read_samples
from ..inference.editing import (
    Direction,
    Finder,
    find_direction,
    linear_direction,
    mean_direction,
    strip,
)
from ..interpolation import Curve, lerp, slerp
from ..metrics.evaluation import in_chunks
from ..model import AlphaBridge
from ..recipe import Config
from ..runs import plots
from ..runs.arguments import require_edit, require_subjects
from ..runs.folder import Array, Run
from ..runs.loading import data_of, inverted, latents_of, load_model, units_of
from ..runs.opening import config_of
from ..runs.outputs import destination, write

__all__ = ["BETWEEN", "FINDERS", "Edited", "Subjects", "edit", "interpolate"]

LABELLED = 5000
"""Labelled samples that directions are found from, at most."""

FINDERS: dict[str, Finder] = {"means": mean_direction, "normal": linear_direction}
"""How directions are found, by name."""

BETWEEN: dict[str, Curve] = {"slerp": slerp, "lerp": lerp}
"""The curves between latents, by name."""


@dataclass(frozen=True)
class Subjects:
    """What is edited.

    Attributes:
        images: An image, a folder of images or an ``.npy``; None for held-out data of the run.
        samples: Samples of the generator instead.
        count: How many at most, one or more.
        seed: Of the latents of samples, zero or more.
        refine: Steps by which the latents of images are refined.
    """

    images: Path | None = None
    samples: bool = False
    count: int = 8
    seed: int = 0
    refine: int = 0


@dataclass(frozen=True)
class Edited:
    """What an edit leaves.

    Attributes:
        path: The picture, or the array ``(rows, columns, *event)``.
        columns: Strength, or share of the way, of each column.
        directions: Along which it went, with how sure they are.
        errors: Mean squared error per dimension of the subjects' latents before and after
            refinement, in model units; None for samples, whose latents are known.
    """

    path: Path
    columns: Sequence[float]
    directions: Sequence[Direction]
    errors: tuple[float, float] | None


@dataclass(frozen=True)
class _Opened:
    """A run that is being edited, and where the result belongs."""

    run: Run
    config: Config
    model: AlphaBridge
    units: Units
    path: Path
    data: str | None
    """What the user names instead of the run's data."""

    @classmethod
    def of(
        cls, run: Run, step: int | None, out: Path | None, stem: str, data: str | None
    ) -> _Opened:
        config = config_of(run)
        path = destination(run, config, out, re.sub(r"[^\w.=-]+", "-", stem))
        model, _ = load_model(run, config, step)
        return cls(run, config, model, units_of(run, config, step), path, data)

    def write(self, cells: Tensor, columns: Sequence[str], rows: Sequence[str] = ()) -> Path:
        """Write samples ``(rows, columns, *event)`` in model units."""
        flat = self.units.stored(cells.flatten(0, 1))
        array: Array = flat.reshape(*cells.shape[:2], *flat.shape[1:])

        def picture(path: Path) -> None:
            plots.save_figure(plots.strips(array, columns, rows), path)

        return write(array, self.path, picture)


def edit(
    run: Run,
    attributes: Sequence[str],
    strength: float = 2.0,
    subjects: Subjects = Subjects(),
    against: Sequence[str] = (),
    method: str = "means",
    labels: Path | None = None,
    columns: int = 7,
    step: int | None = None,
    out: Path | None = None,
    console: Console | None = None,
    data: str | None = None,
) -> Edited:
    """Move samples along the directions of attributes, and write a strip for each.

    Directions are found from labelled encodings: of training data of the run, by the data's own
    labels or those of a table, or of the images that a table names.

    Args:
        run: A run with a checkpoint.
        attributes: Names such as ``Smiling`` or ``label=3``, one or more.
        strength: How far to both sides, in standard deviations along the direction, positive.
        subjects: What is edited.
        against: Attributes whose directions an edit must not follow.
        method: A key of :data:`FINDERS`.
        labels: A table for :func:`~alpha_bridge.data.read_labels`; None for the data's labels.
        columns: Strengths from one side to the other, two or more.
        step: The checkpoint's number of updates; None for the latest.
        out: A ``.png`` for a picture of images or an ``.npy`` for an array; None for one in the
            run's folder.
        console: Where to tell of images that are decoded; nowhere by default.
        data: The data instead of those that the run names; what it names of the hub is not fetched.

    Returns:
        The file, and how sure the directions are.

    Raises:
        ValueError: There is no such attribute or it has one class, a number is out of its range,
            or the run or its data cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    console = console or Console(quiet=True)
    require_edit(subjects.count, subjects.seed, columns, strength)
    opened = _Opened.of(run, step, out, "-".join(["edit", *attributes]), data)
    z, errors = _latents(opened, subjects, console)
    x, known = _labelled(opened, [*attributes, *against], labels, subjects.images, console)
    encoded = in_chunks(opened.model.encode, opened.units.normalize(x))

    def find(name: str, others: Sequence[Tensor] = ()) -> Direction:
        has = torch.from_numpy(known.known(name))
        return find_direction(name, encoded[has >= 0], has[has >= 0], FINDERS[method], others)

    others = [find(name).vector for name in against]
    directions = [find(name, others) for name in attributes]
    strengths = np.linspace(-strength, strength, columns).tolist()
    decode = partial(in_chunks, opened.model.decode)
    rows = torch.cat([strip(decode, z, direction, strengths) for direction in directions])
    path = opened.write(rows, [f"{strength:+.3g}" for strength in strengths], attributes)
    return Edited(path, strengths, directions, errors)


def interpolate(
    run: Run,
    between: str = "slerp",
    subjects: Subjects = Subjects(),
    columns: int = 7,
    step: int | None = None,
    out: Path | None = None,
    console: Console | None = None,
    data: str | None = None,
) -> Edited:
    """Go from the first sample to the second, from the third to the fourth, and so on.

    Args:
        run: A run with a checkpoint.
        between: A key of :data:`BETWEEN`.
        subjects: The samples; of an odd number the last is left out.
        columns: Points on the way, both ends included, two or more.
        step: The checkpoint's number of updates; None for the latest.
        out: A ``.png`` for a picture of images or an ``.npy`` for an array; None for one in the
            run's folder.
        console: Where to tell of images that are decoded; nowhere by default.
        data: The data instead of those that the run names; what it names of the hub is not fetched.

    Returns:
        The file.

    Raises:
        ValueError: There are fewer than two samples, a number is out of its range, or the run or
            its data cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    console = console or Console(quiet=True)
    require_edit(subjects.count, subjects.seed, columns)
    opened = _Opened.of(run, step, out, f"between-{between}", data)
    z, errors = _latents(opened, subjects, console)
    pairs = at_least(2, "the number of samples to go between", len(z)) // 2
    start, end = z[: 2 * pairs : 2], z[1 : 2 * pairs : 2]
    way = opened.model.traverse(start, end, columns, BETWEEN[between]).transpose(0, 1)
    shares = np.linspace(0, 1, columns).tolist()
    path = opened.write(way, [f"{share:.2g}" for share in shares])
    return Edited(path, shares, (), errors)


def _latents(
    opened: _Opened, subjects: Subjects, console: Console
) -> tuple[Tensor, tuple[float, float] | None]:
    """Latents of the subjects, and the errors of those that were encoded."""
    count = subjects.count
    require_subjects(subjects.images, subjects.samples, subjects.refine)
    if subjects.samples:
        return latents_of(opened.config, opened.model, count, subjects.seed), None
    if subjects.images is not None:
        x = read_samples(subjects.images, opened.config.event_shape or ())[:count]
    else:
        x = data_of(opened.run, opened.config, console, opened.data).held_out(count)
    normalized = opened.units.normalize(x)
    z, before, after = inverted(opened.config, opened.model, normalized, subjects.refine)
    return z, (float(before.mean()), float(after.mean()))


def _labelled(
    opened: _Opened,
    names: Sequence[str],
    labels: Path | None,
    images: Path | None,
    console: Console,
) -> tuple[Tensor, Attributes]:
    """Samples, in storage units, for which one of the attributes is known, and what is known."""
    config = opened.config
    at_least(1, "the number of attributes", len(names))
    table = (
        None
        if labels is None
        else read_labels(labels, *_folders(images, opened.data or config.data))
    )
    if table is not None and table.files is not None:
        chosen = _chosen(table.attributes, names)
        files = [table.files[row] for row in chosen]
        return read_images(files, config.event_shape or ()), table.attributes[chosen]
    source = data_of(opened.run, config, console, opened.data)
    everything = source.size or LABELLED
    attributes = source.training_attributes(everything)
    if table is not None:
        attributes = table.of(attributes.rows)
    chosen = _chosen(attributes, names)
    return source.chosen(everything, chosen), attributes[chosen]


def _folders(images: Path | None, data: str) -> list[Path]:
    """Where the images of a table may be."""
    places = [Path(place).expanduser() for place in (images, data) if place is not None]
    return [place for place in places if place.is_dir()]


def _chosen(attributes: Attributes, names: Sequence[str]) -> NDArray[np.int64]:
    """The first samples for which one of the attributes is known."""
    known = np.any([attributes.known(name) >= 0 for name in names], axis=0)
    if not known.any():
        raise ValueError(
            f"{' and '.join(names)} are not known of any sample to train on: give more labels"
        )
    return np.flatnonzero(known)[:LABELLED]
