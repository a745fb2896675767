"""Robustness on the 25 Gaussians: every method over one grid of settings, and what comes of it.

The grid crosses learning rate (of all networks), β₁, the strength of the discriminator's
regulariser and the networks' width. The strength of R1 is its weight; spectral normalisation has
none, so there it is what multiplies the discriminator's learning rate, as in ``search25``. All else
is the preset's, at a fifth of its updates. So that Step I is not cut short, it has as many of them
as in the preset, and Step II as many again; this was the best of three choices that were tried
beforehand, at the preset's setting and on other seeds.

A setting covers all modes if every trial of it ends with all 25; a trial that diverged has none.
"""

from itertools import product
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.runs.plots import ruled

from .framework import Claim, Record, Study
from .framework.drawing import scale
from .framework.scores import SCORES, covering, failures, finite, mean, spread, values
from .framework.settings import COLORS, COMPARED, gaussians25, hyperparameters
from .framework.trials import stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GRID", "claims", "draw", "measure", "summary"]

Setting = dict[str, Any]

STRENGTHS: dict[str, tuple[float, float]] = {
    "weak": (0.03, 0.5),
    "as is": (0.3, 1),
    "strong": (3, 2),
}
"""The weight of R1; in its place, what multiplies the rate under a spectral norm."""

AXES: dict[str, tuple[Any, ...]] = {
    "rate": (3e-4, 1e-3, 3e-3),
    "beta1": (0.1, 0.5),
    "strength": tuple(STRENGTHS),
    "width": (64, 128),
}
GRID: tuple[Setting, ...] = tuple(
    dict(zip(AXES, point, strict=True)) for point in product(*AXES.values())
)
"""The settings, 36."""

