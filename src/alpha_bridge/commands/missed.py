"""Rank the real samples of a run by how well its generator covers them, and picture the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from tyro.conf import arg

from ..checks import at_least
from .paths import Folder, require_given, write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..inference.coverage import Coverage
    from ..runs.folder import Array

GENERATED = 2000


@dataclass(frozen=True)
class Missed:
    """How well real samples are covered.

    Attributes:
        sigma: σ of the bounds, the one that fits these samples.
        picture: The worst above their reconstructions, or among the others.
    """

    samples: Sequence[Coverage]
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
    data: str | None = None,
    console: Console | None = None,
) -> Missed:
    """Show the real samples that a run's generator does not cover, the worst first.

    Args:
        run: Folder of the run.
        images: An image, a folder of images or an .npy file; by default held-out data of the run.
        count: Largest number of samples to rank.
        n: Number of samples to show, the worst first.
        draws: Latents for each sample in the importance-weighted bound.
        step: Updates of the checkpoint; by default the latest.
        data: Data in place of the run's; a hub id in the run's configuration is not fetched.
        console: Where to show progress; nowhere by default.

    Returns:
        The samples, the worst first, and ``missed.json`` and ``missed.png`` in the run.

    Raises:
        ValueError: A number is out of its range, there are no samples, or the run or its data
            cannot be used.
        FileNotFoundError: There are no such images.

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    from ..runs.opening import open_run, require_plain

    for name, number in {"count": count, "n": n, "draws": draws}.items():
        at_least(1, name, number)
    run, config = open_run(run, step)
    require_plain(config)
    require_given(images)

    from ..data import read_samples
    from ..inference.coverage import rank_by_coverage
    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.loading import data_of, latents_of, load_model, printing, units_of

    console = console or Console(quiet=True)
    model, _ = load_model(run, config, step)
    units = units_of(run, config, step)
    if images is None:
        source = data_of(run, config, console, data)
        x, labels = source.held_out(count), source.held_out_labels(count)
        rows = source.held_out_attributes(count).rows
    else:
        shape, say = config.event_shape or (), printing(console)
        x, labels, rows = read_samples(images, shape, config.white, say)[:count], None, None
    if not len(x):
        raise ValueError(f"no data of {run.folder} are held out: give samples with --images")
    x = units.normalize(x)
    generated = in_chunks(model.decode, latents_of(config, model, GENERATED, seed=0))
    sigma = model.best_sigma(x)
    known = [None if found is None else found.tolist() for found in (labels, rows)]
    samples = rank_by_coverage(model, x, generated, sigma, draws, *known)
    found = Missed(samples, sigma, run.inside("missed.png"), run.inside("missed.json"))
    content = {
        "sigma": sigma,
        "settings": {"draws": draws, "ranked": len(x), "generated": GENERATED},
        "samples": [asdict(sample) | {"rank": sample.rank} for sample in samples],
    }
    write_table(content, found.table)
    worst = x[[sample.index for sample in samples[:n]]]
    decoded = in_chunks(model.reconstruct, worst)
    plots.save_figure(draw(*map(units.stored, (x, generated, worst, decoded))), found.picture)
    return found


def draw(x: Array, generated: Array, worst: Array, decoded: Array) -> Figure:
    """The worst samples: images above their reconstructions, points among all others."""
    import numpy as np

    from ..runs import plots

    if x.ndim == 4:
        return plots.reconstructions(np.stack([worst, decoded]))
    return plots.scatter_marked(x, generated, worst)
