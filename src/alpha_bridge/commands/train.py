"""Train, and leave a run."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ..recipe import Config

if TYPE_CHECKING:
    from ..runs.best import Best
    from ..runs.folder import Run


@dataclass(frozen=True)
class Trained:
    """A run after training.

    Attributes:
        first: Metrics at the end of Step I; empty without one.
        last: Metrics at the end; of stacked trials, their means, as in ``first``.
        spread: Standard deviation of ``last`` over stacked trials; empty for a single one.
        seconds: How long it took, without the preparation.
        best: The best checkpoint that is kept, where ``config.best`` names a metric.
        notes: What was read of the data, left out and decided, a line each.
    """

    run: Run
    first: dict[str, float]
    last: dict[str, float]
    spread: dict[str, float]
    seconds: float
    notes: tuple[str, ...] = ()
    best: Best | None = None


def train(
    config: Config,
    out: Path,
    resume: bool = False,
    console: Console | None = None,
    fetch: Container[str] | None = None,
) -> Trained:
    """Train with the α-Bridge, or a baseline: alpha-bridge train DATA|PRESET|FILE|RUN [options].

    Args:
        config: The configuration.
        out: Folder of the run; by default runs/NAME-seed-SEED, after the data or the preset, with a
            baseline's name before seed.
        resume: Go on with the run in that folder from its last checkpoint, or the one before
            where that is damaged; rates, penalties and what is written how often may be given anew.
        console: Where to show progress; nowhere by default.
        fetch: Ids of the hub that may be fetched; None for all that ``config`` names.

    Raises:
        ValueError: The configuration cannot be trained, or changes the data, the networks or the
            path of the run to resume; or another process writes into the run.
        OSError: The folder stands already, or a file cannot be read or written.
        Interrupted: A signal stopped it; a checkpoint is saved.
        Halted: An incident stopped it, as ``config.watch`` says; a checkpoint is saved.
        Diverged: A parameter became NaN; the last good checkpoint is kept and named.
        Lost: Another process is gone; a checkpoint is saved if this one writes.
    """
    from ..recipe.availability import located
    from ..runs.opening import require_trainable

    config = located(config)
    require_trainable(config, out, resume, fetch)

    from ..metrics.definition import metrics_of
    from ..runs.best import best_of
    from ..runs.plots import step_one
    from ..runs.recording import train_run

    console = console or Console(quiet=True)
    trials, seconds, notes = train_run(config, out, resume, console, fetch)
    evaluated = [record for record in trials.run.records if metrics_of(record)]
    first = step_one(evaluated)
    last = metrics_of(evaluated[-1]) if evaluated else {}
    return Trained(
        trials.run,
        metrics_of(first[-1]) if first else {},
        last,
        trials.spread(list(last)),
        seconds,
        notes,
        best_of(trials.run),
    )
