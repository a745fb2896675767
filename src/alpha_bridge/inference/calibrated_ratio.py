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
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..checks import at_least
from ..data import Units
from ..data.rng import latents
from ..metrics.evaluation import decoded, in_chunks
from ..model import AlphaBridge
from ..observation import WHOLE
from .calibration import (
    FEWEST,
    Isotonic,
    LastLayer,
    Reliability,
    Temperature,
    calibration_error,
    log_score,
    reliability,
    replicas,
)
from .importance import require_finite

__all__ = [
    "CalibratedRatio",
    "LogRatio",
    "MapName",
    "Scores",
    "calibrated",
    "evidence",
    "generated",
]

Array = NDArray[np.float64]
MapName = Literal["temperature", "isotonic", "last-layer"]

MAPS: Mapping[MapName, Callable[[Array, Array], Temperature | Isotonic | LastLayer]] = {
    "temperature": Temperature.fitted,
    "isotonic": Isotonic.fitted,
    "last-layer": LastLayer.fitted,
}
"""Maps to a log ratio, by name: from the logit, or from that and what the last layer sees."""

REPLICAS = 50
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
        kind: Its name.
        map: Fitted to one half.
        replicas: The same, fitted to that half drawn anew.
        ends: The least and the largest logit of that half.
        fitted: Samples of each side in it.
        before: Scores of the logits on the other half.
        after: Scores of the log ratios there.
    """

    kind: MapName
    map: Temperature | Isotonic | LastLayer
    replicas: list[Callable[[Array], Array]]
    ends: tuple[float, float]
    fitted: int
    before: Scores
    after: Scores

    @classmethod
    def of(
        cls, data: Array, model: Array, kind: MapName = "temperature", seed: int = 0
    ) -> CalibratedRatio:
        """Fit and test a map.

        Args:
            data: Logits of data that the model was not trained on, ``(N,)``; for a last layer
                :func:`evidence`, ``(N, K)``.
            model: Those of as many samples of the model.
            kind: One of :data:`MapName`.
            seed: Of the halves and the bootstrap.

        Raises:
            ValueError: There are too few, not as many of both, or one is not finite.
        """
        data, model = require_finite(data), require_finite(model)
        if len(data) != len(model):
            raise ValueError(
                "a calibration takes as many samples of the model as of the data, got "
                f"{len(model)} and {len(data)}: leave some out"
            )
        at_least(FEWEST_HELD_OUT, "the number of held-out samples", len(data))
        order, half = np.random.default_rng(seed).permutation(len(data)), len(data) // 2
        fit_on, test_on = ((data[at], model[at]) for at in (order[:half], order[half:]))
        found = MAPS[kind](*fit_on)
        raw = [*map(_logit, fit_on)]
        return cls(
            kind,
            found,
            replicas(MAPS[kind], *fit_on, REPLICAS, seed),
            (float(np.min(raw)), float(np.max(raw))),
            half,
            Scores.of(*map(_logit, test_on)),
            Scores.of(*map(found, test_on)),
        )

    def __call__(self, x: Array) -> LogRatio:
        """Log ratios for what :func:`evidence` gives; ``ValueError`` where one is not finite."""
        x = require_finite(x)
        f, (least, most) = _logit(x), self.ends
        spread = np.stack([replica(x) for replica in self.replicas])
        low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return LogRatio(f, self.map(x), low, high, (f < least) | (f > most))


def calibrated(
    model: AlphaBridge,
    held_out: Tensor,
    units: Units | None = None,
    kind: MapName | None = None,
    seed: int = 0,
) -> CalibratedRatio:
    """Calibrate the log ratio of a model.

    Args:
        model: In evaluation mode, a single one, with the arms that its samples come from.
        held_out: Data that it was not trained on, in storage units, ``(N, *event)`` with N at least
            40.
        units: Between those and the model's; None where the model sees the data as they are.
        kind: A map; None for a last layer where a half has 1,000 samples, and otherwise, or where
            the discriminator sees patches, for a temperature.
        seed: Of the model's samples, the halves and the bootstrap.

    Raises:
        ValueError: There are too few samples, or a logit is not finite.

    Example:
        >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
        >>> model = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)).eval()
        >>> ratio = calibrated(model, torch.randn(200, 3))
        >>> found = ratio(evidence(model, torch.randn(5, 3), ratio.kind))
        >>> found.value.shape, bool((found.low <= found.high).all())
        ((5,), True)
    """
    units = units or Units()
    fakes = generated(model, units, len(held_out), seed, CALIBRATING)
    if kind is None:
        many = len(held_out) // 2 >= FEWEST and model.scope is WHOLE
        kind = "last-layer" if many else "temperature"
    data, made = (evidence(model, x, kind) for x in (units.normalize(held_out), fakes))
    return CalibratedRatio.of(data, made, kind, seed)


def evidence(model: AlphaBridge, x: Tensor, kind: MapName = "temperature") -> Array:
    """What a map of that kind takes, of samples in model units, some at a time.

    Returns:
        The discriminator's logits, ``(N,)``; for a last layer logits and what that sees,
        ``(N, 1 + K)``.

    Raises:
        ValueError: The discriminator sees patches, and has no last layer for the whole sample.
    """
    if kind == "last-layer" and model.scope is not WHOLE:
        raise ValueError(
            "a discriminator of patches has no last layer for a whole sample: use the temperature"
        )
    look = _with_features if kind == "last-layer" else AlphaBridge.log_ratio
    return in_chunks(lambda part: look(model, part.to(model.sigma)).cpu(), x).double().numpy()


def _with_features(model: AlphaBridge, x: Tensor) -> Tensor:
    """Logits, and what the last of the discriminator's layers that is called is given."""
    seen: list[Tensor] = []
    layers = [m for m in model.discriminator.modules() if hasattr(m, "weight")]
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for layer in layers
    ]
    try:
        f = model.log_ratio(x)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat([f[:, None], seen[-1].reshape(len(x), -1).to(f)], 1)


def _logit(x: Array) -> Array:
    return x if x.ndim == 1 else x[:, 0]


def generated(model: AlphaBridge, units: Units, count: int, seed: int, turn: int) -> Tensor:
    """Samples of a model as they are kept, in the data's own units and back, in model units."""
    z = latents(seed, count, model.latent_shape, turn)
    return units.normalize(units.denormalize(decoded(model, z, seed, turn)))
