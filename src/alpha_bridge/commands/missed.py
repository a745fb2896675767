"""Rank the real samples of a run by how well its generator covers them, and picture the worst."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from ..checks import at_least
from ..data import read_samples
from ..files import writing
from ..inference.coverage import Coverage, rank_by_coverage
from ..metrics.evaluation import in_chunks
from ..runs import plots
from ..runs.folder import Run
from ..runs.loading import data_of, latents_of, load_model, units_of
from ..runs.opening import config_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..runs.folder import Array

__all__ = ["Missed", "missed"]

GENERATED = 2000


@dataclass(frozen=True)
class Missed:
    """How well real samples are covered.

    Attributes:
        samples: The worst first.
        sigma: σ of the bounds, the one that fits these samples.
        picture: The worst above their reconstructions, or among the others.
        table: All of it as JSON.
    """

    samples: Sequence[Coverage]
    sigma: float
    picture: Path
    table: Path


def missed(
    run: Run,
    images: Path | None = None,
    count: int = 1000,
    shown: int = 12,
    draws: int = 50,
    step: int | None = None,
    console: Console | None = None,
    data: str | None = None,
) -> Missed:
    """Rank real samples, and write ``missed.json`` and ``missed.png`` into the run.

    Args:
        run: A run with a checkpoint.
        images: Samples to rank: an image, a folder of images or an ``.npy``; None for held-out
            data of the run.
        count: How many samples are ranked at most, one or more.
        shown: How many of the worst are in the picture, one or more.
        draws: K, the number of latents for each sample in the bound, one or more.
        step: The checkpoint's number of updates; None for the latest.
        console: Where to tell of images that are decoded; nowhere by default.
        data: The data instead of those that the run names; what it names of the hub is not fetched.

    Returns:
        The samples, the worst first, and the files.

    Raises:
        ValueError: A number is out of its range, there are no samples, or the run or its data
            cannot be used.
        FileNotFoundError: There are no such images.

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    console = console or Console(quiet=True)
    for name, number in {"count": count, "n": shown, "draws": draws}.items():
        at_least(1, name, number)
    config = config_of(run)
    model, _ = load_model(run, config, step)
    units = units_of(run, config, step)
    if images is None:
        source = data_of(run, config, console, data)
        x, labels = source.held_out(count), source.held_out_labels(count)
        rows = source.held_out_attributes(count).rows
    else:
        x, labels, rows = read_samples(images, config.event_shape or ())[:count], None, None
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
    text = json.dumps(content, indent=1, allow_nan=False)
    with writing(found.table) as file:
        file.write(f"{text}\n".encode())
    worst = x[[sample.index for sample in samples[:shown]]]
    decoded = in_chunks(model.reconstruct, worst)
    shown_samples = (units.stored(part) for part in (x, generated, worst, decoded))
    plots.save_figure(draw(*shown_samples), found.picture)
    return found


def draw(x: Array, generated: Array, worst: Array, decoded: Array) -> Figure:
    """The worst samples: images above their reconstructions, points among all others.

    Args:
        x: The samples that were ranked, as a run keeps them.
        generated: Samples of the model.
        worst: The worst of the samples.
        decoded: Their reconstructions.
    """
    if x.ndim == 4:
        return plots.reconstructions(np.stack([worst, decoded]))
    return plots.scatter_marked(x, generated, worst)
