r"""Ours: the learnt encoder against a posterior that is known, for each objective along α.

The data are N(b, Σ) in the plane, the generator is z ↦ Wz + b, the encoder N(Ax + a, diag eᵛ): see
:mod:`~experiments.linear_gaussian`. Which posterior an encoder can learn depends on
what it is trained with.

- ``data`` trains it by the evidence lower bound at every α, so it should follow the surrogate's
  posterior wherever the generator goes. At α = 0 the bound also turns W until :math:`W^\top W` is
  diagonal, as the posterior's covariance then is; at α = 1 nothing holds W there.
- ``joint`` and ``marginal`` train it at α = 0 to find the latents of *fakes* again. Fakes are
  Wz + b without the noise of (13), so what is found is the inverse :math:`W^{-1}(x - b)`, with a
  variance that falls to nothing, and not the posterior. As x is then reproduced whatever the scale
  of W is, nothing teaches W the data's covariance before α leaves 0.
- At α = 1 ``joint`` wants both joints equal, and ``adversarial``, which is ``joint`` at α = 1 from
  the start, wants no more. Fakes have no noise: again only the inverse will do, beside
  :math:`WW^\top = \Sigma`. Its divergence from the posterior grows without bound as the variance
  falls, :math:`\tfrac12(\sum_i -v_i + \dots)`; the error of its mean is that of
  :math:`\sigma^2 M^{-1} W^{-1}(x - b)`. ``marginal`` asks at α = 1 for N(0, I) as the aggregate
  posterior, and no longer which latent belongs to which sample.

So each is trained twice: with fakes as they are, and with the surrogate's noise on them, which
makes the surrogate the model at both ends of the bridge, :math:`WW^\top + \sigma^2 I = \Sigma`.
Then all should find its posterior, as far as a diagonal covariance allows.
"""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from alpha_bridge.runs.plots import ruled

from .framework import Claim, Plan, Record, Study
from .framework.scores import Array, finite, spread
from .linear_arms import ARMS, NOISES, STEPS, ends_of_steps, hyperparameters, train

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["METRICS", "claims", "draw", "means", "measure", "values"]

NEAR = 0.05
"""Nats above the least of a diagonal Gaussian that count as the posterior."""

METRICS = {
    "posterior_kl": "encoder from posterior, KL",
    "mean_error": "error of the encoder's mean",
    "surrogate_kl": "data from surrogate, KL",
    "implicit_kl": "data from model without noise, KL",
    "aggregate_kl": "aggregate from prior, KL",
}
LEAST = 1e-4
"""Where the axes begin: held-out moments are no nearer to those of the data."""

BESIDE = {"posterior_kl": "diagonal_kl", "mean_error": "inverse_error"}
"""What is drawn beside a metric, dotted."""

