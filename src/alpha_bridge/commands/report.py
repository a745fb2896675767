"""Write a run's page again."""

from __future__ import annotations

from pathlib import Path

from .paths import Folder


def report(run: Folder) -> Path:
    """Write a run's report.html again.

    Args:
        run: Folder of the run.

    Returns:
        The page.
    """
    from ..runs.opening import config_of, run_of

    run = run_of(run)
    config_of(run)

    from ..runs.page import write_report

    return write_report(run)
