"""Ours: whether the networks and the latent that the dial decides should follow how many images.

The dial decides both by the size of the images alone. Here it is given a hundred faces, drawn once
from a set of thousands; a tenth of them are held out, as of any set. Beside the decided width of
the networks and size of the latent there are others, one at a time; all else is as decided. What is
measured is how well the whole set is met: the distance from its training images, and the error on
those that are held out of it.
"""

from itertools import product
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.data import Source
from alpha_bridge.data.array_kinds import with_held_out
from alpha_bridge.metrics.definition import METRICS
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.recipe import Config, changed, value_of
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.decided import dialled
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.runs.plots import BLUE, MUTED, SMALL, TEXT, WIDTH, ruled

from .framework import Claim, Outcome, Plan, Record, Study
from .framework.evaluations import Evaluations, measured
from .untuned import SETS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SHOWN", "claims", "draw", "few", "measure", "summary", "train"]

COUNT, DRAWN = 100, 0
"""Images, and the seed that they are drawn with."""
VARIED = {"width": (1 / 4, 1 / 2, 3 / 2), "latent": (1 / 4, 1 / 2)}
"""Times the decided value: of faces 8, 16 and 48 channels, and latents of 8 and 16 numbers."""
SHARE = 0.9
SHOWN = ("frechet_distance", "reconstruction_error")
QUICK: dict[str, Any] = {"data": "digits", "steps": 8, "evaluation.samples": 200}


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train with each width and latent, 3 trials. ``quick``: 1 trial, digits and 8 updates."""
    trials, faces = trials or (1 if quick else 3), SETS["faces"]
    values = {"data": data or faces.hub, "steps": faces.steps, "images.size": 32}
    values |= {"evaluation.samples": 2500}
    base = dialled(changed(Config(), QUICK if quick else values))
    own = vars(assemble(base, source=few(build_source(base), COUNT)).config.model)
    tried: list[dict[str, int]] = [{}]
    tried += [{key: int(own[key] * times)} for key, of in VARIED.items() for times in of]
    plans = []
    for at, given in product(range(seed, seed + trials), tried):
        labels = {key: own[key] for key in VARIED} | given | {"seed": at}
        config = changed(base, {f"model.{key}": value for key, value in given.items()})
        plans.append(Plan(labels, train, {"config": changed(config, {"seed": at})}, None, _words))
    runs = study.train(plans)
    record = {"experiment": "few-images", "quick": quick, "seed": seed, "trials": trials}
    return {**record, "count": COUNT, "summary": summary(runs), "runs": runs}


def few(whole: Source, count: int) -> Source:
    """A set of its own from ``count`` training images of another, always the same ones."""
    assert whole.size is not None
    places = np.random.default_rng(DRAWN).choice(whole.size, count, replace=False)
    return with_held_out(whole.chosen(whole.size, places).permute(0, 2, 3, 1).numpy())


def train(config: Config) -> Outcome:
    """Train on few of the images that a configuration names, and measure against all of them.

    Args:
        config: What to train.

    Returns:
        A record with ``decided``, the values that were; ``evaluations``; and ``seconds``.
    """
    since, whole = perf_counter(), build_source(config)
    parts = assemble(config, source=few(whole, COUNT))
    evaluations = Evaluations(build_evaluation(config, whole), {config.steps})
    parts.fit(callbacks=[evaluations])
    decided = {key: value_of(parts.config, key) for key in parts.config.decided}
    seconds = round(perf_counter() - since, 1)
    return Outcome({"decided": decided, "evaluations": evaluations.records, "seconds": seconds})


def _words(run: Record) -> str:
    text = "  ".join(f"{metric} {measured(run['evaluations'][-1], metric):.4g}" for metric in SHOWN)
    return f"{text}  ({run['seconds']:.0f} s)"


def summary(runs: list[Record]) -> list[Record]:
    """Of each width and latent, first the decided ones, the mean and spread of what is measured."""
    found = []
    for width, latent in dict.fromkeys((run["width"], run["latent"]) for run in runs):
        own = [run for run in runs if (run["width"], run["latent"]) == (width, latent)]
        of = {metric: [measured(run["evaluations"][-1], metric) for run in own] for metric in SHOWN}
        means = {m: {"mean": fmean(v), "deviation": float(spread(v))} for m, v in of.items()}
        found.append({"width": width, "latent": latent, **means})
    return found


def claims(record: Record) -> list[Claim]:
    """Whether the decided width and latent are about as good as any, by the mean distance."""
    means = {
        f"width {of['width']}, latent {of['latent']}": of["frechet_distance"]["mean"]
        for of in record["summary"]
    }
    decided, *others = means.values()
    about = "no other width or latent has a mean distance below nine tenths of the decided one's"
    return [Claim(about, min(others) >= SHARE * decided, [means])]


def draw(record: Record) -> "Figure":
    """The distance by width and by latent, a point for each run; what is decided is blue."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    decided = record["summary"][0]
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, key, other in zip(panels, ("width", "latent"), ("latent", "width"), strict=True):
        own = [run for run in record["runs"] if run[other] == decided[other]]
        places = sorted({run[key] for run in own})
        for run in own:
            color, place = BLUE if run[key] == decided[key] else MUTED, places.index(run[key])
            axes.plot(
                place, measured(run["evaluations"][-1], "frechet_distance"), "o", ms=4, color=color
            )
        axes.set_xticks(range(len(places)), [str(place) for place in places])
        axes.set_xlabel(f"{key}, at a {other} of {decided[other]}", fontsize=SMALL)
        ruled(axes)
    panels[0].set_yscale("log")
    panels[0].set_ylabel(METRICS["frechet_distance"].label, fontsize=SMALL)
    panels[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels[0].yaxis.set_major_formatter("{x:g}")
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(f"{quick}{record['count']} images; blue is decided", fontsize=TEXT)
    return figure
