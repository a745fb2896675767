"""The settings of α along a run, of γ, and of what an adaptive path waits for."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from .intervals import DECAY, POSITIVE, UNIT, Count, Interval, Settings


@dataclass(frozen=True)
class PathConfig(Settings):
    """Algorithm 1: shares of the updates for its three steps, and α of the first and the last."""

    place = "path"

    kind: Literal["ramp", "adaptive"] = "ramp"
    """The paper's ramp, or an α that moves on only as far as the model follows."""
    ml: float = 0.2
    """Share of Step I, where α stays at the start."""
    transfer: float = 0.5
    """Share of Step II, where α moves from the start to the end; the least if it is adaptive."""
    adversarial: float = 0.3
    """Share of Step III, where α stays at the end."""
    start: Annotated[float, UNIT] = 0.0
    """α of Step I, in [0, 1]; the paper's is 0."""
    end: Annotated[float, UNIT] = 1.0
    """α at the end of Step II, in [0, 1]; the paper's is 1."""
    sweeps: Count = 1
    """How often Step II runs between start and end; every second time it runs back."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = (self.ml, self.transfer, self.adversarial)
        if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-9):
            raise ValueError(
                "path: the shares ml, transfer and adversarial must be zero or more and add up to "
                f"1, got {' + '.join(map(str, shares))} = {sum(shares):.6g}: give all three"
            )

    def lengths(self, steps: int) -> tuple[int, int, int]:
        """Updates of the three steps, ``steps`` in all."""
        first, second = round(self.ml * steps), round((self.ml + self.transfer) * steps)
        return first, second - first, steps - second


@dataclass(frozen=True)
class GammaConfig(Settings):
    """The choice of γ(α), equation (12) and footnote 1."""

    place = "gamma"

    kind: Literal["sigmoid", "linear", "power", "cosine", "optimal", "realism"] = "sigmoid"
    """The paper's is sigmoid; optimal has the least variance, estimated during training; realism is
    the sigmoid that --realism and σ decide."""
    c: Annotated[float, Interval(0.001, 200, "[]")] = 10.0
    """Steepness of the sigmoid."""
    d: Annotated[float, Interval(-200, 200, "[]")] = -5.0
    """Offset of the sigmoid."""
    exponent: Annotated[float, POSITIVE] = 2.0
    """Exponent of the power."""
    every: Count = 10
    """Updates between measurements for the optimal γ."""
    decay: Annotated[float, DECAY] = 0.9
    """Decay of the average of those measurements, in [0, 1)."""
    end: Annotated[float | None, UNIT] = None
    """α at which realism leaves the likelihood the weight of the dial; None: the end of the path. A
    roll-back that lowers path.end keeps it, and so γ."""


@dataclass(frozen=True)
class ControlConfig(Settings):
    """What an adaptive path measures, and what it holds α for."""

    place = "control"

    every: Count = 20
    """Updates between measurements, each on a batch of held-out data; fewer than those of Step
    II."""
    patience: Count = 10
    """Measurements in a row that break a limit before α goes back."""
    ess: Annotated[float, Interval(0, 1, "[)")] = 0.1
    """Least effective sample size of the weights at the next α, in [0, 1)."""
    accuracy: Annotated[float, Interval(0.5, 1, "(]")] = 0.99
    """Largest accuracy of the discriminator, in (0.5, 1]."""
    overconfidence: Annotated[float, POSITIVE] = 0.5
    """Largest excess of the discriminator's loss over the entropy of its own probabilities, in
    nats; 0 if it is calibrated."""
    missed: Annotated[float, Interval(0, 1, "(]")] = 0.5
    """Largest share of the data whose log ratio exceeds log 20: as the discriminator has it, the
    model makes them twenty times too seldom."""
    error: Annotated[float | None, Interval(1)] = None
    """Largest root mean squared error of reconstructions, as a multiple of that of Step I; None:
    5 dB of PSNR for each nine of path.end."""

    def error_limit(self, realism: float) -> float:
        """The largest error, as a multiple of that of Step I, at a realism in [0, 1].

        Example:
            >>> round(ControlConfig().error_limit(0.9), 3), ControlConfig().error_limit(0.0)
            (1.778, 1.0)
        """
        if self.error is not None:
            return self.error
        return (1 - realism) ** -0.25 if realism < 1 else math.inf
