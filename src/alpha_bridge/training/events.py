"""What happens in training, and the callbacks that see it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from inspect import signature

from torch import Tensor

from ..objective import Noise
from ..path import AlphaSchedule, Phase
from .batches import Batches
from .state import TrainState
from .update import Updates

__all__ = ["Callback", "Event"]


@dataclass(frozen=True)
class Event:
    """One update, as callbacks see it when it is done.

    Attributes:
        state: The state after it.
        path: α of all updates.
        phase: Step of Algorithm 1 that the update belongs to.
        x: Data samples of the update, in model units.
        noise: Random draws of the update.
        numbers: Losses and diagnostics, each ``(*trials,)``, on the device.
        updates: What made the update, and can make it again.
        batches: What its samples and its noise came from, and the data.
    """

    state: TrainState
    path: AlphaSchedule
    phase: Phase
    alpha: float
    gamma: float
    x: Tensor
    noise: Noise
    numbers: dict[str, Tensor]
    updates: Updates
    batches: Batches

    @property
    def step(self) -> int:
        """Number of updates done."""
        return self.state.step

    @property
    def steps(self) -> int:
        """Number of updates of the whole path."""
        return len(self.path)

    @property
    def boundaries(self) -> Sequence[int]:
        """Numbers of updates done where a segment of the path ends."""
        return self.path.boundaries

    @property
    def step_one(self) -> int:
        """Number of updates of Step I, which the path begins with."""
        return self.path.step_one

    @property
    def in_step_one(self) -> bool:
        """Whether the update is one of Step I, whose last model is what later ones keep."""
        return self.step <= self.step_one

    @property
    def boundary(self) -> bool:
        """Whether it was the last update of a segment of the path."""
        return self.step in self.boundaries

    @property
    def last(self) -> bool:
        """Whether the path ends here."""
        return self.step == self.steps


class Callback:
    """Called after every update; this one does nothing."""

    def during(self, state: TrainState) -> AbstractContextManager[object]:  # noqa: ARG002
        """Context that surrounds the whole run."""
        return nullcontext()

    def after(self, event: Event) -> None:
        """Called when an update is done."""

    def wants_to_stop(self) -> bool:
        """Whether training should end now: asked after each update, in every process.

        One callback of one process is enough to end all of them after the same update.
        """
        return False

    def stop(self, event: Event) -> None:
        """Called in every process when training ends before its path does."""


class Called(Callback):
    """A function of the event, called after every update; what it returns is ignored."""

    def __init__(self, function: Callable[[Event], object]) -> None:
        self.function = function

    def after(self, event: Event) -> None:
        self.function(event)


def callbacks_of(given: Iterable[Callback | Callable[[Event], object]]) -> list[Callback]:
    """Callbacks as they are, and functions as callbacks.

    Raises:
        ValueError: One is neither, or a function of something else than one argument.
    """
    if not isinstance(given, Iterable):
        raise ValueError(f"callbacks must be a list, got {_name(given)}: put it in brackets")
    return [one if isinstance(one, Callback) else Called(_function(one)) for one in given]


def _function(given: object) -> Callable[[Event], object]:
    try:
        if isinstance(given, type):
            raise TypeError("a class: make an instance of it")
        if not callable(given):
            raise TypeError("no function")
        with suppress(ValueError):  # some functions of C do not tell what they take
            signature(given).bind(None)
    except TypeError as error:
        raise ValueError(
            "a callback must be a Callback, or a function that takes the Event of an update, got "
            f"{_name(given)} ({error})"
        ) from error
    return given


def _name(given: object) -> str:
    return getattr(given, "__name__", repr(given))
