"""The runs that one training leaves: a single one, or a whole run for each stacked trial."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from torch import Tensor

from ..files import discard
from ..files.lock import locked
from ..files.manifest import retain
from ..metrics.deviation import spread
from ..model import AlphaBridge
from ..recipe import Config, read_config
from ..recipe.first_weights import model_of
from ..training import TrainState
from ..training.checkpoint import write
from ..training.state import of_trial, stack
from .folder import Run
from .page import write_report
from .record_lines import Record

Memory = dict[str, Tensor]


@dataclass(frozen=True)
class TrialRuns:
    """Where the trials of a run are written.

    A single trial is the run itself. Stacked trials have a folder each, ``trial-0`` and so on: a
    run like any other, as if it had been trained alone with its seed. The run above them keeps
    the means, and the stacked state to resume from.
    """

    run: Run
    config: Config

    @property
    def stacked(self) -> bool:
        """Whether there is more than one trial."""
        return self.config.trials > 1

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The run of each stacked trial; none for a single one, which is the run itself."""
        count = self.config.trials if self.stacked else 0
        return tuple(Run(self.run.inside(f"trial-{trial}")) for trial in range(count))

    @property
    def _configured(self) -> list[tuple[Run, Config]]:
        """Every run with its configuration."""
        singles = self.config.singles if self.stacked else ()
        return [(self.run, self.config), *zip(self.runs, singles, strict=True)]

    def create(self) -> None:
        """Begin the run; its trials are left to :meth:`complete`."""
        Run.create(self.run.folder, self.config.model_dump(mode="json"))

    def complete(self) -> None:
        """Begin the trials that do not exist, and end what a kill interrupted in the others."""
        for run, config in self._configured:
            run.recover()
            if not run.config_path.is_file():
                Run.create(run.folder, config.model_dump(mode="json"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the stacked trials; who holds the run holds a single one."""
        with ExitStack() as held:
            for run in self.runs:
                held.enter_context(locked(run.folder))
            yield

    def go_on(self, step: int, anew: bool) -> None:
        """Write down what is changed after ``step`` updates, if anything is.

        Records and samples of later updates are removed where these are trained otherwise, or
        ``anew`` since a later checkpoint is damaged.
        """
        for run, config in self._configured:
            changed = read_config(run.config_path) != config
            if changed or anew:
                run.forget(step)
            if changed:
                run.write_config(config.model_dump(mode="json"))

    def go_back(self, step: int, times: int) -> None:
        """Remove the checkpoints after ``step`` updates, and write down what the run goes on with.

        The configuration of the run itself, which has how many ``times`` it went back, comes last:
        a run that is killed before does all of this again, see
        :func:`~alpha_bridge.runs.rollback.unfinished`, and later it goes on from there. What was
        recorded of later updates is left to :meth:`go_on`.
        """
        trials_first = self._configured[::-1]
        for run, _ in trials_first:
            for later in run.checkpoint_steps:
                if later > step:
                    discard(run.checkpoint_folder(later))
        for run, config in trials_first:
            run.write_config(config.model_dump(mode="json"), times)

    def measure(
        self, state: TrainState, measure: Callable[[Run, AlphaBridge, Memory], Record]
    ) -> Record:
        """Measure the averaged model of each trial, from its run, model and memory to its metrics.

        Returns:
            A number for each name, or a list with one for each trial.
        """
        if not self.stacked:
            return measure(self.run, state.averaged(), state.memory)
        tensors = state.tensors()
        own = [of_trial(tensors, trial) for trial in range(self.config.trials)]
        before = dict(own[0]["memory"])
        records = [
            measure(run, model_of(config, mine), mine["memory"])
            for run, config, mine in zip(self.runs, self.config.singles, own, strict=True)
        ]
        # the rest of the memory stays as it is: some of it belongs to all trials together
        left = [name for name, value in own[0]["memory"].items() if value is not before.get(name)]
        state.memory.update(stack([{name: mine["memory"][name] for name in left} for mine in own]))
        return {name: [record[name] for record in records] for name in records[0]}

    def append(self, record: Record) -> None:
        """Write each trial's part of a record, and the means."""
        for run, own in self.each(record):
            run.append(own)

    def each(self, record: Record) -> Iterator[tuple[Run, Record]]:
        """Each trial with its part of a record, and the run above them with the means."""
        for trial, run in enumerate(self.runs):
            yield run, {k: v[trial] if isinstance(v, list) else v for k, v in record.items()}
        yield self.run, mean_over_trials(record)

    def save(self, state: TrainState, marked: Collection[int]) -> None:
        """Write a checkpoint of each stacked trial, from which it can be used alone.

        Of those before, the run above keeps the ``marked`` ones, and so does each trial.
        """
        if self.stacked:
            tensors = state.tensors()
            for trial, run in enumerate(self.runs):
                write(of_trial(tensors, trial), state.step, run.checkpoint_folder(state.step))
                steps = [step for step in run.checkpoint_steps if step <= state.step]
                folders = {step: run.checkpoint_folder(step) for step in steps}
                retain(folders, marked, self.config.keep)

    def write_reports(self) -> Path:
        """Write the page of every run; that of the run itself is returned."""
        for run in self.runs:
            write_report(run)
        return write_report(self.run)

    def spread(self, names: list[str]) -> dict[str, float]:
        """Spread of the last values of metrics over stacked trials."""
        if not self.stacked:
            return {}
        last = [
            {name: value for record in run.records for name, value in record.items()}
            for run in self.runs
        ]
        return {name: float(spread([record[name] for record in last])) for name in names}


def mean_over_trials(record: Record) -> Record:
    """A record with the mean of each list in it."""
    return {
        name: fmean(value) if isinstance(value, list) else value for name, value in record.items()
    }
