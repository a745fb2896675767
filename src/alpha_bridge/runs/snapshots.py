"""The checkpoints of a run as places on its path through α."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .folder import Run
from .opening import config_of

if TYPE_CHECKING:
    from ..path import AlphaSchedule


class Snapshot(NamedTuple):
    """A checkpoint, and the α, γ and step of Algorithm 1 that it was trained with at last."""

    step: int
    alpha: float
    gamma: float
    phase: str


def recorded_alpha(run: Run, step: int) -> float:
    """α of the last record of at most ``step`` updates, 0 before any.

    An adaptive path has no other: it knows the present one alone.
    """
    records = (record for record in run.records if record["step"] <= step)
    known = [record["alpha"] for record in records if record.get("alpha") is not None]
    return float(known[-1]) if known else 0.0


def alpha_after(run: Run, path: AlphaSchedule, step: int) -> float:
    """α of the last of ``step`` updates of a run along a path, or of the first before any."""
    from ..control import AdaptivePath

    return recorded_alpha(run, step) if isinstance(path, AdaptivePath) else path(max(step - 1, 0))


def snapshots(run: Run) -> list[Snapshot]:
    """The checkpoints of a run, in order; ``ValueError`` without any.

    The α and γ of an update that has no record lie between those of its neighbours.
    """
    config_of(run)
    known = [record for record in run.records if record.get("alpha") is not None]
    steps = run.checkpoint_steps
    if not steps or not known:
        raise ValueError(f"{run.folder.name} has no checkpoint yet: wait until it has")
    recorded = np.array([record["step"] for record in known], float)

    def at(name: str) -> list[float]:
        values = np.array([record.get(name, np.nan) for record in known], float)
        found: list[float] = np.interp(np.array(steps, float), recorded, values).tolist()
        return found

    nearest = np.searchsorted(recorded, steps, side="right") - 1
    phases = [str(known[max(place, 0)].get("phase", "")) for place in nearest.tolist()]
    return [*map(Snapshot, steps, at("alpha"), at("gamma"), phases)]
