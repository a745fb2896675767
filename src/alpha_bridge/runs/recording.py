"""Training that leaves a run, and goes back and on where something went wrong."""

from __future__ import annotations

import signal
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from accelerate import Accelerator
from rich.console import Console

from ..errors import Diverged, Stopped
from ..files.lock import locked
from ..recipe import HISTORY, Config
from ..recipe.assembly import Assembly, assemble
from ..training import Callback, StopOnSignal, available_accelerator, keep_freed_memory
from ..training.incidents import RollBack
from ..training.processes import main_process_first, of_main_process
from ..training.progress import Bars
from .console_lines import decoding, printing
from .folder import Run
from .going import Going
from .opening import resumed_in, usable
from .rollback import back_to, last_good, unfinished, way_on
from .run_callbacks import callbacks_of, say_changes
from .run_recorder import recorder_of
from .trials import TrialRuns

ANEW = {HISTORY: (), "fingerprint": None, "prior_fingerprint": None}
"""What a new run does not take over from the configuration of another."""


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
            parts = _assembled(config, step, fetch, accelerator, bars)
            anew = bool(passed) or _begins_with_a_change(config, step)
            times, incident = (run.gone_back, unfinished(run)) if resume else (0, None)
            going = Going(parts, TrialRuns(run, parts.config), step, anew, times)
            notes = _missing(going) if resume else ()
            notes += _notes_of(going, passed, recorded)
            for note in notes:
                printing(console)(note)
            goes_on = writes and incident is None
            callbacks = callbacks_of(going, bars, accelerator) if goes_on else []
        if writes and not resume:
            held.enter_context(locked(run.folder))
            going.trials.create()
        if writes:
            held.enter_context(going.trials.locked())
            going.trials.complete()
        if incident is not None:
            going, callbacks = _gone_back(RollBack(incident), going, fetch, accelerator, bars)
        seconds = _fit(going, callbacks, also, fetch, accelerator, bars)
    return going.trials, seconds, notes


def _assembled(
    config: Config,
    step: int,
    fetch: Container[str] | None,
    accelerator: Accelerator,
    bars: Bars,
) -> Assembly:
    """What goes on after ``step`` updates, whose weights are then those of a checkpoint."""
    return assemble(
        config, decoding(bars), not step, fetch, accelerator=accelerator, measuring=bars.show
    )


def _begins_with_a_change(config: Config, step: int) -> bool:
    """Whether what stands of later updates may be from before a change, as after a roll-back."""
    return any(change.step == step for change in config.changes)


def _missing(going: Going) -> tuple[str, ...]:
    """What a run that goes on has not, and what is done instead."""
    run, step, notes = going.trials.run, going.step, list[str]()
    if not run.checkpoint_steps:
        notes.append(f"{run.folder} has no checkpoint: training begins again from update 0")
    if step >= going.parts.config.record_every and not run.metrics_path.exists():
        notes.append(f"{run.metrics_path} is missing: records and report begin after update {step}")
    return tuple(notes)


def _notes_of(
    going: Going, passed: Sequence[str], recorded: tuple[str | None, str | None]
) -> tuple[str, ...]:
    """Which checkpoints were passed over, how the data were read, and whether they are others."""
    config = going.parts.config
    now = config.fingerprint, config.prior_fingerprint
    on = f"training goes on from update {going.step}, and replaces it when it has come so far"
    notes = tuple(f"{what}: {on}" for what in passed) + going.parts.notes
    return notes + tuple(
        f"the configuration was recorded with other data: {before}, now {after}"
        for before, after in zip(recorded, now, strict=True)
        if before not in (None, after)
    )


def _gone_back(
    back: RollBack,
    before: Going,
    fetch: Container[str] | None,
    accelerator: Accelerator,
    bars: Bars,
) -> tuple[Going, list[Callback]]:
    """What the run goes on with after an incident, from a checkpoint before it."""
    run, writes, times = before.trials.run, accelerator.is_main_process, before.rollbacks + 1
    found = back_to(run, before.parts, back.incident, times) if writes else None
    back_at = of_main_process(found, accelerator)  # before it removes what came later
    assert back_at is not None
    step, config, line = back_at
    with main_process_first(accelerator):
        bars.say(line)
        if writes:
            say_changes(config, step, before.trials.config.changes, bars.say)
            TrialRuns(run, config).go_back(step, times)
        parts = _assembled(config, step, fetch, accelerator, bars)
        going = Going(parts, TrialRuns(run, parts.config), step, True, times)
        return going, callbacks_of(going, bars, accelerator) if writes else []


def _fit(
    going: Going,
    callbacks: Sequence[Callback],
    also: Sequence[Callback],
    fetch: Container[str] | None,
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
                    callbacks=[recorder_of(going, bars), stop, *callbacks, *also],
                    checkpoint=run.checkpoint_folder(step) if step else None,
                    accelerator=accelerator,
                )
                return time.perf_counter() - begin
            except RollBack as back:
                going, callbacks = _gone_back(back, going, fetch, accelerator, bars)
            except Diverged as error:
                way = way_on(run, parts.config, going.rollbacks)
                raise Diverged(f"{error}, and {way}") from error


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
        if not isinstance(error, Diverged):  # which names its own way on
            for note in _ways_on(trials.run, error):
                error.add_note(note)
        raise
    finally:
        accelerator.end_training()


def _ways_on(run: Run, error: BaseException) -> Iterator[str]:
    """What is safe after an error, and the command that goes on."""
    step = last_good(run)
    if step:
        if not (isinstance(error, Stopped) or hasattr(error, "__notes__")):
            yield f"update {step} is safe in {run.checkpoint_folder(step)}"
        yield f"go on with {run.resuming}"
    elif not (isinstance(error, ValueError) or run.checkpoint_steps):  # one says what to change
        yield f"no checkpoint is saved: begin again with {run.resuming}"
