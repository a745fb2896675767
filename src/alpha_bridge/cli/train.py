"""The command that trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import Positional, Suppress, arg

from ..recipe import Config
from ..recipe.presets import PRESETS
from .printing import as_json, comparison, summary

__all__ = ["Train"]


@dataclass(frozen=True)
class Train:
    """Train with the α-Bridge, or a baseline: alpha-bridge train PRESET|FILE [options]."""

    preset: Positional[str] = "gaussians25"
    """gaussians25, ring8, unbalanced, spirals, digits, mnist, cifar10, celeba, or a file of one."""
    out: Path | None = None
    """Folder of the run; by default runs/PRESET-seed-SEED, with a baseline's name before seed."""
    resume: bool = False
    """Go on with the run in that folder from its last checkpoint; rates, penalties and what is
    written how often may be given anew."""
    json: bool = False
    """Print one JSON object instead of a table."""
    config: Annotated[Config, arg(name="")] = PRESETS["gaussians25"]
    named: Suppress[tuple[str, ...] | None] = None
    """What the words name themselves, and a file may not have fetched; None for anything."""

    def __call__(self, console: Console) -> None:
        """Train, and print the metrics."""
        from ..runs.opening import require_trainable

        folder = self.out or Path("runs") / self._name
        require_trainable(self.config, folder, self.resume, self.named)
        from ..commands import train

        trained = train(self.config, folder, self.resume, console, self.named)
        if self.json and not console.quiet:  # it is quiet in all processes of a run but the first
            print(as_json(summary(trained)))
        else:
            console.print(comparison(trained))
            console.print(
                f"{trained.seconds:.0f} s; report: {trained.run.report_path}", soft_wrap=True
            )

    @property
    def _name(self) -> str:
        method = self.config.method
        of_method = "" if method == Config().method else f"-{method}"
        return f"{Path(self.preset).stem}{of_method}-seed-{self.config.seed}"
