"""An α that moves on only as far as the model follows."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..checks import at_least, between_zero_and_one
from ..path import AlphaSchedule, Phase
from ..settings import REALISM, ControlConfig

__all__ = ["AdaptivePath", "Reading"]

STATE = "path/state"

LIMITS = {
    "ess": "the effective sample size",
    "accuracy": "the discriminator's accuracy",
    "overconfidence": "the discriminator's overconfidence",
    "missed": "the share of the data that is missed",
    "error": "the error of reconstructions",
}
"""What a reading has a limit for, and what it is called."""

SHARES = ("accuracy", "missed")
"""Limits of numbers in [0, 1]."""

UNKNOWN = torch.finfo(torch.float64).max
"""What a checkpoint, whose numbers are finite, has for one that is not."""

DECAY = 0.8
"""Of the average of readings: a batch of 128 tells an accuracy to ±.03, the last five to ±.013."""


@dataclass(frozen=True)
class Reading:
    """How far the model follows, measured on held-out data and fresh samples.

    Attributes:
        ess: Effective sample size of the weights of the combined gradient (12) at the next α.
        accuracy: Of the discriminator, in [0, 1].
        overconfidence: Its loss less the entropy of its own probabilities, in nats.
        missed: Share of the data whose log ratio exceeds log 20.
        error: Root mean squared error of reconstructions, in model units.
    """

    ess: float = 1.0
    accuracy: float = 0.5
    overconfidence: float = 0.0
    missed: float = 0.0
    error: float = 0.0

    def towards(self, other: "Reading", share: float) -> "Reading":
        """The weighted mean with another, of which ``share`` is the weight.

        A number that is not finite is replaced by the other's.
        """
        known = self.known_by(other)
        pairs = zip(astuple(known), astuple(other), strict=True)
        return Reading(*((1 - share) * own + share * new for own, new in pairs))

    def known_by(self, other: "Reading") -> "Reading":
        """The same, with another's numbers in place of those that are not finite."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Reading(*(own if math.isfinite(own) else new for own, new in pairs))


