"""What is read from the numbers of stacked trials: means and spreads, with failures counted."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_bridge.metrics.deviation import spread

__all__ = [
    "ALL_MODES",
    "SCORES",
    "Array",
    "covering",
    "describe",
    "failures",
    "final_scores",
    "finite",
    "mean",
    "spread",
    "values",
]

Array = NDArray[np.float64]
Run = Mapping[str, Any]
"""The record of :func:`experiments.framework.trials.follow`."""

SCORES = {"inception_score": "inception score", "log_likelihood": "KDE log-likelihood"}
"""The two metrics of Figure 4, higher is better."""

ALL_MODES = 25


def values(run: Run, metric: str) -> Array:
    """A metric without its protocol: a row for each update, a column for each trial.

    What was not finite is NaN.
    """
    name = next((name for name in run["metrics"] if name.startswith(f"{metric}/")), "")
    missing = [[None] * len(run["failed"])] * len(run["updates"])
    return np.array(run["metrics"].get(name, missing), float)


def mean(trials: Array) -> Array:
    """Mean over trials, the last axis; −∞ where one has failed, which is below every score."""
    means: Array = np.where(np.isnan(trials), -np.inf, trials).mean(-1)
    return means


def failures(run: Run) -> int:
    """Number of trials that diverged."""
    return sum(since is not None for since in run["failed"])


def covering(run: Run) -> int:
    """Number of trials that end with all 25 modes; one that failed has none."""
    return int((values(run, "modes")[-1] == ALL_MODES).sum())


def final_scores(run: Run, metrics: Iterable[str]) -> dict[str, dict[str, float | None]]:
    """Mean and deviation of each metric over trials at the end; None where a trial has failed."""
    last = {metric: values(run, metric)[-1] for metric in metrics}
    return {
        metric: {"mean": finite(float(mean(found))), "deviation": finite(float(spread(found)))}
        for metric, found in last.items()
    }


def finite(value: float) -> float | None:
    """``value`` rounded for a record, None where a failure made it infinite."""
    return round(float(value), 5) if np.isfinite(value) else None


def describe(run: Run) -> str:
    """How a run ended, in one short line."""
    scores = "  ".join(
        f"{name} {mean(found):.2f} ± {spread(found):.2f}"
        for metric, name in SCORES.items()
        for found in [values(run, metric)[-1]]
    )
    failed = f"  {failures(run)} failed" if failures(run) else ""
    modes = np.nan_to_num(values(run, "modes")[-1]).astype(int).tolist()
    return f"{scores}  modes {modes}{failed}  ({run['seconds']:.0f} s)"
