r"""Paths through α: which divergence is minimised at which update.

A method is a path: ``constant(0, n)`` is maximum likelihood, ``constant(1, n)`` the
reverse-KL GAN, and Algorithm 1 is ``join(constant(0, a), ramp(0, 1, b), constant(1, c))``.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, takewhile
from typing import Literal

from .checks import at_least, between_zero_and_one
from .settings import PathConfig

__all__ = ["AlphaPath", "AlphaSchedule", "Phase", "Segment", "constant", "join", "ramp"]

Phase = Literal["ml", "transfer", "adversarial"]
"""Step I, II or III of Algorithm 1."""


class AlphaSchedule(ABC):
    """α of every update, and the step of Algorithm 1 that the update belongs to."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of updates."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """α of update ``step``."""

    @abstractmethod
    def phase(self, step: int) -> Phase:
        """Step of Algorithm 1 that update ``step`` belongs to."""

    @property
    @abstractmethod
    def boundaries(self) -> tuple[int, ...]:
        """Number of updates done at the end of each piece of the path, as far as it is known."""

    @property
    @abstractmethod
    def step_one(self) -> int:
        """Number of updates of Step I."""


@dataclass(frozen=True)
class Segment:
    """A piece of a path: ``steps`` updates along which α follows ``alpha``.

    Attributes:
        steps: Number of updates, zero or more.
        alpha: From a share of the piece in (0, 1] to α in [0, 1].
        phase: The step of Algorithm 1 that it is, whatever its α.
    """

    steps: int
    alpha: Callable[[float], float]
    phase: Phase = "transfer"

    def __post_init__(self) -> None:
        at_least(0, "steps", self.steps)


@dataclass(frozen=True)
class AlphaPath(AlphaSchedule):
    """A map from the update to α, made of segments one after the other.

    Attributes:
        segments: The pieces, in order.

    Example:
        >>> path = AlphaPath.three_steps(ml=2, transfer=3, adversarial=1)
        >>> [path(step) for step in range(len(path))]
        [0.0, 0.0, 0.25, 0.5, 0.75, 1.0]
    """

    segments: tuple[Segment, ...]

    @classmethod
    def three_steps(
        cls,
        ml: int,
        transfer: int,
        adversarial: int,
        start: float = PathConfig.start,
        end: float = PathConfig.end,
        sweeps: int = PathConfig.sweeps,
    ) -> "AlphaPath":
        """Algorithm 1: hold α at ``start``, move it to ``end``, hold it there.

        The three pieces are Steps I, II and III, and are named so, wherever α starts and ends. With
        ``start`` 1 and ``end`` 0 it is the bridge in the other direction, which the paper's
        Appendix H leaves open; with more sweeps it goes to and fro.

        Args:
            ml: Updates of Step I.
            transfer: Updates of Step II.
            adversarial: Updates of Step III.
            start: α of Step I, in [0, 1]; the paper's is 0.
            end: α at the far end of Step II, in [0, 1]; the paper's is 1.
            sweeps: How often Step II goes the whole way, one or more; α stays where the last one
                ends: after an even number of them at ``start``.

        Example:
            >>> path = AlphaPath.three_steps(ml=1, transfer=3, adversarial=1, sweeps=2)
            >>> [path(step) for step in range(len(path))]
            [0.0, 0.5, 1.0, 0.5, 0.0]
        """
        last = end if sweeps % 2 else start
        return join(
            constant(start, ml, "ml"),
            ramp(start, end, transfer, sweeps, "transfer"),
            constant(last, adversarial, "adversarial"),
        )

    @cached_property
    def boundaries(self) -> tuple[int, ...]:
        """Number of updates done at the end of each segment that has any."""
        return tuple(accumulate(piece.steps for piece in self._pieces))

    @cached_property
    def step_one(self) -> int:
        """Number of updates of Step I: the pieces named ``ml`` that the path begins with.

        Example:
            >>> AlphaPath.three_steps(ml=2, transfer=3, adversarial=2, sweeps=2).step_one
            2
        """
        return sum(piece.steps for piece in takewhile(lambda p: p.phase == "ml", self._pieces))

    @cached_property
    def _pieces(self) -> tuple[Segment, ...]:
        return tuple(piece for piece in self.segments if piece.steps)

    def __len__(self) -> int:
        return sum(piece.steps for piece in self.segments)

    def __call__(self, step: int) -> float:
        """α of update ``step``.

        Raises:
            ValueError: The path has no such update.
        """
        index, piece = self._at(step)
        begin = self.boundaries[index] - piece.steps
        return piece.alpha((step - begin + 1) / (piece.steps + 1))

    def phase(self, step: int) -> Phase:
        """Step of Algorithm 1 that update ``step`` belongs to: that of its piece.

        Example:
            >>> path = AlphaPath.three_steps(ml=1, transfer=1, adversarial=1, end=0.9)
            >>> [path.phase(step) for step in range(3)]
            ['ml', 'transfer', 'adversarial']
        """
        return self._at(step)[1].phase

    def _at(self, step: int) -> tuple[int, Segment]:
        """The piece that update ``step`` lies in, and its place."""
        if not 0 <= step < len(self):
            raise ValueError(
                f"step must lie in [0, {len(self)}), the length of the path, got {step}"
            )
        index = bisect_right(self.boundaries, step)
        return index, self._pieces[index]


def constant(alpha: float, steps: int, phase: Phase | None = None) -> AlphaPath:
    """Hold α, in [0, 1], for ``steps`` updates: by default Step I at 0, III at 1, else II.

    Raises:
        ValueError: ``alpha`` is outside [0, 1], or ``steps`` is negative.

    Example:
        >>> constant(1.0, 2)(0)
        1.0
        >>> constant(1.0, 2).phase(0), constant(0.9, 2, "adversarial").phase(0)
        ('adversarial', 'adversarial')
    """
    alpha = float(between_zero_and_one("alpha", alpha))
    ends: dict[float, Phase] = {0.0: "ml", 1.0: "adversarial"}
    return AlphaPath((Segment(steps, lambda _: alpha, phase or ends.get(alpha, "transfer")),))


def ramp(
    start: float, end: float, steps: int, sweeps: int = 1, phase: Phase = "transfer"
) -> AlphaPath:
    """Move α evenly over ``steps`` updates from ``start`` to ``end``, and perhaps back again.

    The first and the last point are left out because Step II runs from 0+ to 1−. It goes the whole
    way ``sweeps`` times, every second time back.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> path = ramp(0.0, 1.0, 4)
        >>> [path(step) for step in range(4)]
        [0.2, 0.4, 0.6, 0.8]
    """
    between_zero_and_one("start", start)
    between_zero_and_one("end", end)
    at_least(1, "sweeps", sweeps)

    def alpha(share: float) -> float:
        way = share * sweeps % 2
        return start + (end - start) * (way if way <= 1 else 2 - way)

    return AlphaPath((Segment(steps, alpha, phase),))


def join(*paths: AlphaPath) -> AlphaPath:
    """Follow one path after the other.

    Example:
        >>> len(join(constant(0.0, 2), constant(1.0, 3)))
        5
    """
    return AlphaPath(tuple(piece for path in paths for piece in path.segments))
