"""Train several methods on the same data, and compare what they reach."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ..checks import at_least
from ..recipe import Config

if TYPE_CHECKING:
    from ..runs.method_runs import MethodRuns
    from ..runs.method_scores import MetricRow


@dataclass(frozen=True)
class ComparedMethods:
    """What methods reach on the same data.

    Attributes:
        runs: Their runs, and the record of all numbers.
        rows: The metrics at the end of training, with what differs by more than seeds explain.
        page: The page that shows it.
    """

    runs: MethodRuns
    rows: Sequence[MetricRow]
    page: Path


def compare_methods(
    config: Config,
    methods: Sequence[str],
    out: Path,
    jobs: int = 1,
    cluster: str | None = None,
    console: Console | None = None,
    fetch: Container[str] | None = None,
) -> ComparedMethods:
    """Train methods on the same data: alpha-bridge compare DATA --methods NAMES [options].

    All have the same updates, batches, networks, rates and seeds, and each its own path, loss and
    penalty. Each leaves a run for every seed. The same command goes on with a comparison that was
    stopped, and adds methods and trials to one that has ended.

    Args:
        config: The configuration of alpha-bridge; its trials are the seeds of each method.
        methods: Names of methods, with commas between them.
        out: Folder of the comparison; by default runs/compare-NAME, after the data or the preset.
        jobs: Runs at a time, each in a process of its own, which share the cores.
        cluster: Address of a Dask scheduler whose workers train the runs, and see the folder and
            the data under the same paths.
        console: Where to show progress; nowhere by default.
        fetch: Ids of the hub that may be fetched; None for all that ``config`` names.

    Raises:
        ValueError: Methods cannot be trained on these data, or the folder holds a comparison with
            other settings.
        OSError: The folder holds something else, or a file cannot be read or written.
        Stopped: A run was stopped; the comparison goes on from there.
    """
    from ..recipe.availability import located, require_data, require_init, require_trackers
    from ..recipe.soundness import note_on_dial, require_sound
    from ..runs.method_runs import MethodRuns

    at_least(1, "jobs", jobs)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError(
            "a comparison starts its own processes: give --jobs in place of a launcher"
        )
    config, out = located(config), out.expanduser().absolute()
    of_dial = note_on_dial(config, methods)
    runs = MethodRuns.open(out, config, methods)
    for trained in runs.all.values():
        require_sound(trained)
    require_trackers(config)
    require_data(config.data, fetch is None or config.data in fetch)
    if config.prior is not None:
        require_data(config.prior, fetch is None or config.prior in fetch, "--prior")
    if config.init is not None:
        require_init(config.init, fetch is None or config.init in fetch)

    from ..files.lock import locked
    from ..recipe.assembly import assemble
    from ..runs.console_lines import decoding, printing
    from ..runs.method_page import write_methods_page
    from ..runs.method_scores import as_record, rows_of
    from ..runs.method_training import train_methods
    from ..training.progress import Bars

    console = console or Console(quiet=True)
    with locked(out), Bars(console) as bars:
        parts = assemble(config.singles[0], decoding(bars), fetch=fetch)
        budget = f"{len(runs.all)} runs of {config.steps:,} updates: {', '.join(runs.configs)}"
        for note in (*parts.notes, *of_dial, f"{budget}, {config.trials} seeds each"):
            printing(console)(note)
        del parts  # a run reads the data itself
        try:
            train_methods(runs, bars, jobs, cluster, fetch)
        except (RuntimeError, OSError, KeyboardInterrupt) as error:
            error.add_note("the same command goes on with the comparison")
            raise
        rows = rows_of(runs)
        runs.write(metrics=as_record(rows))
        return ComparedMethods(runs, rows, write_methods_page(runs, rows))
