"""Figure 1 on the 25 Gaussians: fixed latents forget the mode that Step I gave them, or keep it.

The paper shows the forgetting of adversarial fine-tuning (``naive``) after maximum likelihood and
twenty updates later. Here the same latents are followed to the end, under it and under the
α-Bridge. All settings are ours: the paper's appendix is lost.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alpha_bridge.data import grid
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.plots import LINE, SMALL, TEXT, WIDTH
from alpha_bridge.runs.plots.records import Array

from .framework import Record, Samples, Study, compare, configurations, due, ends
from .framework.drawing import curves, shade_steps
from .framework.evaluations import chosen, metric_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "measure"]

SHARED: dict[str, Any] = {
    "path.ml": 0.4,
    "path.transfer": 0.3,
    "path.adversarial": 0.3,
    "model.noise": 0.2,
    "evaluation.every": 500,
}
"""What both methods change in the preset; σ is small so that Step I tells the modes apart."""

SETTINGS: dict[str, dict[str, Any]] = {
    "naive": SHARED,
    "alpha-bridge": SHARED | {"path.end": 0.97, "gamma.c": 15.0, "gamma.d": -7.5},
}
"""What each method changes in the preset, before it leaves out the steps that it does not have."""

QUICK: dict[str, Any] = {"steps": 2000, "evaluation.every": 250, "evaluation.samples": 2000}
"""What both methods change in the miniature as well."""

SOON = 20
"""Updates after Step I that the paper's figure shows."""

METRICS = ("retention", "inception_score", "log_likelihood", "drift")


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train both methods, 3 trials; the miniature has one, for a minute or less."""
    settings = {name: own | QUICK if quick else own for name, own in SETTINGS.items()}
    trials = trials or (1 if quick else 3)
    configs = [*configurations(PRESETS["gaussians25"], settings, seed, trials)]
    bridge = next(config for name, config in configs if name == "alpha-bridge")
    first, second, third = ends(bridge)
    shown = [first, first + SOON, (first + second) // 2, second, third]
    steps = {*due(bridge), *shown}
    return {
        "figure": "Figure 1",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "preset": "gaussians25",
            "methods": settings,
            "ends_of_steps": [first, second, third],
            "shown_updates": shown,
            "note": "all settings are ours: the paper's are not published",
        },
        **compare(study, configs, steps, partial(chosen, steps=shown)),
    }


def draw(record: Record, samples: Samples) -> "Figure":
    """The samples of each method through time, and its numbers along training.

    Args:
        record: As :func:`measure` gives it.
        samples: By method and number of updates, ``(N, 2)``.

    Returns:
        A row of panels for each method, each point in the colour of the mode that Step I gave its
        latent; below them a panel for each metric.
    """
    from matplotlib.figure import Figure

    marks = record["settings"]["ends_of_steps"]
    steps = record["settings"]["shown_updates"]
    names = metric_names(record, *METRICS)
    size = WIDTH / len(steps)
    figure = Figure(figsize=(WIDTH, size * len(samples) + 2.8), layout="constrained")
    parts = figure.add_gridspec(2, 1, height_ratios=[size * len(samples), 2.6])
    above = figure.add_subfigure(parts[0])
    below = figure.add_subfigure(parts[1])
    panels = above.subplots(len(samples), len(steps), squeeze=False)
    reach = 1.15 * max(np.abs(of[steps[-1]]).max() for of in samples.values())
    for row, (name, of) in zip(panels, samples.items(), strict=True):
        modes = grid().posterior(torch.from_numpy(of[marks[0]])).argmax(-1).numpy()
        for axes, step in zip(row, steps, strict=True):
            _scatter(axes, of[step], modes, reach)
        row[0].set_ylabel(name, fontsize=TEXT)
    for axes, step in zip(panels[0], steps, strict=True):
        axes.set_title(f"{step:,} updates", fontsize=SMALL)
    for axes, name in zip(below.subplots(1, len(names)), names, strict=True):
        curves(axes, record["runs"], name)
        shade_steps(axes, marks)
    below.axes[0].legend(frameon=False, fontsize=SMALL)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure


def _scatter(axes: "Axes", points: Array, modes: Array, reach: float) -> None:
    # neighbours on the grid have numbers that follow one another: far steps in the map part them
    colors = modes * 7 % 25
    x, y = points.T
    axes.scatter(x, y, c=colors, cmap="turbo", vmin=0, vmax=24, s=2, linewidths=0, rasterized=True)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color(LINE)
