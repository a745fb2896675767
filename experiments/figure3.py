"""Figure 3: samples of the 25 Gaussians along one training of each method, at β₁ = 0.5.

Each method has the setting that ``search25`` found best for it; one trial of each, of the seed that
was asked for.
"""

from typing import TYPE_CHECKING

import numpy as np

from alpha_bridge.recipe.domains import build_source

from .framework import Record, Study
from .framework.drawing import scatter
from .framework.settings import COLORS, COMPARED, gaussians25, hyperparameters, tuned
from .framework.trials import POINTS, rounded, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "measure"]

UPDATES = (1000, 2000, 4000, 6000, 10_000)
BETA1 = 0.5


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train every method; the first trial is shown. ``quick``: a tenth of the updates."""
    base = gaussians25(seed, trials or 1, quick)
    updates = [update // 10 if quick else update for update in UPDATES]
    configs = {method: tuned(method, BETA1, base) for method in COMPARED}
    plans = [stacked({"method": m}, config, updates, updates) for m, config in configs.items()]
    data = build_source(base).training(POINTS)
    return {
        "experiment": "figure3",
        "quick": quick,
        "seed": seed,
        "trials": base.trials,
        "beta1": BETA1,
        "hyperparameters": hyperparameters([*configs.items()]),
        "data": rounded(data),
        "runs": study.train(plans),
    }


def draw(record: Record) -> "Figure":
    """A row for each method and a column for each number of updates: the model over the data.

    Args:
        record: As :func:`measure` gives it. Where a trial has failed its panel has data alone.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import INK, TEXT, WIDTH

    updates = record["runs"][0]["updates"]
    figure = Figure(figsize=(WIDTH, WIDTH * 0.66), layout="constrained")
    panels = figure.subplots(len(record["runs"]), len(updates))
    data = np.array(record["data"])
    for row, run in zip(panels, record["runs"], strict=True):
        row[0].set_ylabel(run["method"], color=INK, fontsize=TEXT)
        for axes, update in zip(row, updates, strict=True):
            points = np.array(run["samples"].get(str(update), [])).reshape(-1, 2)
            scatter(axes, data, points, COLORS[COMPARED[0]])
    for axes, update in zip(panels[0], updates, strict=True):
        axes.set_title(f"{update:,}", color=INK, fontsize=TEXT)
    quick = "quick miniature of " if record["quick"] else ""
    figure.suptitle(
        f"{quick}Figure 3: seed {record['seed']}, β₁ = {record['beta1']:g}; samples in blue over "
        "the data in red",
        fontsize=TEXT,
    )
    return figure
