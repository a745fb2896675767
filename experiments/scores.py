"""What is read from the numbers of stacked trials: means and spreads, with failures counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_bridge.metrics.deviation import spread

__all__ = [
    "ALL_MODES",
    "SCORES",
    "Array",
    "Claim",
    "covering",
    "ends",
    "failures",
    "finite",
    "in_words",
    "mean",
    "spread",
    "trials_of",
    "values",
    "verdicts",
]

Array = NDArray[np.float64]
Run = Mapping[str, Any]

SCORES = {"inception_score": "inception score", "log_likelihood": "KDE log-likelihood"}
"""The two metrics of Figure 4, higher is better."""

ALL_MODES = 25


@dataclass(frozen=True)
class Claim:
    """A statement that the numbers are held to.

    Attributes:
        about: The statement.
        holds: Whether it is so.
        found: The numbers that decide it.
    """

    about: str
    holds: bool
    found: list[dict[str, Any]]


def trials_of(record: Mapping[str, Any]) -> int:
    """How many trials an experiment has of each method."""
    given = record if "trials" in record else record.get("settings", {})
    return given.get("trials") or len({run["seed"] for run in record["runs"]})


def verdicts(claims: Sequence[Claim], record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Claims as they stand in a record: those of a single trial say what was found and no verdict.

    Args:
        claims: Held to the numbers of ``record``.
        record: With its number of trials, or with runs of which each has its seed.
    """
    several = trials_of(record) > 1
    return [asdict(claim) | ({} if several else {"holds": None}) for claim in claims]


def values(run: Run, metric: str) -> Array:
    """A metric along a run, a row for each update and a column for each trial.

    Args:
        run: As :func:`experiments.curves.follow` gives it.
        metric: The metric without its protocol. What was not finite is NaN.
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


def ends(run: Run, metrics: Iterable[str]) -> dict[str, dict[str, float | None]]:
    """How a run ended: mean and deviation over trials of each metric, for a record.

    Args:
        run: As :func:`experiments.curves.follow` gives it.
        metrics: Metrics without their protocols. Their numbers are None where a trial has failed.
    """
    last = {metric: values(run, metric)[-1] for metric in metrics}
    return {
        metric: {"mean": finite(float(mean(found))), "deviation": finite(float(spread(found)))}
        for metric, found in last.items()
    }


def finite(value: float) -> float | None:
    """``value`` rounded for a record, None where a failure made it infinite."""
    return round(float(value), 5) if np.isfinite(value) else None


def in_words(run: Run) -> str:
    """How a run ended, in one short line."""
    scores = "  ".join(
        f"{name} {mean(found):.2f} ± {spread(found):.2f}"
        for metric, name in SCORES.items()
        for found in [values(run, metric)[-1]]
    )
    failed = f"  {failures(run)} failed" if failures(run) else ""
    modes = np.nan_to_num(values(run, "modes")[-1]).astype(int).tolist()
    return f"{scores}  modes {modes}{failed}  ({run['seconds']:.0f} s)"
