"""Ways to translate between two domains without pairs: what the experiments on it compare."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.nn import Module

from alpha_bridge.adversarial import AdversarialLoss, Bridge, FixedSum
from alpha_bridge.data import Source
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import Marginals, Surrogate
from alpha_bridge.objective import MarginalBridge
from alpha_bridge.path import AlphaPath, constant
from alpha_bridge.penalty import R1
from alpha_bridge.training import Optimization, fit

__all__ = ["WAYS", "Way", "translator"]

SETTINGS: dict[str, Any] = {
    "begin": 0.1,
    "transfer": 0.4,
    "end": 0.8,
    "optimization": {"generator": 1e-3, "encoder": 1e-3, "discriminator": 1e-3, "average": 0.995},
}
"""Shares of the bridge's first two steps, α of the third, and Adam's settings for all ways."""


@dataclass(frozen=True)
class Way:
    """How to translate.

    Attributes:
        adversarial: The losses of generators and discriminators.
        path: From the number of updates to α of each.
        full_cycle: Whether a cycle's error trains both of its halves.
    """

    adversarial: AdversarialLoss
    path: Callable[[int], AlphaPath]
    full_cycle: bool = False


def _bridge(updates: int) -> AlphaPath:
    """Some cycle error to the end: at α = 1 nothing would hold both translations together."""
    first, second = (round(SETTINGS[share] * updates) for share in ("begin", "transfer"))
    return AlphaPath.three_steps(first, second, updates - first - second, end=SETTINGS["end"])


WAYS: dict[str, Way] = {
    "alpha-bridge": Way(Bridge(), _bridge),
    "alpha-bridge, full cycle": Way(Bridge(), _bridge, full_cycle=True),
    "cyclegan": Way(FixedSum(), lambda updates: constant(0.5, updates), full_cycle=True),
    "adversarial": Way(Bridge(), lambda updates: constant(1.0, updates)),
}
"""The bridge between marginals, a CycleGAN-style baseline (both halves at fixed weights), and both
adversarial halves alone."""


def translator(
    way: Way,
    arms: tuple[Module, Module],
    discriminators: tuple[Module, Module],
    domains: tuple[Source, Source],
    updates: int,
    batch_size: int,
    seed: int,
    noise: float,
    penalty: R1,
) -> AlphaBridge:
    """Train a way to translate.

    Args:
        way: Which.
        arms: From the second domain to the first, and back.
        discriminators: Of the first domain and of the second.
        domains: The first, whose samples are x, and the second, whose samples are z.
        updates: Number of updates.
        batch_size: Samples of an update.
        seed: Of batches.
        noise: σ of both surrogates.
        penalty: Of both discriminators.

    Returns:
        The averaged model, in evaluation mode: it decodes z and encodes x.
    """
    there, back = arms
    model = AlphaBridge(there, Surrogate(back, noise), Marginals(*discriminators), noise)
    first, second = domains
    state = fit(
        model,
        first,
        way.path(updates),
        objective=MarginalBridge(way.adversarial, implicit=True, full_cycle=way.full_cycle),
        prior=second,
        regularizer=penalty,
        optimization=Optimization(**SETTINGS["optimization"]),
        batch_size=batch_size,
        seed=seed,
    )
    return state.averaged().eval()
