"""Records beside ``metrics.jsonl``, under the same names: for TensorBoard, trackio and wandb."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

from ..errors import one_line
from ..training import Callback, TrainState
from .folder import Run
from .record_lines import Record
from .sample_files import Array, is_image
from .trials import TrialRuns

PROJECT = "alpha-bridge"
SAMPLES = "samples"
SHOWN = 64
"""Images of one evaluation."""


class Tracking(Callback):
    """Hands every record on while training goes on, and images of samples.

    TensorBoard has a file in the folder of each run. It is written anew when a run goes on, from
    what is recorded, so that no point is there twice. The others keep what they have, and get the
    records of later updates; of stacked trials they get the means.

    What a tracker cannot write stops it, and not the training.
    """

    def __init__(self, trials: TrialRuns, say: Callable[[str], object]) -> None:
        """Track the runs of ``trials``; ``say`` takes a line where a user should know something."""
        self.trials, self.say = trials, say
        self.trackers: list[tuple[Run, Any]] = []
        self.tracked = 0

    @contextmanager
    def during(self, state: TrainState) -> Iterator[None]:
        self.tracked = max([0, *(record["step"] for record in self.trials.run.records)])
        try:
            for name in self.trials.config.track:
                if find_spec(name) is not None:
                    self._begin(name, state.step)
            yield
        finally:
            for run, tracker in self.trackers:
                self._try(run, tracker, tracker.finish)
            self.trackers = []

    def record(self, record: Record) -> None:
        """Hand on a record of all trials."""
        for run, own in self.trials.each(record):
            for tracker in self._of(run, record["step"], "log"):
                self._try(run, tracker, partial(tracker.log, _numbers(own), record["step"]))

    def samples(self, run: Run, step: int, samples: Array) -> None:
        """Hand on the samples of an evaluation, if they are images."""
        if is_image(samples):
            for tracker in self._of(run, step, "log_images"):
                self._try(run, tracker, partial(_show, tracker, step, samples))

    def _begin(self, name: str, step: int) -> None:
        from accelerate import tracking

        if name == "tensorboard":
            for run in (self.trials.run, *self.trials.runs):
                for path in run.folder.glob("events.out.tfevents.*"):
                    path.unlink()
                # a reader that is open drops what it had from this update on
                options = {"logging_dir": str(run.folder), "purge_step": 0}
                tracker = tracking.TensorBoardTracker("", **options)
                if self._start(run, tracker):
                    self._try(run, tracker, partial(self._repeat, run, tracker, step))
            return
        run = self.trials.run
        of_run = f"{run.folder.resolve().name}-{(run.identity or '')[:8]}"
        if name == "wandb":
            offline = os.environ.get("WANDB_MODE", "offline")
            own = {"dir": str(run.folder), "id": run.identity, "settings": {"silent": True}}
            given = {"name": of_run, "resume": "allow", "mode": offline, "config": run.config}
            if self._start(run, tracking.WandBTracker(PROJECT, **own, **given)):
                self.say(f"wandb: {offline}, in {run.folder / 'wandb'}; WANDB_MODE=online sends it")
        else:
            tracker = tracking.TrackioTracker(PROJECT, name=of_run, resume="allow")
            if self._start(run, tracker):
                self.say(f"trackio: {of_run}, on this machine; trackio show opens it")

    def _start(self, run: Run, tracker: Any) -> bool:  # noqa: ANN401
        self.trackers.append((run, tracker))
        self._try(run, tracker, tracker.start)
        return (run, tracker) in self.trackers

    def _repeat(self, run: Run, tracker: Any, step: int) -> None:  # noqa: ANN401
        """Hand on what a run has recorded up to the update from which it goes on."""
        for record in run.records:
            if record["step"] <= step:
                tracker.log(_numbers(record), step=record["step"])
        for at, samples in run.samples.items():
            if at <= step and is_image(samples):
                _show(tracker, at, samples)

    def _of(self, run: Run, step: int, method: str) -> list[Any]:
        """The trackers of a run that can do this, and have not seen this update."""
        return [
            tracker
            for own, tracker in self.trackers
            if own == run
            and hasattr(tracker, method)
            and (tracker.name == "tensorboard" or step > self.tracked)
        ]

    def _try(self, run: Run, tracker: Any, work: Callable[[], object]) -> None:  # noqa: ANN401
        try:
            work()
        except Exception as error:  # whatever another library raises: training goes on without it
            self.trackers = [of for of in self.trackers if of[1] is not tracker]
            self.say(f"{tracker.name} of {run.folder} stopped ({one_line(error)})")


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    """What of a record is a number."""
    return {
        name: value
        for name, value in record.items()
        if name != "step" and isinstance(value, int | float) and math.isfinite(value)
    }


def _show(tracker: Any, step: int, samples: Array) -> None:  # noqa: ANN401
    options = {"dataformats": "NHWC"} if tracker.name == "tensorboard" else {}
    tracker.log_images({SAMPLES: samples[:SHOWN]}, step=step, **options)
