"""Unpaired translation between two mixtures whose true correspondence is known.

Both have the same five weights, all different, so that the distributions alone tell in principle
which component belongs to which; the second one is the first, turned, scaled and shifted. Each way
is trained from networks that begin near the identity, and from networks that begin anywhere. All
settings are ours.
"""

import math
from collections.abc import Callable
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from alpha_bridge.data import DensitySource, GaussianMixture, stream
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPGenerator, MLPTranslator
from alpha_bridge.penalty import R1
from alpha_bridge.runs.plots import BLUE, INK, LIGHT_RED, SMALL, TEXT, WIDTH

from .framework import Outcome, Plan, Record, Study
from .framework.trials import rounded
from .translating import SETTINGS, WAYS, translator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "measure", "mixtures", "score", "train"]

WEIGHTS = (0.4, 0.25, 0.17, 0.11, 0.07)
RADIUS, STD = 2.0, 0.1
TURN, SCALE, SHIFT = 0.5, 1.3, (1.0, -0.5)
"""How the second mixture becomes the first: turned by so many radians, scaled, shifted."""

UPDATES, QUICK_UPDATES, TRIALS = 2000, 100, 10
BATCH, SIGMA, PENALTY, HIDDEN = 128, 0.4, 0.3, (128, 128, 128)
SAMPLES, SHOWN = 2000, 300
PURPOSE = 11
"""Smaller than those of other experiments, because it was recorded with this one."""

Begin = Callable[[int, int, tuple[int, ...], int], Module]
BEGINNINGS: dict[str, Begin] = {"near the identity": MLPTranslator, "anywhere": MLPGenerator}
"""Networks of both translations, by where they begin."""

