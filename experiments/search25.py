"""The recorded search behind Figure 4: as many settings for each method, scored in the same way.

The settings are the same draws for all methods, the preset first, and every choice occurs in
equally many. They vary the learning rates of generator and discriminator apart (the encoder has the
generator's), β₂, the updates of the discriminator and the weight of its penalty. Spectral
normalisation has no weight: there its draw multiplies the discriminator's learning rate. What only
the bridge has, the lengths of its Steps I and II, varies in the bridge's settings alone. Each
setting is trained at both β₁ for the first updates of Figure 4's training, on seeds that Figure 4
does not use. All else is that of Figure 4.

The score was fixed before the first run: at each β₁ the settings of a method are ranked among
themselves by each of six numbers, the mean over trials of the inception score and of the
log-likelihood at the first two updates measured and at the last. The lowest mean rank is best. A
trial that failed puts its setting last. The bridge's σ is not searched: it stays the preset's,
which was chosen by hand beforehand.
"""

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.runs.plots import ruled

from .framework import Record, Study
from .framework.drawing import scale
from .framework.scores import SCORES, Array, finite, mean, values
from .framework.settings import BETAS, COLORS, COMPARED, beginning, gaussians25, hyperparameters
from .framework.trials import stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SETTINGS", "best", "draw", "measure", "own_setting"]

PENALTIES: dict[str, tuple[float, float]] = {
    "weak": (0.1, 0.5),
    "as is": (0.3, 1),
    "strong": (1, 2),
}
"""The weight of the penalty; in its place, what multiplies the rate under a spectral norm."""

PATHS: dict[str, tuple[float, float]] = {
    "as is": (0.05, 0.15),
    "middle": (0.03, 0.07),
    "short": (0.02, 0.05),
}
"""Shares of Steps I and II; the baselines have neither, whatever is drawn."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "generator": (1e-3, 3e-4, 3e-3),
    "discriminator": (1e-3, 3e-4, 3e-3),
    "beta2": (0.99, 0.9, 0.999),
    "discriminator_steps": (1, 1, 2),
    "penalty": ("as is", "weak", "strong"),
    "path": ("as is", "short", "middle"),
}
"""What a setting chooses from, the preset's value first; each has as many settings."""

FIRST_SEED = 1000
UPDATES = (1000, 2000, 2500)
COUNT = 12

Setting = dict[str, Any]


