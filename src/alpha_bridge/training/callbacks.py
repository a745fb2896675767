"""Callbacks of a training run: records, checkpoints, progress, signals."""

import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from ..checks import at_least
from ..errors import Diverged, Interrupted, Lost
from ..files import discard
from ..files.manifest import thin
from ..path import Phase
from .checkpoint import save
from .events import Callback, Event
from .progress import Bars
from .state import TrainState

__all__ = ["Checkpoints", "Progress", "Records", "StopOnSignal"]

Record = dict[str, Any]

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
        """Set it up.

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
        record: Record = {
            "step": event.step,
            "phase": event.phase,
            "alpha": event.alpha,
            "gamma": event.gamma,
            "sigma": event.state.model.sigma.squeeze(-1).tolist(),
            **{name: value.tolist() for name, value in event.numbers.items()},
        }
        if evaluation_due and self.evaluate is not None:
            record |= self.evaluate(event)
        self.write({**record, "seconds": round(time.perf_counter() - self.start, 3)})


class Checkpoints(Callback):
    """Saves the state every ``every`` updates, at the end of each segment and of the run.

    Those of segments are kept, and those that are asked for; of the others, only the latest.
    Training can go on from the latest two, whatever happens to one of them. Each of these takes, in
    bytes, some twelve times the parameters of the three networks and four times those of the
    averaged arms. Earlier ones keep the networks alone, without Adam's moments: four times both.
    """

    def __init__(
        self,
        folder: Callable[[int], Path],
        every: int = 1000,
        snapshots: Collection[int] = (),
        boundaries: Collection[int] = (),
    ) -> None:
        """Set it up.

        Args:
            folder: From the number of updates done to the folder of the checkpoint.
            every: Updates from one checkpoint to the next, one or more.
            snapshots: Numbers of updates done of further checkpoints, which are kept.
            boundaries: Those where segments of the path end. If they are given, what a kill left
                is cleared away when the run goes on, also where the path has ended.
        """
        self.folder, self.every = folder, at_least(1, "every", every)
        self.snapshots, self.boundaries = frozenset(snapshots), frozenset(boundaries)
        self.earlier: Iterable[int] = ()

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        # a resumed run has one where it goes on, and may have one where a signal stopped it
        self.earlier = range(state.step + 1)
        if self.boundaries:
            self._clear(self.snapshots | self.boundaries, state.step)
        return nullcontext()

    def after(self, event: Event) -> None:
        kept = self.snapshots.union(event.boundaries)
        if not (event.step in kept or event.step % self.every == 0):
            return
        save(event.state, self.folder(event.step))
        self._clear(kept, event.step)
        self.earlier = (event.step,)

    def _clear(self, kept: Collection[int], latest: int) -> None:
        """Leave the latest checkpoint, and of the earlier ones what is kept of them."""
        for step in self.earlier:
            if step not in kept and step != latest and self.folder(step).is_dir():
                discard(self.folder(step))
        left = sorted({step for step in kept if step < latest} | {latest})
        thin([folder for folder in map(self.folder, left) if folder.is_dir()])


class StopOnSignal(Callback):
    """Leaves a checkpoint when training ends before its path does.

    Ctrl-C or SIGTERM to any process stops all of them after the same update; a second Ctrl-C
    stops at once. An exception, such as the loss of another process, leaves a checkpoint too if
    the state is that of a whole update. Give it to every process, and before callbacks that may
    fail.
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
            except (Diverged, Interrupted):
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
        """Save, and raise ``Interrupted``, which names the signal and the checkpoint."""
        cause = self.received.name if self.received else "signal to another process"
        saved = f", saved {save(event.state, self.folder(event.step))}" if self.folder else ""
        raise Interrupted(f"{cause}: stopped after update {event.step} of {event.steps}{saved}")

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

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        self.bars.show(UPDATE, state.step, self.steps, stays=True)
        return nullcontext()

    def after(self, event: Event) -> None:
        note = f"{STEPS[event.phase]}  α = {event.alpha:.2f}"
        self.bars.show(UPDATE, event.step, self.steps, note, stays=True)

    def show(self, record: Record) -> None:
        """Print a line about ``record`` if it has metrics."""
        if metrics := self.describe(record):
            note = f"α = {record['alpha']:.2f}  {metrics}"
            self.bars.tell(UPDATE, record["step"], self.steps, note)
