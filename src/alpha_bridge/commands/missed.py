"""Rank the real samples of a run by how well its generator covers them, and show the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from tyro.conf import arg

from ..checks import at_least
from .missed_rows import MissedRows, missed_rows
from .paths import Folder, files_of, require_given, require_new, write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..inference.coverage import Coverage
    from ..runs.folder import Array

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


def missed(
    run: Folder,
    images: Path | None = None,
    count: int = 1000,
    n: Annotated[int, arg(aliases=["-n"])] = 12,
    draws: int = 50,
    step: int | None = None,
    out: Path | None = None,
    data: str | None = None,
    console: Console | None = None,
) -> Missed | MissedRows:
    """Show the real samples that a run's generator does not cover, the worst first.

    Images and vectors are ranked by a bound on their likelihood and by their reconstructions, rows
    of a table by the log ratio of data to model.

    Args:
        run: Folder of the run.
        images: An image, a folder of images or an .npy file; by default held-out data of the run.
        count: Largest number of samples to rank.
        n: Number of samples to show, the worst first.
        draws: Latents for each sample in the importance-weighted bound.
        step: Updates of the checkpoint; by default the latest.
        out: A .png for the picture, beside which a .json has the numbers, or a .csv or .parquet for
            rows; by default in the run's folder.
        data: Data in place of the run's; a hub id in the run's configuration is not fetched.
        console: Where to show progress; nowhere by default.

    Returns:
        The samples, the worst first, and the files that were written.

    Raises:
        ValueError: A number is out of its range, there are no samples, or the run or its data
            cannot be used.
        OSError: There are no such images, or a file stands already or cannot be written.

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    from ..runs.opening import open_run, require_plain

    for name, number in {"count": count, "n": n, "draws": draws}.items():
        at_least(1, name, number)
    run, config, at = open_run(run, step)
    require_plain(config)
    if config.rows is not None:
        if images is not None:
            raise ValueError(f"the run's samples are rows of a table: give --data {images}")
        return missed_rows(run, config, at, count, n, out, data, console or Console(quiet=True))
    require_given(images)
    of = "" if images is None else f"-of-{images.resolve().stem}"
    picture = out or run.inside(f"missed{of}{'' if step is None else f'-step-{step}'}.png")
    if picture.suffix != ".png":
        raise ValueError(f"the picture's name must end with .png, got {picture}")
    table = picture.with_suffix(".json") if out else run.inside(f"{picture.stem}.json")
    for path in (picture, table):
        require_new(path)

    from ..data import read_samples
    from ..inference.coverage import rank_by_coverage
    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.loading import data_of, latents_of, load_model, printing, units_of

    console = console or Console(quiet=True)
    model, _ = load_model(run, config, at)
    units = units_of(run, config, at)
    if images is None:
        source = data_of(run, config, console, data, at)
        x, labels = source.held_out(count), source.held_out_labels(count)
        rows, names = source.held_out_attributes(count).rows, source.class_names
        files = [] if rows is None else [source.files[row] for row in rows if source.files]
    else:
        shape, say = config.event_shape or (), printing(console)
        x = read_samples(images, shape, config.white, say=say)[:count]
        labels = rows = None
        names, files = (), files_of(images)
    if not len(x):
        raise ValueError(f"no data of {run.folder} are held out: give samples with --images")
    x = units.normalize(x)
    generated = in_chunks(model.decode, latents_of(config, model, GENERATED, seed=0))
    sigma = model.best_sigma(x)
    known = [None if found is None else found.tolist() for found in (labels, rows)]
    samples = [
        replace(
            sample,
            file=files[sample.index] if files else None,
            name=None if sample.label is None else names[sample.label],
        )
        for sample in rank_by_coverage(model, x, generated, sigma, draws, *known)
    ]
    found = Missed(samples, samples[:n], sigma, picture, table)
    content = {
        "sigma": sigma,
        "settings": {"draws": draws, "ranked": len(x), "generated": GENERATED},
        "samples": [asdict(sample) | {"rank": sample.rank} for sample in samples],
    }
    write_table(content, found.table)
    worst = x[[sample.index for sample in found.shown]]
    decoded = in_chunks(model.reconstruct, worst)
    plots.save_figure(draw(found, *map(units.stored, (x, generated, worst, decoded))), picture)
    return found


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
