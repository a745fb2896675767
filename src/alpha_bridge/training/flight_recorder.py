"""The flight recorder: it recognises incidents of training, answers, and keeps how they came."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any, Literal

import torch
from torch import Tensor

from ..chunks import at_once
from ..errors import Halted
from ..settings import WatchConfig
from .bundle import whole, write_bundle
from .callbacks import sparing
from .events import Callback, Event
from .incidents import (
    LASTING,
    MEASURED,
    Incident,
    Kind,
    RollBack,
    measured,
    shows,
)
from .last_good import LastGood
from .processes import of_main_process
from .state import TrainState, cloned, diverged
from .update import Draw

__all__ = ["FlightRecorder"]

COUNT = 128
"""Held-out samples that the networks are measured on, and fakes; fewer of large images, but at
least two."""

LASTED = "lasted/"
"""What the memory of a run keeps: for how many updates each kind has lasted, ``(*trials,)``."""
LOOKED = "looked"
"""Beside it, the updates done at the last look, ``(*trials,)``: a run may be stopped after it."""

Answer = Literal["say", "stop", "end", "roll-back"]

ANSWERS: Mapping[Answer, str] = {
    "say": "training goes on",
    "stop": "training stops",
    "end": "training ends",
    "roll-back": "training goes back",
}


Seen = tuple[list[tuple[Incident, Path | None]], str, Answer]
"""Incidents, each with a place for a bundle; what is not finite; and what is done."""


class FlightRecorder(Callback):
    """Watches every update for incidents, and answers as :class:`WatchConfig` says.

    An incident is a loss or a state that is not finite; weights that leave few samples effective; a
    discriminator that is sure of held-out data and fresh fakes; samples that lie together. The last
    three count when they have lasted, and not in Step I. Nothing that training draws is touched:
    the measurements have noise of their own.

    From a state that is not finite nothing can go on: it ends training by
    :class:`~alpha_bridge.errors.Diverged`, unless ``watch.diverged`` or the answer is to roll back.
    Of the answers, ``stop`` raises :class:`~alpha_bridge.errors.Halted` after the update, and
    ``roll-back`` raises :class:`RollBack`, of which ``alpha-bridge train`` takes care.

    Give it to every process, before all other callbacks. What the main process has found counts.
    """

    def __init__(
        self,
        watch: WatchConfig | None = None,
        say: Callable[[str], object] | None = None,
        keep: Callable[[Incident, Path | None, Answer], object] = lambda *_: None,
        place: Callable[[Incident], Path | None] | None = None,
        content: Mapping[str, Any] | None = None,
        due: Callable[[Event], bool] = lambda _: False,
        movers: Sequence[Callback] = (),
        spare: Path | None = None,
    ) -> None:
        """Choose what counts as an incident, what is done, and where it is kept.

        Args:
            watch: What counts, and the answer.
            say: Takes a line on each incident, in the main process; by default it is printed to
                standard error.
            keep: Takes each incident, the folder of its bundle if it has one, and what is done,
                there too.
            place: Gives the folder in which the bundle of an incident is written, or None; without
                it none is. Stacked trials that have it at once may share one. Bundles cost the
                memory of a second state.
            content: What a bundle says beside what is known here, as JSON takes it: the ``seed``,
                and the ``config`` of the networks.
            due: Whether the state is looked at after an update that is no multiple of
                ``watch.every``: where something is written that must be finite.
            movers: Callbacks before it that change what later updates follow, such as σ; they are
                called again for updates that are made again.
            spare: A folder for the second state, if it is large; see :class:`LastGood`.
        """
        self.watch, self.keep = watch or WatchConfig(), keep
        self.say = say or partial(print, file=sys.stderr)
        self.place, self.content, self.due, self.movers = place, content or {}, due, movers
        self.recent: list[Mapping[str, Tensor]] = []
        self.alphas: list[float] = []
        self.good = LastGood(spare)
        self.unseen: tuple[list[Draw], dict[str, Tensor]] = [], {}
        self.halting: Incident | None = None

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        self.recent, self.halting = [], None
        shape, device = state.model.trial_shape, state.model.log_sigma.device
        for kind in LASTING:  # an older checkpoint has none
            lasted = state.memory.get(LASTED + kind, torch.zeros(shape, dtype=torch.int64))
            state.memory[LASTED + kind] = lasted.to(device)
        looked = state.memory.get(LOOKED, torch.full(shape, state.step))
        state.memory[LOOKED] = looked.to(device)
        self._remember(state)
        return closing(self.good)

    def after(self, event: Event) -> None:
        self.recent.append(event.numbers)
        self.alphas.append(event.alpha)
        self._count(event, "few-samples", event.numbers, 1)
        measures = event.step % self.watch.every == 0
        if not (measures or event.last or self.due(event)):
            return
        self._see(event, measures)
        if measures:
            self._remember(event.state)

    def wants_to_stop(self) -> bool:
        return self.halting is not None

    def stop(self, event: Event) -> None:
        if self.halting is not None:
            raise Halted(f"stopped after an incident, {self.halting}")
        if self.recent:  # the state is written now, and the losses are seen no more
            self._see(event, measures=False, stopping=True)

    def _see(self, event: Event, measures: bool, stopping: bool = False) -> None:
        """Look in the main process, and do in all of them what that asks for."""
        accelerator = event.updates.accelerator
        seen = self._look(event, measures, stopping) if accelerator.is_main_process else None
        found = of_main_process(seen, accelerator)
        assert found is not None
        incidents, broken, answer = found
        self.recent = []
        if not stopping:  # or the run that goes on counts from the look before
            memory = event.state.memory
            memory[LOOKED] = torch.full_like(memory[LOOKED], event.step)
        recorded, bundled = list[Incident](), set[tuple[Kind, Path]]()
        for incident, folder in incidents:
            exact = incident
            if folder is not None and (incident.kind, folder) not in bundled:
                exact = self._bundle(event, incident, folder)
                bundled.add((incident.kind, folder))  # it has the update of all trials
            self._record(event, exact, folder, answer)
            recorded.append(exact)
        self._answer(recorded, broken, answer)

    def _remember(self, state: TrainState) -> None:
        """Keep a state that is good, and begin to count α from there."""
        self.alphas = []
        if self.place is not None:
            self.good.keep(state)

    def _count(self, event: Event, kind: Kind, numbers: Mapping[str, Tensor], updates: int) -> None:
        """Add updates to those that something has lasted, on the device, or begin at zero again."""
        beyond = LASTING[kind].beyond(numbers, event.gamma, self.watch)
        if beyond is not None and not event.in_step_one:
            memory = event.state.memory
            memory[LASTED + kind] = (memory[LASTED + kind] + updates) * beyond

    def _look(self, event: Event, measures: bool, stopping: bool) -> Seen:
        """Incidents since the last look, and what is done about them.

        Where somebody is ``stopping`` training only what is not finite counts, and ends it: what
        lasts is remembered, and found by the run that goes on.
        """
        broken = next(iter(event.state.broken().items()), None)
        found = [*self._not_finite(event, broken)]
        if not found and not event.in_step_one and not stopping:
            found += self._lasting(event, measures)
        answer: Answer = self.watch.answer
        if stopping:
            answer = "end"
        elif broken is not None and answer != "roll-back":
            answer = self.watch.diverged
        if answer != "say":
            found = found[:1]
        place = self.place or (lambda _: None)
        placed = [(incident, place(incident)) for incident in found]
        return placed, broken[0] if broken else "", answer

    def _not_finite(self, event: Event, broken: tuple[str, Tensor] | None) -> Iterator[Incident]:
        """The first loss that is not finite, or else what is not of the state."""
        began = event.step - len(self.recent)
        names = [name for name in event.numbers if name.startswith("loss/")]
        losses = torch.stack([torch.stack([of[name] for name in names]) for of in self.recent])
        wrong = (~losses.isfinite()).reshape(*losses.shape[:2], -1).nonzero()
        if len(wrong):
            update, name, trial = wrong[0].tolist()
            at, numbers = began + update + 1, self.recent[update]
            what = f"{names[name]} is not finite"
            yield _incident(event, "not-finite", at, at - 1, trial, numbers, what)
        elif broken is not None:
            name, value = broken
            trials = event.state.model.trial_shape
            trial = _first(~value.isfinite().reshape(*trials, -1).all(-1)) if value.ndim else 0
            what = f"{name} is not finite"
            yield _incident(event, "not-finite", event.step, began, trial, event.numbers, what)

    def _lasting(self, event: Event, measures: bool) -> Iterator[Incident]:
        """What has just lasted as long as it may."""
        memory, patience = event.state.memory, self.watch.patience
        since = event.step - int(memory[LOOKED].flatten()[0])
        numbers, past = dict(event.numbers), dict[Kind, int]({"few-samples": since})
        if measures:
            count = max(2, at_once(event.batches.source.event_shape, COUNT))
            draw = event.batches.unseen(event.step, count)
            found = measured(event.state.model, event.updates.objective, *draw)
            self.unseen, numbers = ([draw], found), numbers | found
            for kind in MEASURED:
                self._count(event, kind, found, self.watch.every)
                past[kind] = self.watch.every
        for kind, updates in past.items():
            lasted = memory[LASTED + kind]
            crossed = (lasted >= patience) & (lasted - updates < patience)
            for trial in crossed.flatten().nonzero().flatten().tolist():
                began = event.step - int(lasted.flatten()[trial])
                own, lasting = _of_trial(numbers, trial), event.step - began
                what = LASTING[kind].line(own, event.gamma, lasting, self.watch)
                yield _incident(event, kind, event.step, began, trial, numbers, what)
                if self.watch.answer != "say":  # it is reported again to who goes on from here
                    memory[LASTED + kind] = torch.zeros_like(lasted)

    def _record(
        self, event: Event, incident: Incident, folder: Path | None, answer: Answer
    ) -> None:
        """Keep the incident, with its bundle if there is one, and say so."""
        if event.updates.accelerator.is_main_process:
            kept = folder if folder is not None and folder.is_dir() else None
            with sparing(False, self.say):
                self.keep(incident, kept, answer)
            again = f"; alpha-bridge replay {quote(str(kept))} repeats it" if kept else ""
            self.say(f"{incident}; {ANSWERS[answer]}{again}")

    def _bundle(self, event: Event, incident: Incident, folder: Path) -> Incident:
        """Make the updates since the last good state again, and keep the one that shows it.

        Returns:
            The incident, at that update.
        """
        state, updates, accelerator = event.state, event.updates, event.updates.accelerator
        now, step = cloned(state.tensors()), state.step
        updates.go_to(self.good.tensors(), self.good.step)
        with event.batches.ahead(range(state.step, step)) as drawn:
            for draws, alpha in zip(drawn, self.alphas, strict=True):
                before = cloned(state.tensors())
                numbers = updates(draws, alpha)
                gamma, (x, noise) = updates.gamma(alpha), draws[-1]
                again = replace(event, alpha=alpha, gamma=gamma, x=x, noise=noise, numbers=numbers)
                for mover in self.movers:
                    mover.after(again)
                if of_main_process(self._shown(event, incident, numbers), accelerator):
                    break
        draws = whole(draws, len(state.model.trial_shape), accelerator)
        found = replace(incident, step=state.step, alpha=alpha)
        if incident.kind in MEASURED:
            unseen, measurements = self.unseen
            draws, numbers = draws + unseen, numbers | measurements
        content = {
            "incident": vars(found),
            "numbers": {name: value.tolist() for name, value in numbers.items()},
            "alpha": alpha,
            "steps": event.steps,
            "processes": accelerator.num_processes,
            "watch": vars(self.watch),
            **self.content,
        }
        if accelerator.is_main_process:
            with sparing(False, self.say):
                write_bundle(folder, before, state.step - 1, draws, content)
        updates.go_to(now, step)
        return found

    def _shown(self, event: Event, incident: Incident, numbers: Mapping[str, Tensor]) -> bool:
        """Whether the update that was made again is the one to keep."""
        if incident.kind == "not-finite":
            return shows("not-finite", event.state, numbers, event.gamma, self.watch)
        return event.state.step == incident.step

    def _answer(self, incidents: Sequence[Incident], broken: str, answer: Answer) -> None:
        if incidents and answer == "roll-back":
            raise RollBack(incidents[0])
        if broken:
            raise diverged(incidents[0].step, broken)
        if incidents and answer == "stop":
            self.halting = incidents[0]


def _first(found: Tensor) -> int:
    """The first trial of which something is true."""
    return int(found.flatten().nonzero()[0])


def _of_trial(numbers: Mapping[str, Tensor], trial: int) -> dict[str, float]:
    return {name: float(value.flatten()[trial]) for name, value in numbers.items()}


def _incident(
    event: Event,
    kind: Kind,
    step: int,
    began: int,
    trial: int,
    numbers: Mapping[str, Tensor],
    what: str,
) -> Incident:
    of = trial if event.state.model.trial_shape else None
    return Incident(kind, step, began, event.alpha, of, what, _of_trial(numbers, trial))