class AdaptivePath(AlphaSchedule):
    r"""Algorithm 1 with an α that waits for the model, and goes back where it has to.

    Step I holds α at 0. From then on, every ``limits.every`` updates, the averages of a
    :class:`Reading` are held to the limits: within all of them, α moves towards ``end``, by as much
    as a ramp of ``transfer`` updates does in ``limits.every``; outside, it is held; outside for
    ``limits.patience`` readings in a row, it goes back by as much. With nothing to wait for it is
    that ramp, in stairs of ``limits.every`` updates, which should be few of ``transfer``: a stair
    as long as that is the hard switch. Step III begins where ``end`` is first reached, and is
    decided in the same way. A reading after the last update decides nothing.

    An accuracy or a share that the likelihood alone leaves beyond its limit, at the end of Step I
    or where α has gone back to 0, is no reason to wait, since no α would mend it: its limit is then
    half-way between what was left and 1. Of faces of 32 pixels the likelihood alone misses .7 to
    .9, and α would end at 0.

    Attributes:
        alpha: The present α.
        broken: The limits that the last reading broke, by name.
        direction: 1 where α moves on, 0 where it is held, −1 where it goes back.
        average: Of the readings.
        readings: How many have decided α.
        held: How many of these broke each limit.

    Example:
        >>> path = AdaptivePath(ml=20, transfer=40, adversarial=40)
        >>> for step in (20, 40, 60):
        ...     path.observe(step, Reading(error=0.1))
        >>> path.alpha, path.boundaries
        (0.9, (20, 61, 100))
        >>> path.observe(80, Reading(error=1.0))
        >>> path.direction, path.broken
        (0, ('error',))
    """

    alpha: float
    direction: int
    broken: tuple[str, ...]
    average: Reading | None
    readings: int
    held: Counter[str]
    _arrived: int
    _waited: int
    _left: Reading | None

    def __init__(
        self,
        ml: int,
        transfer: int,
        adversarial: int,
        end: float = REALISM,
        limits: ControlConfig | None = None,
    ) -> None:
        """Begin at α = 0.

        Args:
            ml: Updates of Step I.
            transfer: Least updates of Step II, one or more.
            adversarial: Those that are left when Step II waits for nothing.
            end: α where the path ends, in [0, 1].
            limits: What α is held for.

        Raises:
            ValueError: An argument is out of its range.
        """
        self._ml = at_least(0, "ml", ml)
        self.speed = between_zero_and_one("end", end) / at_least(1, "transfer", transfer)
        self.steps = ml + transfer + at_least(0, "adversarial", adversarial)
        self.end, self.limits = end, limits or ControlConfig()
        self._go_on_from(_State())

    def __len__(self) -> int:
        return self.steps

    @property
    def step_one(self) -> int:
        return self._ml

    def __call__(self, step: int) -> float:  # noqa: ARG002
        """The present α, which is that of the next update."""
        return self.alpha

    def phase(self, step: int) -> Phase:
        if step < self.step_one:
            return "ml"
        return "adversarial" if self._arrived and step >= self._arrived else "transfer"

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Updates done at the end of Step I, of Step II where it has ended, and of the path."""
        return tuple(sorted({self.step_one, self._arrived, self.steps} - {0}))

    @property
    def next_alpha(self) -> float:
        """α after the next reading, if nothing holds it."""
        return min(self.end, self.alpha + self.speed * self.limits.every)

    def due(self, step: int) -> bool:
        """Whether α is to be decided after ``step`` updates."""
        return step % self.limits.every == 0

    def observe(self, step: int, reading: Reading) -> None:
        """Decide α after ``step`` updates, by a reading."""
        self.average = (self.average or reading).towards(reading, 1 - DECAY)
        if step <= self.step_one or self._left is None:
            self._left = self.average  # what the likelihood alone leaves
        self._left = self._left.known_by(self.average)
        if step < self.step_one:
            return
        self.broken = tuple(self._broken(self.average))
        self._waited = self._waited + 1 if self.broken else 0
        self.readings += 1
        self.held.update(self.broken)
        self.direction = 0 if self.broken else 1
        if self._waited >= self.limits.patience:
            self.direction = -1
        if step >= self.steps:  # no update is made with what it would decide
            return
        moved = self.alpha + self.direction * self.speed * self.limits.every
        self.alpha = min(max(moved, 0.0), self.end)
        if self.direction < 0 and self.alpha == 0.0:
            self._left = replace(self.average, error=self._left.error)
        if self.alpha == self.end and not self._arrived:
            self._arrived = step + 1

    def _broken(self, reading: Reading) -> list[str]:
        """The limits that a reading is outside of."""
        return [name for name, value in vars(reading).items() if not self._within(name, value)]

    def _within(self, name: str, value: float) -> bool:
        """Whether a number of a reading is within its limit, as one that is not finite never is."""
        fine = value >= self.limits.ess if name == "ess" else value <= self._most(name)
        return fine and math.isfinite(value)

    def _most(self, name: str) -> float:
        """The largest value of a reading, in view of what the likelihood alone left."""
        assert self._left is not None
        if name == "error":
            most = self.limits.error_limit(self.end)
            return most * self._left.error if most < math.inf else most
        limit, left = float(getattr(self.limits, name)), float(getattr(self._left, name))
        return (1 + left) / 2 if name in SHARES and left > limit else limit

    @property
    def verdict(self) -> str:
        """A line if α is not at the end of the path: what it was held for; else nothing."""
        if self.alpha == self.end:
            return ""
        held = [(name, count) for name, count in self.held.most_common() if count]
        causes = [f"{LIMITS[name]} in {count}" for name, count in held]
        why = f"it was held for {', for '.join(causes)}" if held else "there were too few"
        most = held[0][0] if held else "every"
        remedy = f"{'lower' if most in ('ess', 'every') else 'higher'} --control.{most}"
        return (
            f"α is {self.alpha:.2f}, and {self.end:g} was to be reached: of {self.readings} "
            f"readings, {why}; give a {remedy}, or more --steps"
        )

    def memory(self) -> Mapping[str, Tensor]:
        """What a checkpoint keeps for :meth:`recall`, by name."""
        if self.average is None or self._left is None:
            return {}
        state = _State(
            self.alpha,
            self._arrived,
            self._waited,
            self.direction,
            self.readings,
            tuple(self.held[name] for name in LIMITS),
            self.average,
            self._left,
        )
        return {STATE: state.to_tensor()}

    def recall(self, memory: Mapping[str, Tensor]) -> None:
        """Go on from what :meth:`memory` gave; from the beginning, if ``memory`` has nothing."""
        self._go_on_from(_State.from_tensor(memory[STATE]) if STATE in memory else _State())

    def _go_on_from(self, state: "_State") -> None:
        self.alpha, self.direction, self.readings = state.alpha, state.direction, state.readings
        self.average, self._left = state.average, state.left
        self._arrived, self._waited = state.arrived, state.waited
        self.held, self.broken = Counter(dict(zip(LIMITS, state.held, strict=True))), ()


class _State(NamedTuple):
    """All that decides α from here on.

    Attributes:
        arrived: The update with which Step III began, or 0.
        waited: Readings in a row that broke a limit.
        held: How many broke each limit, in the order of :data:`LIMITS`.
        left: What the likelihood alone left.
    """

    alpha: float = 0.0
    arrived: int = 0
    waited: int = 0
    direction: int = 0
    readings: int = 0
    held: tuple[int, ...] = (0,) * len(LIMITS)
    average: Reading | None = None
    left: Reading | None = None

    def to_tensor(self) -> Tensor:
        """The numbers of a state that has readings, as a checkpoint keeps them."""
        assert self.average is not None and self.left is not None
        own = (self.alpha, self.arrived, self.waited, self.left.error, self.direction)
        counts = (self.readings, *self.held)
        numbers = (*own, *counts, *astuple(self.average), *astuple(self.left))
        return torch.tensor(numbers, dtype=torch.float64).nan_to_num(nan=UNKNOWN)

    @classmethod
    def from_tensor(cls, numbers: Tensor) -> "_State":
        """The state whose numbers they are."""
        numbers = numbers.where(numbers.abs() < UNKNOWN, math.nan)
        alpha, arrived, waited, error, direction, readings, *rest = numbers.tolist()
        size = len(LIMITS)
        held, average, left = (rest[at : at + size] for at in range(0, 3 * size, size))
        return cls(
            alpha,
            int(arrived),
            int(waited),
            int(direction),
            int(readings),
            tuple(map(int, held)),
            Reading(*average),
            # an older checkpoint has only the error of what the likelihood left
            Reading(*left) if left else Reading(error=error),
        )