METRICS = {
    "there": "component hit",
    "back": "component hit on the way back",
    "cycle": "cycle error",
    "error": "error against the true translation",
}
"""Metrics of each trial, and their names in figures."""


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train every way from both beginnings, 10 stacked trials.

    The record has ``runs``, each with its way, where its networks begin, and a list for each metric
    with a number for each trial. ``quick``: 2 trials, a twentieth of the updates.
    """
    trials = trials or (2 if quick else TRIALS)
    updates = QUICK_UPDATES if quick else UPDATES
    plans = [
        Plan(
            {"way": way, "begins": beginning},
            train,
            {"way": way, "begins": beginning, "updates": updates, "trials": trials, "seed": seed},
            describe=_describe,
        )
        for beginning, way in product(BEGINNINGS, WAYS)
    ]
    return {
        "experiment": "translation between two mixtures",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "settings": {
            "updates": updates,
            "batch_size": BATCH,
            "weights": WEIGHTS,
            "std": STD,
            "sigma": SIGMA,
            "penalty": PENALTY,
            "hidden": HIDDEN,
            **SETTINGS,
            "note": "all settings are ours",
        },
        "runs": study.train(plans),
    }


def _describe(run: Record) -> str:
    return "  ".join(f"{metric} {run[metric]}" for metric in METRICS)


def mixtures() -> tuple[GaussianMixture, GaussianMixture]:
    """The first domain and the second, whose component k belongs to component k of the first."""
    angles = 2 * math.pi * torch.arange(len(WEIGHTS)) / len(WEIGHTS)
    means = RADIUS * torch.stack([angles.cos(), angles.sin()], -1)
    weights = torch.tensor(WEIGHTS)
    return (
        GaussianMixture(_moved(means), SCALE * STD, weights),
        GaussianMixture(means, STD, weights),
    )


def _moved(z: Tensor) -> Tensor:
    """The true translation from the second domain to the first."""
    cosine, sine = math.cos(TURN), math.sin(TURN)
    turn = torch.tensor([[cosine, sine], [-sine, cosine]])
    return SCALE * z @ turn + torch.tensor(SHIFT)


def train(way: str, begins: str, updates: int, trials: int, seed: int) -> Outcome:
    """Train stacked trials of a way, from networks that begin there, and score them."""
    since = perf_counter()
    network = BEGINNINGS[begins]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        arms = network(2, 2, HIDDEN, trials), network(2, 2, HIDDEN, trials)
        discriminators = MLPDiscriminator(2, HIDDEN, trials), MLPDiscriminator(2, HIDDEN, trials)
    first, second = map(DensitySource, mixtures())
    penalty = R1(weight=PENALTY)
    model = translator(
        WAYS[way], arms, discriminators, (first, second), updates, BATCH, seed, SIGMA, penalty
    )
    return Outcome({**score(model), "seconds": round(perf_counter() - since, 1)})


@torch.no_grad()
def score(model: AlphaBridge) -> Record:
    """How well a stacked model translates samples that are new to it.

    Args:
        model: It decodes the second domain to the first, and encodes the first to the second.

    Returns:
        For each trial: ``there`` and ``back``, shares of samples that land in the component that
        theirs belongs to (by the largest posterior), ``cycle``, the mean squared error per number
        of samples of the first domain after a round trip, and ``error``, that of translations
        against the true ones; and ``shown``, some translations of the first trial.
    """
    first, second = mixtures()
    (x, of_x), (z, of_z) = (
        mixture.labelled_sample(SAMPLES, stream(0, index, PURPOSE))
        for index, mixture in enumerate((first, second))
    )
    x, z = (points.expand(*model.trial_shape, -1, -1) for points in (x, z))
    there, back = model.decode(z), model.encode(x)

    def hits(mixture: GaussianMixture, points: Tensor, components: Tensor) -> list[float]:
        return _each((mixture.posterior(points.double()).argmax(-1) == components).float())

    return {
        "there": hits(first, there, of_z),
        "back": hits(second, back, of_x),
        "cycle": _each((model.decode(back) - x).square().mean(-1)),
        "error": _each((there - _moved(z)).square().mean(-1)),
        "shown": {
            "z": rounded(z.reshape(-1, *z.shape[-2:])[0, :SHOWN]),
            "there": rounded(there.reshape(-1, *there.shape[-2:])[0, :SHOWN]),
            "components": of_z[:SHOWN].tolist(),
        },
    }


def _each(values: Tensor) -> list[float]:
    """A mean over the samples of each trial."""
    return [round(value, 5) for value in values.mean(-1).reshape(-1).tolist()]


def draw(record: Record) -> "Figure":
    """A panel for each run: the first domain, and where the second one is taken to.

    Args:
        record: As :func:`measure` gives it. Translations have the colour of their component.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, WIDTH * 0.56), layout="constrained")
    panels = figure.subplots(len(BEGINNINGS), len(WAYS), squeeze=False)
    first, _ = mixtures()
    for axes, run in zip(panels.flat, record["runs"], strict=True):
        shown = run["shown"]
        axes.scatter(*first.means.T, s=90, c=LIGHT_RED, linewidths=0)
        axes.scatter(
            *np.array(shown["there"]).T, s=3, c=shown["components"], cmap="tab10", vmax=9, zorder=2
        )
        for number, (x, y) in enumerate(first.means.tolist()):
            axes.annotate(str(number), (x, y), (5, 5), textcoords="offset points", fontsize=SMALL)
        hits = ", ".join(f"{share:.0%}" for share in (np.mean(run["there"]), np.mean(run["back"])))
        axes.set_xlabel(f"hit: {hits}", fontsize=SMALL, color=BLUE)
        axes.set(xticks=[], yticks=[], aspect="equal")
    for axes, way in zip(panels[0], WAYS, strict=True):
        axes.set_title(way, fontsize=SMALL, color=INK)
    for row, beginning in zip(panels, BEGINNINGS, strict=True):
        row[0].set_ylabel(f"begins {beginning}", fontsize=SMALL, color=INK)
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(
        f"{quick}first of {record['trials']} trials; shares of right components there and back are "
        "means over trials",
        fontsize=TEXT,
    )
    return figure
