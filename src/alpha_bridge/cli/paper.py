"""The command that regenerates the paper's results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import Positional, arg

from ..experiments import EXPERIMENTS

__all__ = ["Reproduce"]


@dataclass(frozen=True)
class Reproduce:
    """Regenerate a result of the paper: alpha-bridge reproduce figure2 [options]."""

    name: Annotated[Positional[str], arg(help="; ".join(map(": ".join, EXPERIMENTS.items())) + ".")]
    out: Path | None = None
    """Folder of the JSON and the picture; by default results/NAME, or results/NAME-quick. An
    experiment that was interrupted there goes on."""
    trials: int | None = None
    """Number of trials; by default the paper's."""
    seed: int = 0
    """Seed of all draws."""
    quick: bool = False
    """A miniature of at most two minutes, labelled so."""
    data: str | None = None
    """Images to train on, where the experiment is about images: a hub id, a folder or a file."""

    jobs: int = 1
    """Runs that are trained at a time, each by a process of its own, where there are many."""

    def __call__(self, console: Console) -> None:
        """Compute, and name the picture."""
        from .. import refusals
        from ..experiments import reproduce

        if self.data is not None:
            refusals.require_data(self.data)
        folder = self.out or Path("results") / f"{self.name}{'-quick' if self.quick else ''}"

        def tell(line: str) -> None:
            console.print(line, soft_wrap=True)

        settings = (self.seed, self.trials, self.quick)
        reproduce(self.name, folder, *settings, tell, self.data, self.jobs)
        console.print(str(folder / f"{self.name}.png"), soft_wrap=True)
