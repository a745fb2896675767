"""What a run records, keeps and shows of its updates: the callbacks of its training."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from accelerate import Accelerator
from rich.console import Console
from torch import Tensor

from ..data import Units
from ..metrics.definition import formatted, metrics_of, require_measured, title
from ..metrics.evaluation import Measured
from ..metrics.table_profile import profile
from ..model import AlphaBridge
from ..objective import Objective
from ..recipe import Change, Config, read_config
from ..recipe.assembly import build_evaluation
from ..recipe.first_weights import build_model
from ..training import (
    Callback,
    Checkpoints,
    Event,
    Progress,
    Records,
    TrainState,
    describe_twins,
    twin_gradients,
)
from ..training.callbacks import sparing
from ..training.following import Arrival
from ..training.improvement import StepOne
from ..training.progress import Bars
from .best import scores_of
from .console_lines import printing
from .folder import Run
from .going import Going
from .mosaic import save_png
from .record_lines import Record
from .sample_files import is_image
from .tracking import Tracking
from .trials import TrialRuns, mean_over_trials

LONG = 20.0
"""Seconds after which a page is worth the second that it takes."""


class _Changes(Callback):
    """Writes down what the run goes on with, once its checkpoint has been found whole.

    What is known of the best of its checkpoints is added to ``scores``.
    """

    def __init__(
        self, trials: TrialRuns, console: Console, anew: bool, scores: MutableMapping[int, float]
    ) -> None:
        self.trials, self.console, self.anew, self.scores = trials, console, anew, scores

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        known = read_config(self.trials.run.config_path).changes
        self.trials.go_on(state.step, self.anew)
        if self.trials.config.best is not None:
            self.scores.update(scores_of(self.trials.run.records, self.trials.config.best))
        say_changes(self.trials.config, state.step, known, printing(self.console))
        return nullcontext()


def say_changes(
    config: Config, step: int, known: Sequence[Change], say: Callable[[str], object]
) -> None:
    """A line on each change after ``step`` updates that is not among those that are known."""
    for of in config.changes:
        if of.step == step and of not in known:
            say(f"{of.key}: {of.before} until update {of.step}, now {of.after}")


class _EarlyReports(Callback):
    """Leaves the page of a long run at the end of Steps I and II too, for those who wait."""

    def __init__(self, trials: TrialRuns, say: Callable[[str], object]) -> None:
        self.trials, self.say, self.since = trials, say, time.perf_counter()

    def after(self, event: Event) -> None:
        if event.boundary and not event.last and time.perf_counter() - self.since >= LONG:
            with sparing(False, self.say):
                self.say(f"report so far: {self.trials.write_reports()}")


def callbacks_of(going: Going, bars: Bars, accelerator: Accelerator) -> list[Callback]:
    """What records, keeps and shows a run, in the order in which each is called."""
    parts, trials, anew = going.parts, going.trials, going.anew
    config, scores = parts.config, dict[int, float]()
    evaluation = build_evaluation(config, parts.source, bars.say, parts.prior, bars.show)
    if config.best is not None:
        measured = evaluation(build_model(config.singles[0]).to(accelerator.device), {})
        require_measured("best", config.best, measured.metrics)
    progress, tracking = Progress(len(parts.path), bars, describe), Tracking(trials, bars.say)
    unwritten: list[Record] = []

    def write(record: Record) -> None:
        if config.best is not None:
            scores.update(scores_of([mean_over_trials(record)], config.best))
        progress.show(mean_over_trials(record))
        tracking.record(record)
        unwritten.append(record)
        # those that a full disk has no room for are written with a later one
        say = bars.say if len(unwritten) == 1 else lambda _: None
        with sparing(record["step"] == len(parts.path), say):
            while unwritten:
                trials.append(unwritten[0])
                unwritten.pop(0)

    def evaluate(event: Event) -> Record:
        def measure(run: Run, model: AlphaBridge, memory: dict[str, Tensor]) -> Record:
            measured = evaluation(model, memory, event.in_step_one)
            with sparing(event.last, bars.say):
                keep(run, event.step, measured, parts.source.units)
            tracking.samples(run, event.step, parts.source.units.stored(measured.samples))
            return measured.metrics

        return trials.measure(event.state, measure) | _twins(event, parts.objective)

    return [
        _Changes(trials, bars.console, anew, scores),
        tracking,
        Records(write, config.record_every, evaluate, config.evaluation.every),
        Checkpoints(
            trials.run.checkpoint_folder,
            config.checkpoint_every,
            config.snapshot_steps,
            parts.path,
            config.keep,
            scores,
            trials.save,
            bars.say,
        ),
        progress,
        StepOne(bars.say),
        Arrival(parts.path, bars.say),
        _EarlyReports(trials, bars.say),
    ]


def _twins(event: Event, objective: Objective) -> Record:
    """Diagnostics of the two halves of the gradient, on the update's own batch."""
    pairs = twin_gradients(event.state.model, objective, event.x, event.noise, event.alpha)
    numbers = describe_twins(pairs, event.alpha)
    return {name: value.tolist() for name, value in numbers.items()}


def keep(run: Run, step: int, measured: Measured, units: Units) -> None:
    """Write the samples and reconstructions of an evaluation into the run, in the data's units."""
    shown = units.stored(measured.samples)
    run.write_samples(step, shown)
    if is_image(shown):
        save_png(shown, run.samples_picture(step))
    if measured.compared is not None:
        from ..data.tables import TableUnits  # with pyarrow, which no other data need

        assert isinstance(units, TableUnits)
        real, generated = map(units.stored, measured.compared)
        run.write_profile(step, profile(units.coding, real, generated).content())
    if measured.pairs.shape[1]:
        originals, decoded = (units.stored(side) for side in measured.pairs)
        run.write_reconstructions(step, np.stack([originals, decoded]))


def describe(record: Record) -> str:
    """The metrics of a record in a short line; nothing if it has none.

    Example:
        >>> describe({"step": 1, "modes/3std/10000": 25.0})
        'Modes 25'
    """
    metrics = metrics_of(record).items()
    return "  ".join(f"{title(name)[0]} {formatted(value)}" for name, value in metrics)
