"""Settings that nothing reads, as what is trained has no use for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from . import Config
from .methods import METHODS

GAMMAS_OF = {
    "gamma.c": ("sigmoid", "optimal"),
    "gamma.d": ("sigmoid", "optimal"),
    "gamma.exponent": ("power",),
    "gamma.every": ("optimal",),
    "gamma.decay": ("optimal",),
    "gamma.end": ("realism",),
}
"""The kinds of γ for which a setting has a meaning."""

IDLE_IN: Mapping[str, Collection[str]] = {
    "data": ("adaptive", "full_cycle"),
    "reconstruction": ("adaptive", "full_cycle"),
    "marginal": ("adaptive", "kl_weight", "features", "normalized", "one_backward"),
    "joint": ("adaptive", "kl_weight", "features", "normalized", "one_backward"),
    "vqgan": ("full_cycle", "normalized", "one_backward", "clip"),
}
"""By objective: those of its settings that it does not read."""

CLIPPED = ("bridge", "hinge")
"""Adversarial losses whose weights have a bound."""

OF_TRAINED_ENCODER = ("optimization.encoder", "optimization.hold", "objective.kl_weight")
"""Settings that only an encoder reads that is trained."""

OF_SIGMA = ("model.noise", "model.noise_course", "model.noise_decay", "model.noise_end")
"""Settings of the likelihood, in whose place a sum has the absolute error."""

SUMS = tuple(name for name, method in METHODS.items() if "objective.weight" in method.suggests)
"""The methods that minimise a sum of losses, one of which has a weight."""


def unread(config: Config) -> Mapping[str, str]:
    """Keys that nothing reads in what ``config`` trains: where not, and what to do.

    Example:
        >>> unread(Config())["gamma.exponent"]
        'on a γ of the kind sigmoid: give --gamma.kind power, or leave it out'
    """
    return dict(_unread(config))


def _unread(config: Config) -> Iterator[tuple[str, str]]:
    objective = config.objective
    summed = objective.kind == "vqgan" or objective.game == "sum"
    for key, kinds in GAMMAS_OF.items():
        if summed:
            yield key, "in a sum of losses, which has no γ: leave it out"
        elif config.gamma.kind not in kinds:
            of_kind = f"on a γ of the kind {config.gamma.kind}"
            yield key, f"{of_kind}: give --gamma.kind {kinds[0]}, or leave it out"
    of_kind = f"with the objective {objective.kind}: leave it out"
    for key in IDLE_IN[objective.kind]:
        yield f"objective.{key}", of_kind
    if objective.kind == "vqgan":
        yield from ((key, of_kind) for key in OF_SIGMA)
    if objective.game not in CLIPPED:
        yield "objective.clip", f"with the loss {objective.game}: leave it out"
    if not summed:
        sums = ", ".join(SUMS)
        yield (
            "objective.weight",
            f"here: it is the weight in a sum, of train --method {sums}; leave it out",
        )
    if config.freeze == "encoder":
        why = "on an encoder that is frozen: leave it out, or --freeze encoder"
        yield from ((key, why) for key in OF_TRAINED_ENCODER)
        if objective.reconstructs:  # only the unit of latents, which nothing compares
            yield "latent_scale", why
