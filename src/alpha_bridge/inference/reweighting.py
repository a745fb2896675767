"""Samples of a model with weights, or chosen by them, so that they follow the data more closely.

All take a calibrated ratio (:mod:`~alpha_bridge.inference.calibrated_ratio`), and a seed that gives
the same draws again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import Units
from ..data.rng import Purpose, stream
from ..errors import Stopped
from ..model import AlphaBridge
from .calibrated_ratio import CalibratedRatio, evidence, generated
from .importance import SmoothedWeights, resampled, smoothed_weights
from .rejection import acceptance, log_constant

__all__ = ["Reweighted", "chosen", "kept", "weighted"]

PILOT = (1000, 5000)
"""Draws of a round, and of the first one, by which the constant of rejection is found."""
MOST = 20
"""How many times as many draws as the budget are made at most."""


class Reweighted(NamedTuple):
    """Samples and where they come from.

    Attributes:
        x: In model units, ``(n, *event)``.
        weights: Of samples that are to be weighted; None where they are chosen already.
        drawn: Samples that the model was asked for.
        summary: How it went, in a line.
    """

    x: Tensor
    weights: SmoothedWeights | None
    drawn: int
    summary: str


def weighted(
    model: AlphaBridge, units: Units, ratio: CalibratedRatio, count: int, seed: int = 0
) -> Reweighted:
    """Samples with self-normalised weights, q/p up to a factor.

    Args:
        model: In evaluation mode.
        units: Of its data.
        ratio: Calibrated on data that it was not trained on.
        count: Number of samples, 25 or more.
        seed: Of the draws.

    Raises:
        ValueError: There are too few, a log ratio is not finite, or k̂ is above .7.
    """
    x, f = _drawn(model, units, ratio, count, seed, 0)
    found = smoothed_weights(f).require_reliable()
    summary = f"weights with {_tail(found)}"
    return Reweighted(x, found, count, summary)


def kept(
    model: AlphaBridge,
    units: Units,
    ratio: CalibratedRatio,
    count: int,
    budget: float,
    seed: int = 0,
) -> Reweighted:
    """Samples that rejection keeps, one of ``budget`` draws on average.

    Arguments as of :func:`weighted`. The constant is found by the draws of the first round.

    Raises:
        ValueError: A log ratio is not finite, or the budget is below 1 or more than a round has.
        Stopped: Far more draws were made than the budget, so rare are those that could be kept.
    """
    size = int(np.clip(np.ceil(count * budget), *PILOT))
    parts: list[Tensor] = []
    found = turn = 0
    log_c = 0.0
    while found < count:
        if turn * size > MOST * (count * budget + size):
            raise Stopped(
                f"{found} of {count} samples after {turn * size:,} draws: give a smaller --reject"
            )
        x, f = _drawn(model, units, ratio, size, seed, turn)
        log_c = log_c if turn else log_constant(f, budget)
        chances = stream(seed, turn, Purpose.CHOICES).random(size)
        parts.append(x[torch.from_numpy(chances < acceptance(f, log_c))])
        found, turn = found + len(parts[-1]), turn + 1
    drawn = turn * size
    summary = f"kept one of {drawn / found:.3g} draws, of {drawn:,}; the budget is {budget:g}"
    return Reweighted(torch.cat(parts)[:count], None, drawn, summary)


def chosen(
    model: AlphaBridge,
    units: Units,
    ratio: CalibratedRatio,
    count: int,
    budget: float,
    seed: int = 0,
) -> Reweighted:
    """Samples chosen by their weights, with replacement, from ``budget`` times as many draws.

    Arguments and errors as of :func:`weighted`; that is sampling–importance–resampling.
    """
    drawn = int(np.ceil(count * budget))
    x, f = _drawn(model, units, ratio, drawn, seed, 0)
    found = smoothed_weights(f).require_reliable()
    places = resampled(found.weights, count, stream(seed, 0, Purpose.CHOICES))
    summary = f"{len(set(places.tolist()))} different ones of {drawn:,} draws, {_tail(found)}"
    return Reweighted(x[torch.from_numpy(places)], None, drawn, summary)


def _drawn(
    model: AlphaBridge, units: Units, ratio: CalibratedRatio, count: int, seed: int, turn: int
) -> tuple[Tensor, NDArray[np.float64]]:
    """Samples of one turn and their log ratios."""
    x = generated(model, units, count, seed, turn)
    return x, ratio.map(evidence(model, x, ratio.kind))


def _tail(found: SmoothedWeights) -> str:
    shape = "no tail" if np.isinf(found.shape) else f"k̂ = {found.shape:.2f}"
    return f"{found.effective:.1%} of them effective, {shape}"
