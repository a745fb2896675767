"""What a run begins or goes on with, first and after each time that it went back."""

from __future__ import annotations

from typing import NamedTuple

from ..recipe.assembly import Assembly
from .trials import TrialRuns


class Going(NamedTuple):
    """What a run begins or goes on with.

    Attributes:
        step: Updates done at the checkpoint that it goes on from; 0 without one.
        anew: Whether what was recorded of later updates is replaced.
        rollbacks: How often the run has gone back.
    """

    parts: Assembly
    trials: TrialRuns
    step: int
    anew: bool
    rollbacks: int
