"""Training that leaves a run."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from rich.console import Console
from torch import Tensor

from ..data import Units
from ..errors import Diverged, Stopped
from ..files.lock import locked
from ..metrics.definition import formatted, is_metric, title
from ..metrics.evaluation import Measured
from ..model import AlphaBridge
from ..objective import Objective
from ..recipe import HISTORY, Config
from ..recipe.builders import Assembly, assemble, build_evaluation
from ..runs import plots
from ..runs.folder import Record, Run, is_image
from ..runs.loading import decoding
from ..runs.opening import resumed_in, resuming
from ..runs.trials import TrialRuns
from ..training import (
    Callback,
    Checkpoints,
    Event,
    Progress,
    Records,
    StopOnSignal,
    TrainState,
    available_accelerator,
    describe_twins,
    keep_freed_memory,
    twin_gradients,
)
from ..training.processes import main_process_first

__all__ = ["Trained", "metrics_of", "train"]


@dataclass(frozen=True)
class Trained:
    """What training leaves.

    Attributes:
        run: The folder.
        first: Metrics at the end of Step I; empty without one.
        last: Metrics at the end; of stacked trials, their means, as in ``first``.
        spread: Standard deviation of ``last`` over stacked trials; empty for a single one.
        seconds: How long it took, without the preparation.
    """

    run: Run
    first: dict[str, float]
    last: dict[str, float]
    spread: dict[str, float]
    seconds: float


def train(
    config: Config,
    folder: Path,
    resume: bool = False,
    console: Console | None = None,
    fetch: Container[str] | None = None,
) -> Trained:
    """Train what ``config`` names and leave a run.

    Args:
        config: The configuration.
        folder: Where the run is to live.
        resume: Go on with the run that is there; what :data:`~alpha_bridge.recipe.CHANGEABLE` lists
            may differ from its configuration, which then states it.
        console: Where to show progress; nowhere by default.
        fetch: Ids of the hub that may be fetched; None for all that ``config`` names.

    Returns:
        The run and its metrics.

    Raises:
        ValueError: The configuration cannot be trained, or changes the data, the networks or the
            path of the run to resume; or another process writes into the run.
        OSError: The folder stands already, or a file cannot be read or written.
        Interrupted: A signal stopped it; a checkpoint is saved.
        Diverged: A parameter became NaN; the last good checkpoint is kept and named.
        Lost: Another process is gone; a checkpoint is saved if this one writes.
    """
    console = console or Console(quiet=True)
    keep_freed_memory()
    accelerator = available_accelerator(config.precision)
    run = Run.open(folder) if resume else Run.require_free(folder)
    writes = accelerator.is_main_process
    console.quiet |= not writes
    with ExitStack() as held:
        with main_process_first(accelerator):
            if writes and resume:
                held.enter_context(locked(run.folder))
                run.recover()
            steps = run.checkpoint_steps
            config = resumed_in(run, config) if resume else _anew(config)
            parts = assemble(config, decoding(console), not steps, fetch)
            trials = TrialRuns(run, parts.config)
            watching = _callbacks(parts, trials, console) if writes else []
        for domain in (parts.source, parts.prior):
            for note in () if domain is None else domain.notes:
                console.print(note, soft_wrap=True, markup=False)
        if writes and not resume:
            held.enter_context(locked(run.folder))
            trials.create()
        if writes:
            held.enter_context(trials.locked())
            trials.complete()
        if config.init and not steps:
            console.print(f"σ = {float(parts.model.sigma):.4g} for {config.init}", soft_wrap=True)
        checkpoint = run.checkpoint_folder(steps[-1]) if steps else None
        seconds = _fit(parts, trials, watching, checkpoint, accelerator)
    return _trained(trials, seconds)


def _fit(
    parts: Assembly,
    trials: TrialRuns,
    watching: Sequence[Callback],
    checkpoint: Path | None,
    accelerator: Accelerator,
) -> float:
    """Train, and leave the pages of the runs; how many seconds it took."""
    writes, run = accelerator.is_main_process, trials.run
    stop = StopOnSignal(run.checkpoint_folder if writes else None)
    begin = time.perf_counter()
    # who survives the loss of another process is told to end, and still has to write
    with stop.heeding(signal.SIGTERM), _ending(trials, accelerator):
        try:
            parts.fit(callbacks=[stop, *watching], checkpoint=checkpoint, accelerator=accelerator)
        except Diverged as error:
            raise Diverged(f"{error}, and {_way_on(run, parts.config)}") from error
    return time.perf_counter() - begin


@contextmanager
def _ending(trials: TrialRuns, accelerator: Accelerator) -> Iterator[None]:
    """Leave the pages of the runs however training ends, and say what is safe."""
    writes = accelerator.is_main_process
    try:
        yield
        if writes:
            trials.write_reports()
    except BaseException as error:
        if writes:
            with suppress(Exception):  # what ended training says more
                trials.write_reports()
        steps = trials.run.checkpoint_steps
        if steps and not (isinstance(error, Stopped) or hasattr(error, "__notes__")):
            last = trials.run.checkpoint_folder(steps[-1])
            error.add_note(f"update {steps[-1]} is safe in {last}: go on with --resume")
        raise
    finally:
        accelerator.end_training()


def _anew(config: Config) -> Config:
    """A configuration without the history of the run that it may come from."""
    return config.model_copy(update={HISTORY: ()})


def _way_on(run: Run, config: Config) -> str:
    """From where a run that diverged can go on, and how."""
    steps = run.checkpoint_steps
    last = steps and f"go on from the last good checkpoint, {run.checkpoint_folder(steps[-1])}"
    half = {name: getattr(config.optimization, name) / 2 for name in ("generator", "discriminator")}
    rates = " ".join(f"--optimization.{name} {rate:g}" for name, rate in half.items())
    return f"{last or 'begin again'}: {resuming(run)} {rates}"


class _Changes(Callback):
    """Writes down what the run goes on with, once its checkpoint has been found whole."""

    def __init__(self, trials: TrialRuns, console: Console) -> None:
        self.trials, self.console = trials, console

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        self.trials.go_on(state.step)
        for of in self.trials.config.changes:
            if of.step == state.step:
                self.console.print(f"{of.key}: {of.before} until update {of.step}, now {of.after}")
        return nullcontext()


def _callbacks(parts: Assembly, trials: TrialRuns, console: Console) -> list[Callback]:
    evaluation = build_evaluation(parts.config, parts.source, console.print, parts.prior)
    progress = Progress(len(parts.path), console, describe)

    def write(record: Record) -> None:
        progress.show(trials.append(record))

    def evaluate(event: Event) -> Record:
        def measure(run: Run, model: AlphaBridge, memory: dict[str, Tensor]) -> Record:
            measured = evaluation(model, memory, event.in_step_one)
            keep(run, event.step, measured, parts.source.units)
            return measured.metrics

        metrics = trials.measure(event.state, measure)
        if event.boundary or event.last:
            trials.save(event.state)
        return metrics | _twins(event, parts.objective)

    config, checkpoint = parts.config, trials.run.checkpoint_folder
    return [
        _Changes(trials, console),
        Records(write, config.record_every, evaluate, config.evaluation.every),
        Checkpoints(
            checkpoint, config.checkpoint_every, config.snapshot_steps, parts.path.boundaries
        ),
        progress,
    ]


def _twins(event: Event, objective: Objective) -> Record:
    """Diagnostics of the two halves of the gradient, on the update's own batch."""
    halves = twin_gradients(event.state.model, objective, event.x, event.noise, event.alpha)
    numbers = describe_twins(*halves, event.alpha)
    return {name: value.tolist() for name, value in numbers.items()}


def keep(run: Run, step: int, measured: Measured, units: Units) -> None:
    """Write the samples and reconstructions of an evaluation into the run, in the data's units."""
    shown = units.stored(measured.samples)
    run.write_samples(step, shown)
    if is_image(shown):
        plots.save_png(shown, run.samples_picture(step))
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


def metrics_of(record: Record) -> dict[str, float]:
    """Metrics of a record, without its losses and diagnostics; NaN for one that is null."""
    return {
        name: math.nan if value is None else value
        for name, value in record.items()
        if is_metric(name)
    }


def _trained(trials: TrialRuns, seconds: float) -> Trained:
    evaluated = [record for record in trials.run.records if metrics_of(record)]
    first = plots.step_one(evaluated)
    last = metrics_of(evaluated[-1]) if evaluated else {}
    return Trained(
        trials.run,
        metrics_of(first[-1]) if first else {},
        last,
        trials.spread(list(last)),
        seconds,
    )
