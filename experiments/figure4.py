r"""Figure 4: inception score and log-likelihood along training on the 25 Gaussians, ten trials.

Each method has the setting that ``search25`` found best for it at each β₁. Networks, batches,
number of updates and the average that is measured are the same for all; a method whose best setting
updates the discriminator twice is given the time for it, which is recorded. Beside them stand the
``defaults``, for which nothing was searched: the dial at 0.9, and what is decided from the data.
"""

from collections.abc import Mapping, Sequence
from math import hypot, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.decided import dialled
from alpha_bridge.runs.plots import ruled

from .framework import Claim, Record, Study
from .framework.drawing import scale
from .framework.scores import (
    ALL_MODES,
    SCORES,
    Array,
    covering,
    failures,
    finite,
    mean,
    spread,
    values,
)
from .framework.settings import BETAS, COLORS, COMPARED, gaussians25, hyperparameters, tuned
from .framework.trials import own_scores, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["claims", "draw", "measure"]

UPDATES = (500, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000)
COMPARED_AT = (1000, 2000, 4000, 6000, 8000, 10_000)
"""Updates at which the means are compared."""
STEADY = 4000
"""Updates up to which the deviations are compared."""
RATIO = 3.0
"""How many times smaller the bridge's deviation is to be."""
NEAR = {"inception_score": 0.25, "log_likelihood": 0.1}
"""How far from the data's own score a mean may be and count as there: 1 % of 25, and nats."""

BRIDGE, *BASELINES = COMPARED
DEFAULTS = "defaults"

Runs = Mapping[str, Record]


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train every method at each β₁, ten trials. ``quick``: 2 trials, a tenth of the updates."""
    trials = trials or (2 if quick else 10)
    base = gaussians25(seed, trials, quick)
    scale = 10 if quick else 1
    plans = [
        stacked(
            {"method": method, "beta1": beta1},
            untuned(beta1, base) if method == DEFAULTS else tuned(method, beta1, base),
            [update // scale for update in UPDATES],
        )
        for beta1 in BETAS
        for method in (*COMPARED, DEFAULTS)
    ]
    record: Record = {
        "experiment": "figure4",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "judged": [update // scale for update in COMPARED_AT],
        "steady": STEADY // scale,
        "data": own_scores(base),
        "hyperparameters": hyperparameters(
            [
                (f"{p.labels['method']}, β₁ {p.labels['beta1']}", p.arguments["config"])
                for p in plans
                if p.labels["method"] != DEFAULTS
            ]
        ),
        "runs": study.train(plans),
    }
    return record


def untuned(beta1: float, config: Config) -> Config:
    """What the dial decides, with the networks, updates, averages and metrics of ``config``."""
    given = {
        "seed": config.seed,
        "trials": config.trials,
        "steps": config.steps,
        "batch_size": config.batch_size,
        "model.latent": config.model.latent,
        "model.hidden": config.model.hidden,
        "optimization.beta1": beta1,
        "optimization.average": config.optimization.average,
    }
    begun = changed(Config(), {"data": config.data, **given})
    return changed(dialled(begun), given).model_copy(update={"evaluation": config.evaluation})


def claims(record: Record) -> list[Claim]:
    """Whether the numbers show what the figure is to show.

    Args:
        record: With ``runs``, ``trials``, ``data``, ``judged`` and ``steady``.

    Returns:
        For each β₁: for each score, that the bridge's mean is at or above both baselines', or
        within a standard error of the difference where all three are at the data's own score;
        for each score, that the bridge's deviation over trials is at most a
        third of each baseline's while it is to be steady; and that all trials of the bridge end
        with all modes. The first of them for the defaults as well.
    """
    found = []
    for beta1 in BETAS:
        runs = {run["method"]: run for run in record["runs"] if run["beta1"] == beta1}
        at = f"β₁ {beta1:g}"
        for metric, name in SCORES.items():
            own = next(v for key, v in record["data"].items() if key.startswith(f"{metric}/"))
            for bridge, whose in ((BRIDGE, "the bridge's"), (DEFAULTS, "the defaults'")):
                if bridge in runs:
                    higher = [_higher(runs, bridge, metric, own, u) for u in record["judged"]]
                    found.append(_all(f"{at}: {whose} mean {name} is at or above both", higher))
            early = [update for update in record["judged"] if update <= record["steady"]]
            steadier = [_steadier(runs, metric, update) for update in early]
            about = f"{at}: the bridge's deviation of the {name} is at most a third of theirs"
            found.append(_all(about, steadier))
        covered = {method: covering(run) for method, run in runs.items()}
        about = f"{at}: every trial of the bridge ends with all {ALL_MODES} modes"
        found.append(Claim(about, covered[BRIDGE] == record["trials"], [covered]))
    return found


def _all(about: str, found: list[Record]) -> Claim:
    return Claim(about, all(point["holds"] for point in found), found)


def _at(runs: Runs, metric: str, update: int) -> dict[str, Array]:
    return {m: values(run, metric)[run["updates"].index(update)] for m, run in runs.items()}


def _higher(runs: Runs, bridge: str, metric: str, own: float, update: int) -> Record:
    """With p of a paired test of each baseline, whose trials have the bridge's seeds."""
    trials = _at({method: runs[method] for method in (bridge, *BASELINES)}, metric, update)
    means = {method: float(mean(found)) for method, found in trials.items()}
    there = all(abs(found - own) <= NEAR[metric] for found in means.values())

    def holds(other: str) -> bool:
        spreads = [float(spread(trials[method])) for method in (bridge, other)]
        allowed = hypot(*spreads) / sqrt(len(trials[bridge])) if there else 0.0
        return isfinite(means[bridge]) and means[bridge] + allowed >= means[other]

    return {
        "update": update,
        "holds": all(map(holds, BASELINES)),
        "at_the_datas_own_score": there,
        **{method: finite(found) for method, found in means.items()},
        "p": {other: _paired(trials[bridge], trials[other]) for other in BASELINES},
    }


