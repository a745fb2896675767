"""List the runs in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

if TYPE_CHECKING:
    from ..runs.status import RunStatus

LEVELS = 3
"""How far below the folder a run may lie, as ``runs/mnist/long/seed-0`` does."""


@dataclass(frozen=True)
class RunList:
    """How the runs below a folder stand, in the order of their paths."""

    folder: Path
    runs: tuple[RunStatus, ...]


def runs(folder: Positional[Path] = Path("runs")) -> RunList:
    """List the runs in a folder: how far each is, whether it trains now, and what it reaches.

    Args:
        folder: Where the runs lie, up to three levels deep.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no folder {folder}: give the one that holds your runs, or start a first run "
            "with alpha-bridge train digits"
        )

    from ..runs.status import runs_below, status_of

    return RunList(folder, tuple(status_of(run) for run in runs_below(folder, LEVELS)))
