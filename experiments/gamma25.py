"""Ours, not the paper's: what the choice of γ does to training on the 25 Gaussians.

The γ of least variance makes the gradient less noisy where the ratio is exact. Here the ratio is
a discriminator's and the likelihood a bound, so whether less noise trains better has to be seen.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.checks import at_least
from alpha_bridge.metrics.evaluation import Evaluation
from alpha_bridge.recipe import GammaConfig
from alpha_bridge.recipe.builders import assemble, build_evaluation
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.training import Event, Records

from .runs import Tell, publish, silent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "measure", "reproduce"]

KINDS = ("sigmoid", "linear", "optimal")
COLORS = {"sigmoid": "#1b2430", "linear": "#cf6a17", "optimal": "#2a8f5a"}

Record = dict[str, Any]


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
) -> Record:
    """Train with each γ, and write ``gamma25.json`` and ``gamma25.png`` into a folder.

    Args:
        folder: Where to write; it is made if it is missing.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials for each γ, one or more; by default 3, or 1 if ``quick``.
        quick: A miniature: a tenth of the updates.
        tell: Told of each run in a line.

    Returns:
        What ``gamma25.json`` holds, as :func:`measure` gives it.
    """
    steps = PRESETS["gaussians25"].steps // 10 if quick else None
    record = measure(seed, (1 if quick else 3) if trials is None else trials, steps, tell)
    return publish("gamma25", folder, record, draw)


def measure(
    seed: int = 0, trials: int = 3, steps: int | None = None, tell: Tell = silent
) -> Record:
    """Metrics along training for each γ and seed.

    Args:
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials for each γ, one or more.
        steps: Updates of each run; None for the preset's.
        tell: Told of each run in a line.

    Returns:
        ``settings``, the preset's configuration, and ``runs``, one for each γ and seed, with its
        evaluations and with γ along the path.

    Raises:
        ValueError: ``trials`` is below one.
    """
    at_least(1, "trials", trials)
    preset = PRESETS["gaussians25"]
    config = preset.model_copy(update={"steps": steps or preset.steps})
    runs = []
    for kind in KINDS:
        for trial in range(trials):
            update = {"seed": seed + trial, "gamma": GammaConfig.model_validate({"kind": kind})}
            parts = assemble(config.model_copy(update=update))
            watch = _Watch(build_evaluation(parts.config, parts.source))
            records = Records(watch.keep, config.record_every, watch.evaluate, 1000)
            parts.fit(callbacks=[records])
            runs.append({"gamma": kind, "seed": seed + trial, **watch.found})
            tell(f"{len(runs)}/{len(KINDS) * trials}  {kind}  seed {seed + trial}")
    return {"experiment": "gamma25", "settings": config.model_dump(mode="json"), "runs": runs}


class _Watch:
    """Keeps the metrics of a run, and γ against α."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.found: dict[str, list[Any]] = {"evaluations": [], "path": []}

    def evaluate(self, event: Event) -> Record:
        state = event.state
        metrics = self.evaluation(state.averaged(), state.memory, event.in_step_one).metrics
        self.found["evaluations"].append({"step": event.step, **metrics})
        return metrics

    def keep(self, record: Record) -> None:
        if record["phase"] == "transfer":
            self.found["path"].append([record["alpha"], record["gamma"]])


def draw(record: Record) -> "Figure":
    """γ along the path, and two metrics along training: each trial, and their mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.4), layout="constrained")
    path, *metrics = figure.subplots(1, 3)
    names = [
        name
        for name in record["runs"][0]["evaluations"][0]
        if name.startswith(("inception_score", "log_likelihood"))
    ]
    for kind in KINDS:
        runs = [run for run in record["runs"] if run["gamma"] == kind]
        for run in runs:
            path.plot(*zip(*run["path"], strict=True), color=COLORS[kind], alpha=0.5, linewidth=1)
        for axes, name in zip(metrics, names, strict=True):
            steps = [evaluation["step"] for evaluation in runs[0]["evaluations"]]
            values = np.array([[e[name] for e in run["evaluations"]] for run in runs])
            axes.plot(steps, values.T, color=COLORS[kind], alpha=0.3, linewidth=0.8)
            axes.plot(steps, values.mean(0), color=COLORS[kind], linewidth=2, label=kind)
            axes.set(title=name, xlabel="updates")
    path.set(title="γ along the path", xlabel="α", ylabel="γ", xlim=(0, 1), ylim=(-0.03, 1.03))
    metrics[0].set_ylim(23.5, 25)
    metrics[1].set_ylim(-5, -1.5)
    metrics[1].legend(frameon=False)
    return figure
