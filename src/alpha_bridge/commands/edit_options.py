"""What an edit is asked to do, of images and vectors or of rows of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ..runs.opening import RunAt

__all__ = ["EditOptions"]


@dataclass(frozen=True, kw_only=True)
class EditOptions:
    """A checkpoint of a run, and the arguments of :func:`~alpha_bridge.commands.edit` for all."""

    at: RunAt
    attribute: Sequence[str]
    against: Sequence[str]
    method: str
    strength: float
    columns: int
    n: int
    samples: bool
    seed: int
    data: str | None
    out: Path | None
    console: Console

    @property
    def strengths(self) -> list[float]:
        """Of the columns, from the largest that takes away to the largest that adds."""
        import numpy as np

        strengths: list[float] = np.linspace(-self.strength, self.strength, self.columns).tolist()
        return strengths

    def stem(self, *parts: str) -> str:
        """Of a file's name."""
        return re.sub(r"[^\w.=-]+", "-", "-".join(parts))