COLORS = {"data": "#2f6bd8", "marginal": "#2a8f5a", "joint": "#a33fd0", "adversarial": "#cf6a17"}


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Train each objective with and without noise on fakes, 10 stacked trials.

    The record has ``runs``, each with its ``arm``, ``fakes``, ``updates``, their ``alpha`` and
    ``metrics``, a row for each update with a number for each trial, as
    :func:`~experiments.linear_gaussian.errors` gives them. ``quick``: 2 trials, a tenth of the
    updates.
    """
    trials = trials or (2 if quick else 10)
    steps = STEPS // 10 if quick else STEPS
    arguments = {"seed": seed, "trials": trials, "steps": steps}
    plans = [
        Plan(
            {"arm": arm, "fakes": fakes},
            train,
            {"name": arm, "fakes": fakes, **arguments},
            describe=_describe,
        )
        for fakes, arm in product(NOISES, ARMS)
    ]
    return {
        "experiment": "posterior",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "ends_of_steps": ends_of_steps(steps),
        "hyperparameters": hyperparameters(trials, steps),
        "runs": study.train(plans),
    }


def _describe(run: Record) -> str:
    return "  ".join(f"{metric} {means(run, metric)[-1]:.3g}" for metric in METRICS)


def values(run: Record, metric: str) -> Array:
    """A metric along a run, a row for each update and a column for each trial.

    Args:
        run: One of ``runs``.
        metric: Its name. What was not finite is infinite.
    """
    found = np.array(run["metrics"][metric], float)
    return np.where(np.isnan(found), np.inf, found)


def means(run: Record, metric: str) -> Array:
    """Means over trials at each update; the arguments are those of :func:`values`."""
    found: Array = values(run, metric).mean(-1)
    return found


def claims(record: Record) -> list[Claim]:
    """What was expected of the means over trials before the first run.

    Args:
        record: With ``runs`` and ``ends_of_steps``.

    Returns:
        For both kinds of fakes, whether the encoder of ``data`` stays near the best diagonal
        posterior from the end of Step I on; whether the others end nearer to the inverse where
        fakes have no noise, and nearer to the posterior's mean where they have it; and whether
        there the encoder of ``joint`` ends nearer to the posterior than that of ``adversarial``.
    """
    runs = {(run["arm"], run["fakes"]): run for run in record["runs"]}
    others = [key for key in runs if key[0] != "data"]
    return [
        *(_follows(runs["data", fakes], record["ends_of_steps"][0]) for fakes in NOISES),
        *(_ends_near(runs[key], noise=NOISES[key[1]] > 0) for key in others),
        _nearer(runs["joint", "with noise"], runs["adversarial", "with noise"]),
    ]


def _follows(run: Record, since: int) -> Claim:
    excess = means(run, "posterior_kl") - means(run, "diagonal_kl")
    most = float(excess[np.array(run["updates"]) >= since].max())
    about = f"at most {NEAR:g} nats above the best diagonal Gaussian from the end of Step I on"
    return Claim(f"{_name(run)}: {about}", most <= NEAR, [{"most": finite(most)}])


def _ends_near(run: Record, noise: bool) -> Claim:
    of_mean, of_inverse = (float(means(run, m)[-1]) for m in ("mean_error", "inverse_error"))
    places = ("the posterior's mean", "the inverse")
    near, far = places if noise else places[::-1]
    holds = of_mean < of_inverse if noise else of_inverse < of_mean
    errors = dict(zip(places, map(finite, (of_mean, of_inverse)), strict=True))
    return Claim(f"{_name(run)}: ends nearer to {near} than to {far}", holds, [errors])


def _nearer(run: Record, other: Record) -> Claim:
    ends = {each["arm"]: float(means(each, "posterior_kl")[-1]) for each in (run, other)}
    about = f"{_name(run)}: ends with a smaller divergence from the posterior than {other['arm']}"
    numbers = {arm: finite(end) for arm, end in ends.items()}
    return Claim(about, ends[run["arm"]] < ends[other["arm"]], [numbers])


def _name(run: Record) -> str:
    return f"{run['arm']}, fakes {run['fakes']}"


def draw(record: Record) -> "Figure":
    """A column for either kind of fakes and a row for each metric, along training.

    Args:
        record: As :func:`measure` gives it. Bands are one deviation over trials; dotted are the
            least divergence of a diagonal Gaussian, and the error of the mean as the inverse.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import MUTED, SMALL, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 2.1 * len(METRICS)), layout="constrained")
    panels = figure.subplots(len(METRICS), len(NOISES), sharex=True, sharey="row")
    for column, fakes in zip(panels.T, NOISES, strict=True):
        runs = [run for run in record["runs"] if run["fakes"] == fakes]
        for axes, (metric, name) in zip(column, METRICS.items(), strict=True):
            _panel(axes, runs, metric, record["ends_of_steps"][:-1])
            axes.set_title(f"{name}, fakes {fakes}", loc="left", fontsize=TEXT)
        column[-1].set_xlabel("updates", color=MUTED, fontsize=SMALL)
    panels[0, -1].legend(frameon=False, fontsize=SMALL, loc="upper right")
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(
        f"{quick}{record['trials']} trials, means and bands of one deviation; dashed: α leaves 0, "
        "and comes to 1 (adversarial: 1 throughout)\n"
        "dotted: the least divergence of a diagonal Gaussian; the error of the mean as the inverse",
        fontsize=TEXT,
    )
    return figure


def _panel(axes: "Axes", runs: Sequence[Record], metric: str, boundaries: Sequence[int]) -> None:
    from alpha_bridge.runs.plots import MUTED

    for run in runs:
        color, found = COLORS[run["arm"]], values(run, metric)
        center, around = found.mean(-1), spread(found)
        low, high = np.maximum(center - around, found.min(-1)), center + around
        axes.plot(run["updates"], center, color=color, linewidth=1.8, label=run["arm"])
        axes.fill_between(run["updates"], low, high, color=color, alpha=0.15, linewidth=0)
        if metric in BESIDE:
            beside = means(run, BESIDE[metric])
            axes.plot(run["updates"], beside, color=color, linewidth=1.2, linestyle=":")
    for boundary in boundaries:
        axes.axvline(boundary, color=MUTED, linewidth=1, linestyle="--")
    axes.set_yscale("log")
    axes.set_ylim(bottom=LEAST)
    axes.minorticks_off()
    ruled(axes)
