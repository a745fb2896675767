"""Rank real images or vectors by how well the generator covers them: the worst come first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .paths import require_given, require_new, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console
    from torch import Tensor

    from ..inference.coverage import Coverage
    from ..recipe import Config
    from ..runs.opening import RunAt
    from ..runs.sample_files import Array

GENERATED = 2000
LETTERS = 18
"""Of a caption's line, at most."""


@dataclass(frozen=True)
class Missed:
    """How well real samples are covered.

    Attributes:
        samples: All that were ranked, the worst first.
        shown: The first of them, which were asked for.
        sigma: σ of the bounds, the one that fits these samples.
        picture: The worst above their reconstructions, or among the others.
    """

    samples: Sequence[Coverage]
    shown: Sequence[Coverage]
    sigma: float
    picture: Path
    table: Path


@dataclass(frozen=True, eq=False)
class Ranked:
    """Real samples that are ranked, in storage units, and what is known of each."""

    x: Tensor
    files: Sequence[str | None] = ()
    rows: Sequence[int] | None = None
    labels: Sequence[int] | None = None
    names: Sequence[str] = ()
    """Of the labels."""

    def describe(self, sample: Coverage) -> Coverage:
        """The same sample with its file and the name of its class, as far as they are known."""
        file = self.files[sample.index] if self.files else None
        name = None if sample.label is None else self.names[sample.label]
        return replace(sample, file=file, name=name)


def missed_samples(
    at: RunAt,
    images: Path | None,
    count: int,
    n: int,
    draws: int,
    out: tuple[Path, Path],
    data: str | None,
    console: Console,
) -> Missed:
    """Write a picture of the worst, and a table of all, which ``out`` names.

    Other arguments and errors as of :func:`~alpha_bridge.commands.missed`.
    """
    require_given(images)
    picture, table = out
    if picture.suffix != ".png":
        raise ValueError(f"the picture's name must end with .png, got {picture}")
    for path in out:
        require_new(path)

    from ..inference.coverage import rank_by_coverage
    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.loading import latents_of, load_model, units_of

    model, units = load_model(at), units_of(at)
    if images is None:
        ranked = _held_out(at, count, data, console)
    else:
        ranked = _given(images, at.config, count, console)
    x = units.normalize(ranked.x)
    generated = in_chunks(model.decode, latents_of(at.config, model, GENERATED, seed=0))
    sigma = model.best_sigma(x)
    known = (ranked.labels, ranked.rows)
    samples = [
        ranked.describe(sample)
        for sample in rank_by_coverage(model, x, generated, sigma, draws, *known)
    ]
    found = Missed(samples, samples[:n], sigma, picture, table)
    content = {
        "sigma": sigma,
        "settings": {"draws": draws, "ranked": len(x), "generated": GENERATED},
        "samples": [asdict(sample) | {"rank": sample.rank} for sample in samples],
    }
    write_json(content, table)
    worst = x[[sample.index for sample in found.shown]]
    decoded = in_chunks(model.reconstruct, worst)
    plots.save_figure(draw(found, *map(units.stored, (x, generated, worst, decoded))), picture)
    return found


def _held_out(at: RunAt, count: int, data: str | None, console: Console) -> Ranked:
    """Held-out samples of the run, or of data in place of its own."""
    from ..runs.loading import data_of

    source = data_of(at, console, data)
    x, labels = source.held_out(count), source.held_out_labels(count)
    if not len(x):
        raise ValueError(f"no data of {at.run.folder} are held out: give samples with --images")
    rows = source.held_out_attributes(count).rows
    files = [] if rows is None else [source.files[row] for row in rows if source.files]
    known, classes = (None if of is None else of.tolist() for of in (rows, labels))
    return Ranked(x, files, known, classes, source.class_names)


def _given(images: Path, config: Config, count: int, console: Console) -> Ranked:
    """Samples of files, of which nothing else is known."""
    from ..runs.loading import samples_at

    x, files = samples_at(images, config, console)
    return Ranked(x[:count], files)


def draw(found: Missed, x: Array, generated: Array, worst: Array, decoded: Array) -> Figure:
    """The worst samples: images above their reconstructions, points among all others."""
    import numpy as np

    from ..runs import plots

    title = (
        f"the {len(worst)} of {len(x)} that are covered worst, by the bound on their likelihood\n"
        f"and the distance to their reconstruction; σ = {found.sigma:.4g}"
    )
    if x.ndim == 4:
        captions = [_caption(place, sample) for place, sample in enumerate(found.shown, start=1)]
        rows = ("original", "reconstruction")
        return plots.captioned(np.stack([worst, decoded]), rows, captions, title)
    figure = plots.scatter_marked(x, generated, worst)
    figure.suptitle(title, fontsize=plots.SMALL)
    return figure


def _caption(place: int, sample: Coverage) -> str:
    """Place, class, and file or row, as far as they are known, in two short lines."""
    row = "" if sample.row is None else f"row {sample.row}"
    below = sample.file or row
    short = below if len(below) <= LETTERS else f"…{below[1 - LETTERS :]}"
    return f"{place} {sample.name or ''}".strip()[:LETTERS] + f"\n{short}"
