"""Hyperparameters of the experiments: how they are set, where each comes from, what was tuned."""

import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from alpha_bridge.recipe import Config, changed, known_keys
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.settings import PathConfig

__all__ = [
    "BETAS",
    "COLORS",
    "COMPARED",
    "TUNED",
    "beginning",
    "gaussians25",
    "hyperparameters",
    "miniature",
    "tuned",
]

COMPARED = ("alpha-bridge", "rkl-gp", "rkl-sn")
"""The methods of Figures 3 and 4."""

COLORS = {"alpha-bridge": "#2f6bd8", "rkl-gp": "#cf6a17", "rkl-sn": "#2a8f5a"}

BETAS = (0.1, 0.5)
"""Adam's β₁ in Figure 4, panels a, b and c, d."""

TUNED = Path(__file__).parents[1] / "tuned25.json"
"""The best setting of each method at each β₁, as ``search25`` found it."""

PAPERS: dict[str, tuple[Any, ...]] = {
    "data": ("gaussians25",),
    "method": COMPARED,
    "trials": (10,),
    "steps": (10_000,),
    "path.start": (0.0,),
    "path.end": (1.0,),
    "gamma.kind": ("sigmoid",),
    "optimization.beta1": BETAS,
}
"""What the paper's main text gives; all other values are ours."""

ASIDE = frozenset(
    {"precision", "compile", "record_every", "checkpoint_every", "event_shape", "seed"}
    | {"mixture.modes", "mixture.radius", "mixture.arms", "mixture.pieces", "mixture.turns"}
    | {"snapshots", "model.kind", "gamma.exponent", "gamma.every", "gamma.decay", "model.width"}
    | {"objective.weight", "prior", "prior_shape", "init", "latent_scale", "architecture"}
    | {"evaluation.every", "evaluation.features", "evaluation.shown"}
)
"""Keys that nothing depends on in these experiments, but for the seed, which is recorded apart."""


def gaussians25(seed: int, trials: int, quick: bool) -> Config:
    """The preset of the 25 Gaussians with stacked trials; if ``quick``, its miniature."""
    config = changed(PRESETS["gaussians25"], {"seed": seed, "trials": trials})
    return miniature(config) if quick else config


def miniature(config: Config) -> Config:
    """The same in small.

    A tenth of the updates, with the same shares for Steps I to III, and a fifth of the samples in
    each evaluation.
    """
    samples = config.evaluation.samples // 5
    return changed(config, {"steps": config.steps // 10, "evaluation.samples": samples})


def beginning(config: Config, steps: int) -> Config:
    """The first updates of a configuration's training, and no more.

    Args:
        config: The configuration.
        steps: Updates, at least those of Steps I and II.

    Example:
        >>> beginning(Config(), 8000).path.lengths(8000)
        (2000, 5000, 1000)
    """
    ml, transfer, _ = config.path.lengths(config.steps)
    assert steps >= ml + transfer, "α would be another"
    path = PathConfig(
        ml=ml / steps,
        transfer=transfer / steps,
        adversarial=(steps - ml - transfer) / steps,
        start=config.path.start,
        end=config.path.end,
    )
    return config.model_copy(update={"steps": steps, "path": path})


def tuned(method: str, beta1: float, config: Config) -> Config:
    """``config`` for a method, with the setting that the search found best for it.

    Args:
        method: One of :data:`COMPARED`.
        beta1: One of :data:`BETAS`.
        config: Of the α-Bridge.
    """
    best = json.loads(TUNED.read_text(encoding="utf-8"))["best"][method][str(beta1)]
    own = METHODS[method].apply(config)
    return changed(own, {"optimization.beta1": beta1, **best})


def hyperparameters(configs: Sequence[tuple[str, Config]]) -> list[dict[str, Any]]:
    """Every key that matters, whose its values are, and where they differ.

    Args:
        configs: Each under the name of a column, which several may share.

    Returns:
        For each key ``key``; ``whose``, ``paper`` if its main text gives all the values, else
        ``ours``; and ``values``, those that occur, by column, or in one list where the columns
        agree.

    Example:
        >>> hyperparameters([("a", Config()), ("b", Config())])[0]
        {'key': 'data', 'whose': 'paper', 'values': ['gaussians25']}
    """
    idle = {part for _, config in configs for part in config.idle}
    keys = [key for key in known_keys() if key not in ASIDE and key.split(".")[0] not in idle]
    dumped = [(column, config.model_dump(mode="json")) for column, config in configs]
    rows = []
    for key in keys:
        found: dict[str, list[Any]] = {}
        for column, content in dumped:
            value = reduce(dict.__getitem__, key.split("."), content)
            values = found.setdefault(column, [])
            if value not in values:
                values.append(value)
        occurring = [value for values in found.values() for value in values]
        first, *others = found.values()
        whose = "paper" if all(v in PAPERS.get(key, ()) for v in occurring) else "ours"
        agreed = all(other == first for other in others)
        rows.append({"key": key, "whose": whose, "values": first if agreed else found})
    return rows