FIRST_SEED = 2000
STEPS = 2000
SHARES = {"path.ml": 0.25, "path.transfer": 0.25, "path.adversarial": 0.5}
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train every setting with every method, 3 trials from seed + 2000.

    ``quick``: the corners of rate and width, two trials, a tenth of the updates.
    """
    trials = trials or (2 if quick else 3)
    base = gaussians25(seed + FIRST_SEED, trials, quick)
    base = changed(base, {"steps": STEPS // 10 if quick else STEPS, **SHARES})
    plans = [
        stacked({"method": method, **setting}, _config(base, method, setting), [base.steps])
        for setting in (_corners() if quick else GRID)
        for method in COMPARED
    ]
    runs = study.train(plans)
    record: Record = {
        "experiment": "robustness25",
        "quick": quick,
        "seed": base.seed,
        "trials": trials,
        "axes": {name: [*choices] for name, choices in AXES.items()},
        "hyperparameters": hyperparameters(
            [(p.labels["method"], p.arguments["config"]) for p in plans]
        ),
        "runs": runs,
    }
    record["summary"] = summary(record)
    return record


def _corners() -> list[Setting]:
    return [
        setting
        for setting in GRID
        if setting["rate"] != AXES["rate"][1]
        and (setting["beta1"], setting["strength"]) == (0.5, "as is")
    ]


def _config(base: Config, method: str, setting: Setting) -> Config:
    own = METHODS[method].apply(base)
    weight, factor = STRENGTHS[setting["strength"]]
    spectral = own.regularizer.kind == "spectral"
    rate = setting["rate"]
    regularizer = {} if spectral else {"regularizer.weight": weight}
    return changed(
        own,
        {
            "optimization.generator": rate,
            "optimization.encoder": rate,
            "optimization.discriminator": rate * (factor if spectral else 1),
            "optimization.beta1": setting["beta1"],
            "model.hidden": [setting["width"]] * len(base.model.hidden),
            **regularizer,
        },
    )


def summary(record: Record) -> dict[str, Record]:
    """For each method what became of its settings.

    Args:
        record: With ``runs`` and ``trials``.

    Returns:
        By method: ``settings``; the shares of settings and of trials that end with all modes,
        and of settings that end with no mode missed by :func:`~alpha_bridge.metrics.modes
        .missed_mass`; ``failed`` trials; for each score its quantiles over the settings' means
        (None where a trial failed), their interquartile range, and the median over settings of
        the deviation between trials.
    """
    found = {}
    for method in COMPARED:
        runs = [run for run in record["runs"] if run["method"] == method]
        covered = [covering(run) for run in runs]
        missed = [values(run, "missed_mass")[-1] for run in runs]
        found[method] = {
            "settings": len(runs),
            "settings_with_all_modes": sum(c == record["trials"] for c in covered) / len(runs),
            "trials_with_all_modes": sum(covered) / (len(runs) * record["trials"]),
            "settings_with_no_mass_missed": sum(bool((m == 0).all()) for m in missed) / len(runs),
            "failed": sum(map(failures, runs)),
            **{metric: _spread(runs, metric) for metric in SCORES},
        }
    return found


def _spread(runs: list[Record], metric: str) -> Record:
    means = np.array([mean(values(run, metric)[-1]) for run in runs])
    deviations = np.array([spread(values(run, metric)[-1]) for run in runs])
    quantiles = np.quantile(means, QUANTILES, method="lower").tolist()
    failed = not np.isfinite(quantiles[1])
    return {
        "quantiles": [finite(value) for value in quantiles],
        "interquartile_range": None if failed else finite(quantiles[3] - quantiles[1]),
        "deviation_between_trials": finite(np.quantile(deviations, 0.5, method="higher")),
    }


def claims(record: Record) -> list[Claim]:
    """What the paper's word that the bridge is more robust comes to.

    Args:
        record: With ``summary``.

    Returns:
        Whether the bridge covers all modes in more of the settings than each baseline; and for
        each score, whether it has the highest lower quartile over the settings and the smallest
        range between the quartiles. Where all settings fail alike, the range is small too.
    """
    of = record["summary"]
    bridge, *baselines = COMPARED
    shares = {method: of[method]["settings_with_all_modes"] for method in COMPARED}
    found = [
        Claim(
            "the bridge covers all modes in a larger share of the settings than each baseline",
            all(shares[bridge] > shares[other] for other in baselines),
            [shares],
        )
    ]
    for metric, name in SCORES.items():
        lower = {method: of[method][metric]["quantiles"][1] for method in COMPARED}
        own, others = _or(lower[bridge], -inf), [_or(lower[b], -inf) for b in baselines]
        about = f"the bridge's {name} has the highest lower quartile over the settings"
        found.append(Claim(about, own > max(others), [lower]))
        ranges = {method: of[method][metric]["interquartile_range"] for method in COMPARED}
        own, others = _or(ranges[bridge], inf), [_or(ranges[b], inf) for b in baselines]
        about = f"the bridge's {name} has the smallest interquartile range over the settings"
        found.append(Claim(about, own < min(others), [ranges]))
    return found


def _or(value: float | None, failed: float) -> float:
    return failed if value is None else value


def draw(record: Record) -> "Figure":
    """Shares of settings and trials with all modes, and the scores of all settings, sorted."""
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import INK, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    shares, *panels = figure.subplots(1, 1 + len(SCORES))
    for place, method in enumerate(COMPARED):
        found = record["summary"][method]
        heights = [found["settings_with_all_modes"], found["trials_with_all_modes"]]
        bars = shares.bar(
            [place - 0.2, place + 0.2], heights, 0.36, color=COLORS[method], edgecolor="white"
        )
        bars[1].set_alpha(0.5)
        shares.bar_label(bars, [f"{height:.0%}" for height in heights], fontsize=TEXT, color=INK)
    shares.set_xticks(range(len(COMPARED)), COMPARED)
    shares.set(ylim=(0, 1.1), yticks=[0, 0.5, 1])
    shares.set_title("all 25 modes: settings, trials (light)", loc="left", fontsize=TEXT)
    ruled(shares)
    for axes, (metric, name) in zip(panels, SCORES.items(), strict=True):
        for method in COMPARED:
            runs = [run for run in record["runs"] if run["method"] == method]
            means = np.sort([mean(values(run, metric)[-1]) for run in runs])
            shown = np.where(np.isfinite(means), means, np.nan)
            share = (np.arange(len(means)) + 0.5) / len(means)
            axes.plot(share, shown, color=COLORS[method], marker=".", linewidth=1.2, label=method)
        axes.set_title(f"{name}, settings sorted", loc="left", fontsize=TEXT)
        scale(axes, metric)
        ruled(axes)
    panels[0].legend(frameon=False, fontsize=TEXT)
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(
        f"{quick}{record['summary'][COMPARED[0]]['settings']} settings of each method, "
        f"{record['trials']} trials each, {record['runs'][0]['updates'][-1]:,} updates",
        fontsize=TEXT,
    )
    return figure
