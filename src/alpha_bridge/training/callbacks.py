"""Callbacks of a training run: records, checkpoints, progress, signals."""

import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from ..checks import at_least
from ..errors import Diverged, Interrupted, Lost, NotWritten, full_disk
from ..files import discard
from ..files.manifest import retain
from ..path import AlphaSchedule, Phase
from .checkpoint import save
from .events import Callback, Event
from .incidents import RollBack
from .progress import Bars
from .state import TrainState

__all__ = ["Checkpoints", "Progress", "Records", "StopOnSignal", "sparing"]

Record = dict[str, Any]

STOPPED_ELSEWHERE = "stopped by a callback or another process"
UPDATE = "update"
STEPS: dict[Phase, str] = {"ml": "Step I", "transfer": "Step II", "adversarial": "Step III"}
"""What the steps of Algorithm 1 are called."""


class Records(Callback):
    """Writes a record of the losses now and then, and of the metrics when they are due.

    Metrics are due every ``evaluate_every`` updates, at the end of each segment of the path and
    at the end of the run. Nothing is read from the device in between.
    """

    def __init__(
        self,
        write: Callable[[Record], None],
        every: int = 50,
        evaluate: Callable[[Event], Record] | None = None,
        evaluate_every: int = 1000,
    ) -> None:
        """Choose where records go, and what is measured for them.

        Args:
            write: Takes each record: ``step``, ``phase``, ``alpha``, ``gamma``, ``seconds`` since
                the start of this process, losses, diagnostics and metrics.
            every: Updates from one record to the next, one or more.
            evaluate: Gives the metrics; None for no metrics.
            evaluate_every: Updates from one evaluation to the next, one or more.
        """
        self.write, self.evaluate = write, evaluate
        self.every = at_least(1, "every", every)
        self.evaluate_every = at_least(1, "evaluate_every", evaluate_every)
        self.start = time.perf_counter()

    def after(self, event: Event) -> None:
        evaluation_due = self.evaluate is not None and (
            event.boundary or event.last or event.step % self.evaluate_every == 0
        )
        if not (evaluation_due or event.last or event.step % self.every == 0):
            return
        event.state.require_finite()
        model = event.state.model
        record: Record = {
            "step": event.step,
            "phase": event.phase,
            "alpha": event.alpha,
            "gamma": event.gamma,
            # a row has a σ for each of its numbers, which the generator learns
            **({} if model.rows else {"sigma": model.sigma.squeeze(-1).tolist()}),
            **{name: value.tolist() for name, value in event.numbers.items()},
        }
        if evaluation_due and self.evaluate is not None:
            record |= self.evaluate(event)
        self.write({**record, "seconds": round(time.perf_counter() - self.start, 3)})


@contextmanager
def sparing(last: bool, say: Callable[[str], object]) -> Iterator[None]:
    """Let training go on without what a full disk has no room for, and say so.

    At the ``last`` update, where there is no training to save, it is an error all the same.
    """
    try:
        yield
    except NotWritten as error:
        if last or full_disk(error) is None:
            raise
        say(f"{error}; training goes on without it")


class Checkpoints(Callback):
    """Saves the state every ``every`` updates, at the end of each segment and of the run.

    Training can go on from the last ``keep`` of them, whatever happens to one. Of the earlier ones
    those of segments stay, those that are asked for, and the best; these keep the networks alone,
    without Adam's moments. A checkpoint is removed when its successors are whole, and one that a
    full disk has no room for costs nothing else, unless it is the last.

    Whole it takes, in bytes, some twelve times the parameters of the three networks and four times
    those of the averaged arms; the networks alone, four times both.
    """

    def __init__(
        self,
        folder: Callable[[int], Path],
        every: int = 1000,
        snapshots: Collection[int] = (),
        path: AlphaSchedule | None = None,
        keep: int = 3,
        scores: Mapping[int, float] | None = None,
        beside: Callable[[TrainState, Collection[int]], object] | None = None,
        say: Callable[[str], object] = warnings.warn,
    ) -> None:
        """Choose when checkpoints are written, and which of them stay.

        Args:
            folder: From the number of updates done to the folder of the checkpoint.
            every: Updates from one checkpoint to the next, one or more.
            snapshots: Numbers of updates done of further checkpoints, which are kept.
            path: That of the run. If it is given, what a kill left is cleared away when the run
                goes on, also where the path has ended, but for the ends of its segments.
            keep: How many of the last stay, with all that training needs; one or more.
            scores: How good the model is, by the number of updates done, where that is known;
                higher is better. Whoever measures adds to it, before this is called.
            beside: Writes more about a state that stays, before its checkpoint; it is given the
                numbers of updates at which checkpoints stay, too.
            say: Takes a line about a checkpoint that was not written.
        """
        self.folder, self.every = folder, at_least(1, "every", every)
        self.snapshots, self.path = frozenset(snapshots), path
        self.keep, self.scores = at_least(1, "keep", keep), {} if scores is None else scores
        self.beside, self.say = beside, say
        self.standing: set[int] = set()
        self.ahead: set[int] = set()

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        # a resumed run has one where it goes on, and may have one where a signal stopped it
        self.standing = self._found()
        self._go_back(state.step)
        if self.path is not None:
            # an adaptive path has recalled by now where its Step II ended
            with sparing(last=False, say=self.say):
                self._clear(self.snapshots.union(self.path.boundaries))
        return nullcontext()

    def after(self, event: Event) -> None:
        self._go_back(event.step)
        best, score = self._best(), self.scores.get(event.step)
        better = score is not None and (best is None or score > self.scores[best])
        kept = self.snapshots.union(event.boundaries)
        if not (better or event.step in kept or event.step % self.every == 0):
            return
        with sparing(event.last, self.say):
            if self.beside is not None and (better or event.step in kept):
                best = event.step if better else best
                self.beside(event.state, kept if best is None else kept | {best})
            save(event.state, self.folder(event.step))
            self.standing.add(event.step)
            self._clear(kept)

    def _found(self) -> set[int]:
        """Numbers of updates of the checkpoints that stand in the folder."""
        place = self.folder(0).parent
        names = [path.name for path in place.iterdir()] if place.is_dir() else []
        steps = {int(found[0]) for name in names if (found := re.search("[0-9]+$", name))}
        return {step for step in steps if self.folder(step).is_dir()}

    def _go_back(self, step: int) -> None:
        """Count no checkpoint that training, which went back, has not come to again."""
        later = {other for other in self.standing if other > step}
        self.standing, self.ahead = self.standing - later, self.ahead | later

    def _best(self) -> int | None:
        """The number of updates of the best checkpoint that stands, the first of equals."""
        known = self.standing & self.scores.keys()
        return min(known, key=lambda step: (-self.scores[step], step), default=None)

    def _clear(self, kept: frozenset[int]) -> None:
        """Leave the last checkpoints, and of the earlier ones what is kept of them."""
        latest, best = max(self.standing, default=0), self._best()
        passed = {step for step in self.ahead if step <= latest}
        for step in passed - self.standing:
            discard(self.folder(step))
        self.ahead -= passed
        marked = kept if best is None else kept | {best}
        retain({step: self.folder(step) for step in self.standing}, marked, self.keep)
        self.standing = {step for step in self.standing if self.folder(step).is_dir()}


