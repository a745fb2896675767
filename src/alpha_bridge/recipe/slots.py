"""The tables of kinds: from a name in the configuration to what an update follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..adversarial import AdversarialLoss, Bridge, FixedSum, Hinge, JensenShannon, Wasserstein
from ..control import AdaptivePath, OnlineGamma, RealismGamma
from ..gamma import CosineGamma, Gamma, LinearGamma, PowerGamma, SigmoidGamma
from ..objective import (
    DataBridge,
    JointBridge,
    MarginalBridge,
    Objective,
    ReconstructionBridge,
    RowBridge,
    VQGANSum,
)
from ..observation import FeatureDistance, FeatureLikelihood, Patches, Whole
from ..path import AlphaPath, AlphaSchedule
from ..penalty import R1, R1R2, GradientPenalty, Regularizer, SpectralNorm
from ..settings import NOISE, ModelConfig, ObjectiveConfig, RegularizerConfig
from ..training import Callback
from ..training.decoder_noise import AnnealedNoise, MeasuredNoise
from .config import Config


def _of_realism(config: Config) -> Gamma:
    """The γ that the dial asks for; of rows, whose likelihood has no unit, κ is its odds alone."""
    end = config.path.end if config.gamma.end is None else config.gamma.end
    realism = end if config.realism is None else config.realism
    if config.rows is None:
        shape = config.event_shape or (1,)
        in_patches = config.model.discriminator == "patches" and len(shape) == 3
        return RealismGamma(realism, (Patches if in_patches else Whole).numbers(shape), end=end)
    kappa = min(1.0, (1 - realism) / realism) if realism else 1.0
    return SigmoidGamma.ending(kappa, end)


GAMMAS: dict[str, Callable[[Config], Gamma]] = {
    "sigmoid": lambda config: SigmoidGamma(config.gamma.c, config.gamma.d),
    "linear": lambda _: LinearGamma(),
    "power": lambda config: PowerGamma(config.gamma.exponent),
    "cosine": lambda _: CosineGamma(),
    "optimal": lambda config: OnlineGamma(
        config.gamma.every, config.gamma.decay, SigmoidGamma(config.gamma.c, config.gamma.d)
    ),
    "realism": _of_realism,
}

COURSES: dict[str, Callable[[ModelConfig], list[Callback]]] = {
    "fixed": lambda _: [],
    "learned": lambda _: [],
    "measured": lambda config: [MeasuredNoise(config.noise_decay, config.noise_rate)],
    "annealed": lambda config: [AnnealedNoise(config.noise or NOISE, config.noise_end)],
}
"""What moves σ after each update; a learned one is a parameter of the model."""

ADVERSARIAL_LOSSES: dict[str, Callable[[ObjectiveConfig], AdversarialLoss]] = {
    "bridge": lambda config: Bridge(config.clip),
    "hinge": lambda config: Hinge(config.clip),
    "sum": lambda config: FixedSum(config.weight),
    "js": lambda _: JensenShannon(),
    "wasserstein": lambda _: Wasserstein(),
}

REGULARIZERS: dict[str, Callable[[RegularizerConfig], Regularizer]] = {
    "r1": lambda config: R1(config.weight, config.every),
    "r1r2": lambda config: R1R2(config.weight, config.every),
    "gp": lambda config: GradientPenalty(config.weight, config.every),
    "spectral": lambda _: SpectralNorm(),
    "none": lambda _: Regularizer(),
}

Build = Callable[[Config, AdversarialLoss, FeatureLikelihood | None], Objective]

OBJECTIVES: dict[str, Build] = {
    "data": lambda config, *parts: _of_data(config, **_one_sided(config, *parts)),
    "reconstruction": lambda config, *parts: ReconstructionBridge(**_one_sided(config, *parts)),
    "marginal": lambda config, adversarial, _: MarginalBridge(adversarial, *_mutual(config)),
    "joint": lambda config, adversarial, _: JointBridge(adversarial, *_mutual(config)),
    "vqgan": lambda config, _, features: VQGANSum(
        config.objective.weight,
        config.objective.adaptive,
        config.objective.kl_weight,
        None if features is None else FeatureDistance(features.network),
    ),
}


def _one_sided(
    config: Config, adversarial: AdversarialLoss, features: FeatureLikelihood | None
) -> dict[str, Any]:
    given = config.objective
    return {
        "adversarial": adversarial,
        "one_backward": given.one_backward,
        "normalized": given.normalized,
        "kl_weight": given.kl_weight,
        "features": features,
    }


def _of_data(config: Config, **given: Any) -> DataBridge:  # noqa: ANN401
    if config.rows is None:
        return DataBridge(**given)
    own = config.objective
    return RowBridge(**given, alternatives=own.alternatives, temperature=own.temperature)


def _mutual(config: Config) -> tuple[bool, bool]:
    """Whether encodings have no noise, and whether cycles are full."""
    return config.prior is not None, config.objective.full_cycle


def build_slots(
    config: Config, features: FeatureLikelihood | None = None
) -> tuple[Gamma, Objective, Regularizer]:
    """What an update follows."""
    adversarial = ADVERSARIAL_LOSSES[config.objective.game](config.objective)
    return (
        GAMMAS[config.gamma.kind](config),
        OBJECTIVES[config.objective.kind](config, adversarial, features),
        REGULARIZERS[config.regularizer.kind](config.regularizer),
    )


def build_path(config: Config) -> AlphaSchedule:
    """α of every update that ``config`` asks for.

    Example:
        >>> build_path(Config(steps=100)).boundaries
        (20, 70, 100)
    """
    given = config.path
    if given.kind == "adaptive":
        return AdaptivePath(*given.lengths(config.steps), end=given.end, limits=config.control)
    return AlphaPath.three_steps(
        *given.lengths(config.steps), start=given.start, end=given.end, sweeps=given.sweeps
    )
