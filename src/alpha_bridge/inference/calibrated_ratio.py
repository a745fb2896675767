r"""The log ratio of a model, calibrated on data that it was not trained on, with an interval.

The discriminator is trained against a generator that moves, and what is sampled is a moving
average of that. So its logit is mapped by what held-out data and as many samples of the averaged
model say (:mod:`~alpha_bridge.inference.calibration`). A half of both fits the map, and the other
half tests it. The interval is that of maps fitted to the first half drawn anew with replacement: it
needs nothing but the model and data, where an ensemble of discriminators would have to be trained,
and a checkpoint keeps one. It says how well the map is known. It does not know where the
discriminator itself is wrong, least of all where neither side ever had a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..checks import at_least
from ..data import Units, normal
from ..metrics.evaluation import decoded, in_chunks
from ..model import AlphaBridge
from .calibration import (
    Isotonic,
    Reliability,
    Temperature,
    calibration_error,
    log_score,
    reliability,
    replicas,
)
from .importance import require_finite

__all__ = ["CalibratedRatio", "LogRatio", "MapName", "Scores", "calibrated", "generated", "logits"]

Array = NDArray[np.float64]
MapName = Literal["temperature", "isotonic"]

MAPS: Mapping[MapName, Callable[[Array, Array], Temperature | Isotonic]] = {
    "temperature": Temperature.fitted,
    "isotonic": Isotonic.fitted,
}
"""Maps from a logit to a log ratio, by name."""

REPLICAS = 100
LEVEL = 0.9
"""Of the interval: the share of the maps that lie in it."""
FEWEST_HELD_OUT = 40
CALIBRATING = 2**32
"""The turn of the draws of a calibration; samples are drawn in smaller ones."""


class LogRatio(NamedTuple):
    """Log ratios of samples in nats, each of shape ``(N,)``.

    Attributes:
        raw: The discriminator's logits.
        value: f, calibrated.
        low: The lower end of its 90 % interval.
        high: The upper end.
        beyond: Whether the logit lies outside those that the map was fitted to.
    """

    raw: Array
    value: Array
    low: Array
    high: Array
    beyond: NDArray[np.bool_]


class Scores(NamedTuple):
    """How well log ratios agree with samples that no map was fitted to.

    Attributes:
        log_score: In nats; log 2 is a guess.
        calibration_error: Expected distance of the shares of the reliability curve.
        reliability: That curve.
    """

    log_score: float
    calibration_error: float
    reliability: Reliability

    @classmethod
    def of(cls, f_data: Array, f_model: Array) -> Scores:
        """Those of log ratios of samples of both sides."""
        curve = reliability(f_data, f_model)
        return cls(log_score(f_data, f_model), calibration_error(curve), curve)


@dataclass(frozen=True)
class CalibratedRatio:
    """A map from logits to log ratios, and how well it did.

    Attributes:
        map: Fitted to one half.
        replicas: The same, fitted to that half drawn anew.
        ends: The least and the largest logit of that half.
        fitted: Samples of each side in it.
        before: Scores of the logits on the other half.
        after: Scores of the log ratios there.
    """

    map: Temperature | Isotonic
    replicas: list[Callable[[Array], Array]]
    ends: tuple[float, float]
    fitted: int
    before: Scores
    after: Scores

    @classmethod
    def of(
        cls, f_data: Array, f_model: Array, kind: MapName = "temperature", seed: int = 0
    ) -> CalibratedRatio:
        """Fit and test a map.

        Args:
            f_data: Logits of data that the model was not trained on, shape ``(N,)``.
            f_model: Logits of as many samples of the model.
            kind: A temperature, or a monotone map.
            seed: Of the halves and the bootstrap.

        Raises:
            ValueError: There are too few, not as many of both, or one is not finite.
        """
        f_data, f_model = require_finite(f_data), require_finite(f_model)
        if len(f_data) != len(f_model):
            raise ValueError(
                "a calibration takes as many samples of the model as of the data, got "
                f"{len(f_model)} and {len(f_data)}: leave some out"
            )
        at_least(FEWEST_HELD_OUT, "the number of held-out samples", len(f_data))
        order, half = np.random.default_rng(seed).permutation(len(f_data)), len(f_data) // 2
        fit_on, test_on = ((f_data[at], f_model[at]) for at in (order[:half], order[half:]))
        found = MAPS[kind](*fit_on)
        return cls(
            found,
            replicas(MAPS[kind], *fit_on, REPLICAS, seed),
            (float(np.min(fit_on)), float(np.max(fit_on))),
            half,
            Scores.of(*test_on),
            Scores.of(*map(found, test_on)),
        )

    def __call__(self, f: Array) -> LogRatio:
        """Log ratios for logits ``(N,)``; ``ValueError`` where one is not finite."""
        f = require_finite(f)
        spread = np.stack([replica(f) for replica in self.replicas])
        low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return LogRatio(f, self.map(f), low, high, (f < self.ends[0]) | (f > self.ends[1]))


def calibrated(
    model: AlphaBridge,
    held_out: Tensor,
    units: Units | None = None,
    kind: MapName = "temperature",
    seed: int = 0,
) -> CalibratedRatio:
    """Calibrate the log ratio of a model.

    Args:
        model: In evaluation mode, a single one, with the arms that its samples come from.
        held_out: Data that it was not trained on, in storage units, ``(N, *event)`` with N at least
            40.
        units: Between those and the model's; None where the model sees the data as they are.
        kind: A temperature, or from 1,000 samples in a half on a monotone map.
        seed: Of the model's samples, the halves and the bootstrap.

    Raises:
        ValueError: There are too few samples, or a logit is not finite.

    Example:
        >>> import torch
        >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
        >>> model = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)).eval()
        >>> ratio = calibrated(model, torch.randn(200, 3))
        >>> found = ratio(logits(model, torch.randn(5, 3)))
        >>> found.value.shape, bool((found.low <= found.high).all())
        ((5,), True)
    """
    units = units or Units()
    fakes = generated(model, units, len(held_out), seed, CALIBRATING)
    f_data, f_model = (logits(model, x) for x in (units.normalize(held_out), fakes))
    return CalibratedRatio.of(f_data, f_model, kind, seed)


def logits(model: AlphaBridge, x: Tensor) -> Array:
    """The discriminator's logits of samples in model units, ``(N,)``, some at a time."""
    found = in_chunks(lambda part: model.log_ratio(part.to(model.sigma)).cpu(), x)
    return found.double().numpy()


def generated(model: AlphaBridge, units: Units, count: int, seed: int, turn: int) -> Tensor:
    """Samples of a model as they are kept, in the data's own units and back, in model units."""
    z = normal(seed, turn, 0, (count, *(model.latent_shape or ())))
    return units.normalize(units.denormalize(decoded(model, z, seed, turn)))