def _paired(one: Array, other: Array) -> float | None:
    """p of Wilcoxon's signed-rank test of no difference; None where a trial has failed."""
    from scipy.stats import wilcoxon

    difference = one - other
    if not np.isfinite(difference).all() or not difference.any():
        return None
    return float(f"{float(wilcoxon(difference).pvalue):.3g}")


def _steadier(runs: Runs, metric: str, update: int) -> Record:
    compared = {method: runs[method] for method in COMPARED}
    spreads = {m: float(spread(found)) for m, found in _at(compared, metric, update).items()}
    steady = isfinite(spreads[BRIDGE])
    return {
        "update": update,
        "holds": steady and all(RATIO * spreads[BRIDGE] <= spreads[other] for other in BASELINES),
        **{method: finite(found) for method, found in spreads.items()},
    }


def draw(record: Record) -> "Figure":
    """The figure: means over trials, bands of one deviation, and where Steps I and II end.

    Args:
        record: As :func:`measure` gives it. Trials that failed are left out of the curves and
            counted in the legend.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
    panels = figure.subplots(len(BETAS), len(SCORES), sharex=True)
    for row, beta1 in zip(panels, BETAS, strict=True):
        runs = [run for run in record["runs"] if run["beta1"] == beta1]
        for axes, (metric, name) in zip(row, SCORES.items(), strict=True):
            _panel(axes, runs, metric)
            axes.set_title(f"{name}, β₁ = {beta1:g}", loc="left", fontsize=TEXT)
            own = next(v for key, v in record["data"].items() if key.startswith(f"{metric}/"))
            axes.axhline(own, color="#98a2b3", linewidth=0.8, linestyle=":", label="the data")
        row[0].legend(edgecolor="none", fontsize=TEXT, loc="lower right")
    quick = "quick miniature of " if record["quick"] else ""
    figure.suptitle(
        f"{quick}Figure 4: {record['trials']} trials, means and bands of one standard deviation",
        fontsize=TEXT,
    )
    return figure


def _panel(axes: "Axes", runs: Sequence[Record], metric: str) -> None:
    from alpha_bridge.runs.plots import MUTED, SMALL

    for run in runs:
        found = values(run, metric)[:, [since is None for since in run["failed"]]]
        if not found.shape[1]:
            continue
        center, around = found.mean(1), spread(found)
        color = COLORS.get(run["method"], "#8a4fbe")
        failed = f" ({failures(run)} failed)" if failures(run) else ""
        axes.plot(run["updates"], center, color=color, linewidth=1.8, label=run["method"] + failed)
        low, high = center - around, center + around
        axes.fill_between(run["updates"], low, high, color=color, alpha=0.15, linewidth=0)
    for boundary in max((run["boundaries"] for run in runs), key=len):
        axes.axvline(boundary, color=MUTED, linewidth=1, linestyle="--")
    scale(axes, metric)
    ruled(axes)
    axes.set_xlabel("updates", color=MUTED, fontsize=SMALL)
