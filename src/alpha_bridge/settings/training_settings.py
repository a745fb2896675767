"""The settings of updates, of evaluations, and of what counts as an incident."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from .intervals import DECAY, POSITIVE, UNIT, Count, Interval, Settings

SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
}
"""What multiplies a learning rate, of the share of the updates after the warm-up that are done."""


@dataclass(frozen=True)
class Optimization(Settings):
    """Adam for the three networks, its learning rates, and the average that is evaluated.

    Raises:
        ValueError: A value is out of its range.

    Source:
        Kingma and Ba, Adam, ICLR 2015; Loshchilov and Hutter, SGDR, ICLR 2017, for the cosine.
    """

    place = "optimization"

    generator: Annotated[float, POSITIVE] = 1e-3
    """Learning rate of the generator."""
    encoder: Annotated[float, POSITIVE] = 1e-3
    """Learning rate of the encoder."""
    discriminator: Annotated[float, POSITIVE] = 1e-3
    """Learning rate of the discriminator."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Course of the learning rates after the warm-up: constant, or down to zero along a cosine."""
    warmup: Annotated[int, Interval(0)] = 0
    """Updates in which the learning rates rise linearly to their full values."""
    beta1: Annotated[float, DECAY] = 0.5
    """Decay of the first moment."""
    # .99, not Adam's .999: the likelihood's gradient is larger than the adversarial one by its
    # weight κ/σ², and .99 forgets that scale within a few hundred updates of Step III
    beta2: Annotated[float, DECAY] = 0.99
    """Decay of the second moment."""
    hold: Annotated[float, Interval(0, 1, "(]")] = 1.0
    """Factor h of the encoder's learning rate at α = 1, in (0, 1]; at α it is h to the power α."""
    average: Annotated[float, DECAY] = 0.995
    """Decay of the generator's moving average; 0 for none."""
    average_grows: bool = False
    """Let that average hold no more than about the last tenth of the updates so far."""
    discriminator_steps: Count = 1
    """Updates of the discriminator in each update of the others."""

    def rate(self, network: str, alpha: float, step: int = 0, steps: int = 0) -> float:
        r"""Learning rate of a network.

        Update t = 0, 1, … of T at α has the learning rate

        .. math:: \eta \, \min\!\left(1, \frac{t+1}{w}\right) s\!\left(\frac{t-w}{T-w}\right)

        with w updates of warm-up (in which s = 1), s = 1 for the constant schedule and
        :math:`s(u) = (1 + \cos \pi u) / 2` for the cosine; φ's is multiplied by :math:`h^\alpha`.

        Args:
            network: ``generator``, ``encoder`` or ``discriminator``.
            alpha: α in [0, 1].
            step: Updates done.
            steps: Updates of the whole path; 0 where there is no schedule to follow.

        Example:
            >>> Optimization(encoder=1e-3, hold=0.01).rate("encoder", 0.5)
            0.0001
            >>> cosine = Optimization(warmup=10, schedule="cosine")
            >>> [round(cosine.rate("generator", 0.0, step, 110), 6) for step in (0, 9, 60)]
            [0.0001, 0.001, 0.0005]
        """
        rate: float = getattr(self, network)
        return rate * self._course(step, steps) * (self.hold**alpha if network == "encoder" else 1)

    def _course(self, step: int, steps: int) -> float:
        if step < self.warmup and steps:
            return (step + 1) / self.warmup
        rest = steps - self.warmup
        return SCHEDULES[self.schedule]((step - self.warmup) / rest) if rest > 0 else 1.0


@dataclass(frozen=True)
class EvaluationConfig(Settings):
    """When and how the averaged generator is measured."""

    place = "evaluation"

    every: Count = 1000
    """Updates between evaluations; the ends of Steps I to III are always evaluated."""
    samples: Annotated[int, Interval(2)] = 5000
    """Number of samples that metrics are computed from, at least 2."""
    features: Literal["classifier", "rotations", "inception", "pixels"] = "classifier"
    """Features of images: of a classifier of the labels, of a classifier of quarter turns (which
    needs no labels), of Inception, or averaged pixels."""
    bandwidth: Annotated[float, POSITIVE] = 0.1
    """Bandwidth of the kernel density estimate, in the units of the mixture."""
    target: str | None = None
    """For a table: the column that is predicted from the others, learned on generated rows and
    tested on real ones; None for the last category of few values, or the last number."""
    shown: Count = 64
    """Number of latents whose samples are recorded through training."""


@dataclass(frozen=True)
class WatchConfig(Settings):
    """The flight recorder: what counts as an incident of training, and what is done about it."""

    place = "watch"

    answer: Literal["say", "stop", "roll-back"] = "say"
    """Say it and go on, stop, or go back to the last good checkpoint and change something."""
    diverged: Literal["end", "roll-back"] = "end"
    """What is done where networks are not finite, if the answer is not to roll back anyway: end the
    run, or roll back, as a run with a dial does."""
    change: Literal["rates", "alpha"] = "rates"
    """What a roll-back changes: the learning rates, which are halved, or the end of the path, which
    is lowered to α where it began (with α there already, or with sweeps, the rates)."""
    rollbacks: Annotated[int, Interval(0)] = 3
    """Roll-backs of a run at most; then it stops, or ends if its networks are not finite."""
    bundles: Annotated[int, Interval(0)] = 3
    """Incidents of a run at most that are kept for alpha-bridge replay."""
    every: Count = 100
    """Updates between measurements on held-out data."""
    patience: Count = 500
    """Updates in a row for which what follows must hold; numbers that are not finite count at
    once."""
    ess: Annotated[float, UNIT] = 0.02
    """Effective sample size, as a share of the batch, under which few samples decide; of the
    weights of the half that has the larger share of the gradient."""
    accuracy: Annotated[float, UNIT] = 0.98
    """Accuracy on held-out data and fresh fakes from which the discriminator has won, once γ is at
    least 1/2."""
    logit: Annotated[float, POSITIVE] = 10.0
    """Mean size of the logits there, in nats, from which it has won as well."""
    spread: Annotated[float, Interval(0)] = 0.25
    """Distance of a typical sample to the nearest other one, or to any other, over that of held-out
    data, under which the generator has collapsed."""
