"""Other known densities: what each method misses of the data, and what it invents.

A ring of 8 Gaussians, nine of unequal weights and two spirals: the α-Bridge, the reverse-KL GAN
with R1, naive fine-tuning and maximum likelihood, each by the density's preset and without a
search. Missed mass is the weight of the components that get less than a tenth of their share;
invented mass is the share of samples far from every component. A component of the spirals is a
piece of an arm.
"""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS

from .framework import Record, Study
from .framework.drawing import scatter
from .framework.scores import failures, final_scores
from .framework.settings import COLORS, hyperparameters, miniature
from .framework.trials import POINTS, own_scores, rounded, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "measure", "summary"]

DATA = ("ring8", "unbalanced", "spirals")
COMPARED = ("alpha-bridge", "rkl-gp", "naive", "ml")
METRICS = ("modes", "missed_mass", "invented_mass", "log_likelihood")


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train every method on each density, 3 trials. ``quick``: 2 trials, a twentieth."""
    trials = trials or (2 if quick else 3)
    presets = {data: _preset(data, seed, trials, quick) for data in DATA}
    configs = {
        (data, method): METHODS[method].apply(presets[data])
        for data, method in product(DATA, COMPARED)
    }
    plans = [
        stacked({"data": data, "method": method}, config, [config.steps], [config.steps])
        for (data, method), config in configs.items()
    ]
    runs = study.train(plans)
    return {
        "experiment": "mixtures",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "data": [_own(data, config) for data, config in presets.items()],
        "summary": [summary(run) for run in runs],
        "hyperparameters": hyperparameters(
            [(method, config) for (_, method), config in configs.items()]
        ),
        "runs": runs,
    }


def _preset(data: str, seed: int, trials: int, quick: bool) -> Config:
    config = changed(PRESETS[data], {"seed": seed, "trials": trials})
    return changed(miniature(config), {"steps": config.steps // 20}) if quick else config


def _own(data: str, config: Config) -> Record:
    samples = rounded(build_source(config).training(POINTS))
    return {"data": data, "scores": own_scores(config), "samples": samples}


def summary(run: Record) -> Record:
    """How a run ended: mean and deviation over trials of each metric, and trials that failed.

    Args:
        run: One of ``runs``. A number is None where a trial has failed.
    """
    return {
        "data": run["data"],
        "method": run["method"],
        "failed": failures(run),
        **final_scores(run, METRICS),
    }


def draw(record: Record) -> "Figure":
    """A row for each density and a column for each method: the model over the data.

    Args:
        record: As :func:`measure` gives it. Under each panel stand missed and invented mass.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import INK, MUTED, SMALL, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, WIDTH * 0.88), layout="constrained")
    panels = figure.subplots(len(DATA), len(COMPARED))
    found = {(end["data"], end["method"]): end for end in record["summary"]}
    for row, own in zip(panels, record["data"], strict=True):
        row[0].set_ylabel(own["data"], color=INK, fontsize=TEXT)
        for axes, method in zip(row, COMPARED, strict=True):
            (run,) = (
                run
                for run in record["runs"]
                if (run["data"], run["method"]) == (own["data"], method)
            )
            points = np.array([*run["samples"].values()] or [[]]).reshape(-1, 2)
            scatter(axes, np.array(own["samples"]), points, COLORS["alpha-bridge"])
            end = found[own["data"], method]
            masses = (f"{name} {_share(end[f'{name}_mass'])}" for name in ("missed", "invented"))
            axes.set_xlabel("\n".join(masses), color=MUTED, fontsize=SMALL)
    for axes, method in zip(panels[0], COMPARED, strict=True):
        axes.set_title(method, color=INK, fontsize=TEXT)
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(
        f"{quick}first of {record['trials']} trials over the data; masses are means over trials",
        fontsize=TEXT,
    )
    return figure


def _share(found: Record) -> str:
    return "failed" if found["mean"] is None else f"{found['mean']:.1%} ± {found['deviation']:.1%}"