def _settings() -> tuple[Setting, ...]:
    """The preset's setting, and eleven in which the choices are shuffled."""
    shuffled = Random(25)
    columns = []
    for preset, *others in CHOICES.values():
        rest = [preset, *others] * (COUNT // 3)
        rest.remove(preset)
        columns.append([preset, *shuffled.sample(rest, len(rest))])
    return tuple(dict(zip(CHOICES, row, strict=True)) for row in zip(*columns, strict=True))


SETTINGS = _settings()


def own_setting(method: str, setting: Setting) -> dict[str, Any]:
    """What a setting means for a method, by the keys of its configuration.

    Example:
        >>> own_setting("rkl-sn", SETTINGS[0])["optimization.discriminator"]
        0.001
    """
    weight, factor = PENALTIES[setting["penalty"]]
    ml, transfer = PATHS[setting["path"]]
    shares = METHODS[method].shares(ml, transfer, 1 - ml - transfer)
    spectral = METHODS[method].defines.get("regularizer.kind") == "spectral"
    values = {
        **dict(zip(("path.ml", "path.transfer", "path.adversarial"), shares, strict=True)),
        "optimization.generator": setting["generator"],
        "optimization.encoder": setting["generator"],
        "optimization.discriminator": setting["discriminator"] * (factor if spectral else 1),
        "optimization.beta2": setting["beta2"],
        "optimization.discriminator_steps": setting["discriminator_steps"],
    }
    return values if spectral else {**values, "regularizer.weight": weight}


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train every setting of every method, 3 trials from seed + 1000.

    ``quick``: two settings, two trials, a tenth of the updates.
    """
    trials = trials or (2 if quick else 3)
    settings = SETTINGS[:2] if quick else SETTINGS
    updates = [update // 10 for update in UPDATES] if quick else [*UPDATES]
    base = gaussians25(seed + FIRST_SEED, trials, quick)
    plans = [
        stacked(
            {"method": method, "beta1": beta1, "setting": number},
            _config(base, method, beta1, setting, updates[-1]),
            updates,
        )
        for beta1 in BETAS
        for number, setting in enumerate(settings)
        for method in COMPARED
    ]
    runs = study.train(plans)
    return {
        "experiment": "search25",
        "quick": quick,
        "seed": base.seed,
        "trials": trials,
        "best": best(runs, settings),
        "settings": [*settings],
        "hyperparameters": hyperparameters(
            [(p.labels["method"], p.arguments["config"]) for p in plans]
        ),
        "ranks": ranks(runs),
        "runs": runs,
    }


def _config(base: Config, method: str, beta1: float, setting: Setting, steps: int) -> Config:
    whole = {"optimization.beta1": beta1, **own_setting(method, setting)}
    return beginning(changed(METHODS[method].apply(base), whole), steps)


def ranks(runs: Sequence[Record]) -> list[Record]:
    """Mean rank of each setting among those of its method at its β₁; the lowest is the best."""
    found = []
    for method, beta1 in product(COMPARED, BETAS):
        own = [run for run in runs if (run["method"], run["beta1"]) == (method, beta1)]
        criteria = np.array(
            [
                [mean(values(run, metric))[at] for metric in SCORES for at in (0, 1, -1)]
                for run in own
            ]
        )
        mean_ranks = np.mean([_ranked(column) for column in criteria.T], axis=0)
        found += [
            {"method": method, "beta1": beta1, "setting": run["setting"], "rank": round(rank, 3)}
            for run, rank in zip(own, mean_ranks.tolist(), strict=True)
        ]
    return found


def _ranked(scores: Array) -> Array:
    """Rank of each score from 1, the highest; those that are equal share the mean of theirs."""
    above = (scores[:, None] < scores).sum(-1)
    equal = (scores[:, None] == scores).sum(-1)
    rank: Array = above + (equal + 1) / 2
    return rank


def best(
    runs: Sequence[Record], settings: Sequence[Setting] = SETTINGS
) -> dict[str, dict[str, Record]]:
    """The best setting of each method at each β₁, by the keys of its configuration."""
    table: dict[str, dict[str, Record]] = {method: {} for method in COMPARED}
    found = ranks(runs)
    for method, beta1 in product(COMPARED, BETAS):
        own = [row for row in found if (row["method"], row["beta1"]) == (method, beta1)]
        first = min(own, key=lambda row: row["rank"])
        table[method][str(beta1)] = own_setting(method, settings[first["setting"]])
    return table


def draw(record: Record) -> "Figure":
    """Scores of all settings at the end: each a point, the best of each method ringed."""
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import INK, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    panels = figure.subplots(len(SCORES), len(BETAS), squeeze=False, sharey="row")
    for row, (metric, name) in zip(panels, SCORES.items(), strict=True):
        for axes, beta1 in zip(row, BETAS, strict=True):
            for place, method in enumerate(COMPARED):
                for run in record["runs"]:
                    if (run["method"], run["beta1"]) == (method, beta1):
                        score = finite(mean(values(run, metric))[-1])
                        axes.plot(
                            place + 0.05 * (run["setting"] - (len(record["settings"]) - 1) / 2),
                            np.nan if score is None else score,
                            marker="o",
                            markersize=9 if _is_best(record, run) else 4,
                            markerfacecolor="none" if _is_best(record, run) else COLORS[method],
                            color=COLORS[method],
                        )
            axes.set_xticks(range(len(COMPARED)), COMPARED)
            scale(axes, metric)
            axes.set_title(f"{name}, β₁ = {beta1:g}", loc="left", fontsize=TEXT, color=INK)
            ruled(axes)
    last = record["runs"][0]["updates"][-1]
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(
        f"{quick}{len(record['settings'])} settings of each method after {last:,} updates, means "
        f"of {record['trials']} trials; the chosen ones are rings",
        fontsize=TEXT,
    )
    return figure


def _is_best(record: Record, run: Record) -> bool:
    own = own_setting(run["method"], record["settings"][run["setting"]])
    chosen: Record = record["best"][run["method"]][str(run["beta1"])]
    return own == chosen
