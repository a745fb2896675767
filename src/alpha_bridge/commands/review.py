"""Look at a run again: measure its model, write its page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from .paths import Folder


def evaluate(
    run: Folder,
    step: int | None = None,
    data: str | None = None,
    prior: str | None = None,
    console: Console | None = None,
) -> dict[str, float]:
    """Measure a run's model again.

    Args:
        run: Folder of the run.
        step: Updates of the checkpoint; by default the latest.
        data: Data in place of the run's; a hub id in the run's configuration is not fetched.
        prior: Second domain instead of the one that the run names; vectors of it are seen in the
            units of the run's own.
        console: Where to show progress; nowhere by default.

    Returns:
        Metrics by names that state their protocols.

    Raises:
        ValueError: The run cannot be used, or its data cannot be loaded.
    """
    from ..runs.opening import open_run

    at = open_run(run, step)
    config = at.config
    if prior is not None and config.prior is None:
        raise ValueError(
            f"--prior {prior} names a second domain, and {at.run.folder} has none: leave it out"
        )

    from ..recipe.assembly import build_evaluation
    from ..runs.loading import data_of, load_model_and_memory, prior_of
    from ..training.progress import Bars

    console = console or Console(quiet=True)
    model, memory = load_model_and_memory(at)
    source, domain = data_of(at, console, data), prior_of(config, prior)
    with Bars(console) as bars:
        evaluation = build_evaluation(config, source, bars.say, domain, bars.show)
        metrics = evaluation(model, memory).metrics
    if config.rows is not None:
        from ..data.tables import TableUnits
        from ..inference.hidden_cells import LEARNED, ROWS, imputation_errors

        assert isinstance(source.units, TableUnits)
        parts = source.training(LEARNED), source.held_out(ROWS)
        metrics |= imputation_errors(model, source.units, *parts)
    return metrics


def report(run: Folder) -> Path:
    """Write a run's report.html again.

    Args:
        run: Folder of the run.
    """
    from ..runs.opening import config_of, run_of

    run = run_of(run)
    config_of(run)

    from ..runs.page import write_report

    return write_report(run)
