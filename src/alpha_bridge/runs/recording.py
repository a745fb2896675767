"""Training that leaves a run: what is recorded, kept and shown of every update."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Container, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accelerate import Accelerator
from rich.console import Console
from torch import Tensor

from ..data import Units
from ..errors import Diverged, Stopped
from ..files.lock import locked
from ..metrics.definition import formatted, metrics_of, require_measured, title
from ..metrics.evaluation import Measured
from ..metrics.table_profile import profile
from ..model import AlphaBridge
from ..objective import Objective
from ..recipe import HISTORY, Change, Config, read_config
from ..recipe.assembly import Assembly, assemble, build_evaluation
from ..recipe.first_weights import build_model
from ..training import (
    Callback,
    Checkpoints,
    Event,
    FlightRecorder,
    Progress,
    Records,
    StopOnSignal,
    TrainState,
    available_accelerator,
    describe_twins,
    keep_freed_memory,
    twin_gradients,
)
from ..training.callbacks import sparing
from ..training.following import Arrival
from ..training.improvement import StepOne
from ..training.incidents import Incident, RollBack
from ..training.processes import main_process_first, of_main_process
from ..training.progress import Bars
from .best import scores_of
from .folder import Record, Run, is_image
from .loading import decoding, printing
from .mosaic import save_png
from .opening import resumed_in, usable
from .rollback import back_to, last_good, rollbacks, watch_after, way_on
from .tracking import Tracking
from .trials import TrialRuns, mean_over_trials

ANEW = {HISTORY: (), "fingerprint": None, "prior_fingerprint": None}
"""What a new run does not take over from the configuration of another."""
LONG = 20.0
"""Seconds after which a page is worth the second that it takes."""


def train_run(
    config: Config,
    folder: Path,
    resume: bool,
    console: Console,
    fetch: Container[str] | None,
    also: Sequence[Callback] = (),
) -> tuple[TrialRuns, float, tuple[str, ...]]:
    """Train into a folder, as :func:`alpha_bridge.commands.train`.

    Args:
        config: The configuration.
        folder: Of the run.
        resume: Whether the run in that folder goes on.
        console: Where to show progress.
        fetch: Ids of the hub that may be fetched; None for all that ``config`` names.
        also: Further callbacks, which are called last.

    Returns:
        Its runs, the seconds, and what a user should know of how the data were read.
    """
    keep_freed_memory()
    accelerator = available_accelerator(config.precision)
    run = Run.open(folder) if resume else Run.require_free(folder)
    writes = accelerator.is_main_process
    console.quiet |= not writes
    with Bars(console) as bars, ExitStack() as held:
        with main_process_first(accelerator):
            if writes and resume:
                held.enter_context(locked(run.folder))
                run.recover()
            step, passed = usable(run, resume=True)
            recorded = config.fingerprint, config.prior_fingerprint
            config = resumed_in(run, config, step) if resume else config.model_copy(update=ANEW)
            parts = assemble(config, decoding(bars), not step, fetch)
            now = parts.config.fingerprint, parts.config.prior_fingerprint
            on = f"training goes on from update {step}, and replaces it when it has come so far"
            notes = tuple(f"{what}: {on}" for what in passed) + parts.notes
            notes += tuple(
                f"the configuration was recorded with other data: {before}, now {after}"
                for before, after in zip(recorded, now, strict=True)
                if before not in (None, after)
            )
            for note in notes:
                printing(console)(note)
            going = Going(parts, TrialRuns(run, parts.config), step, bool(passed), rollbacks(run))
            callbacks = _callbacks(going, bars) if writes else []
        if writes and not resume:
            held.enter_context(locked(run.folder))
            going.trials.create()
        if writes:
            held.enter_context(going.trials.locked())
            going.trials.complete()

        def after(back: RollBack, before: Going) -> tuple[Going, list[Callback]]:
            times = before.rollbacks + 1
            found = back_to(run, before.parts, back.incident, times) if writes else None
            back_at = of_main_process(found, accelerator)  # before it removes what came later
            assert back_at is not None
            step, config, line = back_at
            with main_process_first(accelerator):
                bars.say(line)
                if writes:
                    _say_changes(config, step, before.trials.config.changes, bars.say)
                    TrialRuns(run, config).go_back(step)
                parts = assemble(config, decoding(bars), not step, fetch)
                again = Going(parts, TrialRuns(run, parts.config), step, True, times)
                return again, _callbacks(again, bars) if writes else []

        seconds = _fit(going, callbacks, also, after, accelerator, bars)
    return going.trials, seconds, notes


class Going(NamedTuple):
    """What a run begins or goes on with.

    Attributes:
        step: Updates done at the checkpoint that it goes on from; 0 without one.
        anew: Whether what was recorded of later updates is replaced.
        rollbacks: How often the run has gone back.
    """

    parts: Assembly
    trials: TrialRuns
    step: int
    anew: bool
    rollbacks: int


def _fit(
    going: Going,
    callbacks: Sequence[Callback],
    also: Sequence[Callback],
    after: Callable[[RollBack, Going], tuple[Going, list[Callback]]],
    accelerator: Accelerator,
    bars: Bars,
) -> float:
    """Train, also after roll-backs, and leave the pages of the runs; how many seconds it took."""
    writes, run = accelerator.is_main_process, going.trials.run
    stop = StopOnSignal(run.checkpoint_folder if writes else None)
    begin = time.perf_counter()
    # a process that survives the loss of another gets SIGTERM, and still has to write
    with stop.heeding(signal.SIGTERM), _ending(going.trials, accelerator):
        while True:
            parts, step = going.parts, going.step
            try:
                parts.fit(
                    callbacks=[_recorder(going, bars), stop, *callbacks, *also],
                    checkpoint=run.checkpoint_folder(step) if step else None,
                    accelerator=accelerator,
                )
                return time.perf_counter() - begin
            except RollBack as back:
                going, callbacks = after(back, going)
            except Diverged as error:
                way = way_on(run, parts.config, going.rollbacks)
                raise Diverged(f"{error}, and {way}") from error


def _recorder(going: Going, bars: Bars) -> FlightRecorder:
    """What watches the updates of a run, and writes into it what went wrong."""
    parts, trials = going.parts, going.trials
    config, run = parts.config, trials.run
    watch = watch_after(config.watch, going.rollbacks)
    written = {config.record_every, config.evaluation.every, config.checkpoint_every, watch.every}

    def keep(incident: Incident, bundle: Path | None, answer: str) -> None:
        own = trials.runs[incident.trial : incident.trial + 1] if incident.trial is not None else ()
        for one in (run, *own):
            place = bundle and os.path.relpath(bundle, one.folder)
            one.append_incident({**vars(incident), "answer": answer, "bundle": place})

    def place(incident: Incident) -> Path | None:
        taken = {of.get("bundle") for of in run.incidents}
        names = (run.bundle_folder(incident.step, incident.kind, number) for number in count(1))
        folder = next(of for of in names if os.path.relpath(of, run.folder) not in taken)
        others = {path for path in folder.parent.glob("*/") if path != folder}
        return folder if len(others) < watch.bundles else None

    def due(event: Event) -> bool:
        written_now = any(event.step % every == 0 for every in written)
        return written_now or event.boundary or event.step in config.snapshot_steps

    content = {"seed": config.seed, "config": config.model_dump(mode="json")}
    # a bundle has no network of features, so that nothing could be made again from it
    placed = place if config.objective.features == "none" else None
    return FlightRecorder(
        watch, bars.say, keep, placed, content, due, parts.noise(), spare=run.folder
    )


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
        step = last_good(trials.run)
        if step and not isinstance(error, Diverged):  # which names its own way on
            if not (isinstance(error, Stopped) or hasattr(error, "__notes__")):
                error.add_note(f"update {step} is safe in {trials.run.checkpoint_folder(step)}")
            error.add_note(f"go on with {trials.run.resuming}")
        raise
    finally:
        accelerator.end_training()


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
        _say_changes(self.trials.config, state.step, known, printing(self.console))
        return nullcontext()


def _say_changes(
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


def _callbacks(going: Going, bars: Bars) -> list[Callback]:
    parts, trials, anew = going.parts, going.trials, going.anew
    config, scores = parts.config, dict[int, float]()
    evaluation = build_evaluation(config, parts.source, bars.say, parts.prior, bars.show)
    if config.best is not None:
        measured = evaluation(build_model(config.singles[0]), {})
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
