"""Regenerate a result: ``python -m experiments NAME``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg

from alpha_bridge.cli.printing import said
from alpha_bridge.recipe.availability import require_data

from . import EXPERIMENTS, reproduce


@dataclass(frozen=True)
class Reproduce:
    """Regenerate a result of the paper, or one of ours."""

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


def main(words: list[str] | None = None) -> int:
    """Compute, and name the picture; the exit code."""
    asked = tyro.cli(
        Annotated[Reproduce, FlagCreatePairsOff], prog="python -m experiments", args=words
    )
    try:
        if asked.data is not None:
            require_data(asked.data)
        folder = asked.out or Path("results") / f"{asked.name}{'-quick' if asked.quick else ''}"
        settings = (asked.seed, asked.trials, asked.quick)
        reproduce(asked.name, folder, *settings, print, asked.data, asked.jobs)
    except (ValueError, FileExistsError, PermissionError) as error:
        print(said(error), file=sys.stderr)
        return 2
    print(folder / f"{asked.name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