class StopOnSignal(Callback):
    """Leaves a checkpoint when training ends before its path does.

    Ctrl-C or SIGTERM to any process stops all of them after the same update; a second Ctrl-C
    stops at once. An exception, such as the loss of another process, leaves a checkpoint too if
    the parameters are those of a whole update. What an update changes before its first step, it may
    hold of the one that failed: buffers, such as running means and the power iterations of spectral
    normalisation, and the measurement of an optimal γ. Give it to every process, and before
    callbacks that may fail.
    """

    def __init__(self, folder: Callable[[int], Path] | None) -> None:
        """Save to the folder of :class:`Checkpoints`; None in a process that does not write."""
        self.folder = folder
        self.received: signal.Signals | None = None
        self.whole = False

    @contextmanager
    def during(self, state: TrainState) -> Iterator[None]:
        self.whole = False
        with self._following(state), self.heeding(signal.SIGINT, signal.SIGTERM):
            try:
                yield
            except (Diverged, Interrupted, RollBack):
                raise
            except Lost as error:
                saved = self._rescue(state) or "the last checkpoint stands"
                raise Lost(f"{error}; {saved}") from error
            except Exception as error:
                if saved := self._rescue(state):
                    error.add_note(saved)
                raise

    @contextmanager
    def heeding(self, *numbers: signal.Signals) -> Iterator[None]:
        """Take signals; a wider context than :meth:`during` keeps them from what follows it."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals reach the main thread only
            return
        before = {number: signal.signal(number, self._receive) for number in numbers}
        try:
            yield
        finally:
            self.received = None
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _following(self, state: TrainState) -> Iterator[None]:
        """From the first step of an optimiser to the end of the update the state is not whole."""

        def begin(*_: object) -> None:
            self.whole = False

        hooks = [optimizer.register_step_pre_hook(begin) for optimizer in state.optimizers.values()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = signal.Signals(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def after(self, event: Event) -> None:  # noqa: ARG002
        self.whole = True

    def wants_to_stop(self) -> bool:
        return self.received is not None

    def stop(self, event: Event) -> None:
        """Save, and raise ``Interrupted``, which names the cause and the checkpoint."""
        cause = f"{self.received.name}: stopped" if self.received else STOPPED_ELSEWHERE
        saved = f", saved {save(event.state, self.folder(event.step))}" if self.folder else ""
        raise Interrupted(f"{cause} after update {event.step} of {event.steps}{saved}")

    def _rescue(self, state: TrainState) -> str:
        """Save the state if it is whole, and say so; nothing if it cannot be saved."""
        if self.folder is None or not self.whole:
            return ""
        with suppress(OSError, RuntimeError):  # what ended training says more
            return f"saved {save(state, self.folder(state.step))}"
        return ""


class Progress(Callback):
    """Shows where training stands, and tells about each record that has metrics."""

    def __init__(
        self, steps: int, bars: Bars, describe: Callable[[Record], str] = lambda _: ""
    ) -> None:
        """Show ``steps`` updates, and a line about each record that ``describe`` has a text for."""
        self.steps, self.bars, self.describe = steps, bars, describe
        self.losses = ""

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        self.bars.show(UPDATE, state.step, self.steps, stays=True)
        return nullcontext()

    def after(self, event: Event) -> None:
        note = f"{STEPS[event.phase]}  α = {event.alpha:.2f}{self.losses}"
        self.bars.show(UPDATE, event.step, self.steps, note, stays=True)

    def show(self, record: Record) -> None:
        """Put the losses of ``record`` beside the bar; print a line about it if it has metrics."""
        losses = {name.removeprefix("loss/"): record[name] for name in record if "loss/" in name}
        self.losses = "".join(f"  {name} {value:.3g}" for name, value in losses.items())
        if metrics := self.describe(record):
            note = f"α = {record['alpha']:.2f}  {metrics}"
            self.bars.tell(UPDATE, record["step"], self.steps, note)
