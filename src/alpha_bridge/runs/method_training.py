"""Training of the runs of a comparison: one after the other, in several processes, on a cluster."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from ..errors import Diverged, Halted
from ..files.run_folder import COMPARISON, CONFIG
from ..recipe import Config, read_config
from ..training import Callback, Event
from ..training.progress import Bars
from .folder import Run
from .jobs import spread_out
from .method_runs import MethodRuns
from .recording import train_run
from .run_callbacks import describe
from .status import status_of


class Task(NamedTuple):
    """A run to train: its folder, its configuration, and the ids of the hub that may be fetched."""

    folder: Path
    config: Config
    fetch: Container[str] | None


def train_methods(
    runs: MethodRuns,
    bars: Bars,
    jobs: int = 1,
    cluster: str | None = None,
    fetch: Container[str] | None = None,
) -> None:
    """Train all runs but those that have ended, and tell a line about each.

    One that diverges, or is stopped by an incident, is recorded as failed; anything else that
    stops a run stops the comparison, which goes on from there when this is called again.

    Args:
        runs: What to train.
        bars: Where to show progress.
        jobs: Runs at a time, each in a process of its own.
        cluster: Address of a Dask scheduler whose workers train instead; they must see the
            folder and the data under the same paths.
        fetch: Ids of the hub that may be fetched; None for all that are named.
    """
    runs.write(failed=runs.failed)
    tasks = {name: Task(runs.folder / name, config, fetch) for name, config in runs.all.items()}
    left = {name: task for name, task in tasks.items() if not _has_ended(runs, name)}
    done = len(tasks) - len(left)
    if done:
        bars.say(f"{done} of {len(tasks)} runs have ended before")
    work = partial(train_one, also=(_Shown(bars),) if jobs == 1 and cluster is None else ())
    bars.show("run", done, len(tasks))
    for number, (name, failure) in enumerate(spread_out(work, left, jobs, cluster), done + 1):
        if failure is not None:
            runs.write(failed={**runs.failed, name: failure})
        outcome = failure or describe(Run(runs.folder / name).records[-1])
        bars.say(f"{number}/{len(tasks)}  {name}  {outcome}")
        bars.show("run", number, len(tasks))


def train_one(task: Task, also: Sequence[Callback] = ()) -> str | None:
    """Train a run, or go on with it; the reason if it could not be trained to its end."""
    if not (task.folder.parent / COMPARISON).is_file():
        raise ValueError(
            f"a worker does not see {task.folder.parent}: give an --out, and data, on a disk that "
            "all workers share"
        )
    resume = (task.folder / CONFIG).is_file()
    config = read_config(task.folder / CONFIG) if resume else task.config
    try:
        train_run(config, task.folder, resume, Console(quiet=True), task.fetch, also)
    except (Diverged, Halted) as error:
        return str(error)
    return None


class _Shown(Callback):
    """Shows the updates of the run that is trained."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars

    def after(self, event: Event) -> None:
        self.bars.show("update", event.step, event.steps)


def _has_ended(runs: MethodRuns, name: str) -> bool:
    run = Run(runs.folder / name)
    finished = run.config_path.is_file() and status_of(run).state == "finished"
    return finished or name in runs.failed
