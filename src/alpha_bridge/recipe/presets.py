"""Where a training begins: a configuration for each experiment, and for data of the user's own.

Every value is ours: the paper's appendix is lost.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..files.table_files import is_table
from ..settings import (
    REALISM,
    EvaluationConfig,
    GammaConfig,
    ImagesConfig,
    MixtureConfig,
    ModelConfig,
    Optimization,
    PathConfig,
    RegularizerConfig,
)
from . import DECIDED, Config, changed, value_of
from .config import dimensions
from .decided import dialled
from .methods import METHODS
from .reading import given_keys

_DENSITY = Config(
    data="gaussians25",
    path=PathConfig(ml=0.05, transfer=0.15, adversarial=0.8),
    model=ModelConfig(latent=2, noise=0.6),
    regularizer=RegularizerConfig(weight=0.3),
    evaluation=EvaluationConfig(every=1000, samples=10_000, shown=2000),
)
"""What the known densities have in common."""

_IMAGES = Config(
    batch_size=64,
    model=ModelConfig(latent=16, hidden=(256,), width=32, noise=0.5),
    regularizer=RegularizerConfig(weight=0.2, every=4),
)
"""What the image sets have in common."""

_DIGITS = _IMAGES.model_copy(
    update={
        "path": PathConfig(ml=0.3, transfer=0.1, adversarial=0.6, end=0.9),
        "gamma": GammaConfig(c=12.0, d=-6.0),
        "optimization": Optimization(generator=1.5e-3, encoder=1.5e-3, discriminator=1.5e-3),
    }
)
"""What the sets of digits have in common. Their paths end where the likelihood still has some say,
which ``search5`` found better than α = 1: ``--path.end 1`` goes all the way, as Algorithm 1."""

_COLOUR = _IMAGES.model_copy(
    update={
        "steps": 50_000,
        "path": PathConfig(ml=0.25, transfer=0.63, adversarial=0.12),
        "optimization": Optimization(generator=5e-4),
        "model": ModelConfig(latent=64, hidden=(512,), width=64, noise=0.5),
        "evaluation": EvaluationConfig(every=5000),
    }
)
"""What the sets of colour images have in common."""

PRESETS: dict[str, Config] = {
    "gaussians25": _DENSITY,
    "ring8": _DENSITY.model_copy(update={"data": "ring8"}),
    "unbalanced": _DENSITY.model_copy(
        update={"data": "unbalanced", "mixture": MixtureConfig(side=3)}
    ),
    "spirals": _DENSITY.model_copy(update={"data": "spirals"}),
    "digits": _DIGITS.model_copy(
        update={
            "data": "digits",
            "steps": 2000,
            "evaluation": EvaluationConfig(every=500, samples=1000),
        }
    ),
    "mnist": _DIGITS.model_copy(
        update={
            "data": "ylecun/mnist",
            "steps": 3000,
            "model": replace(_DIGITS.model, noise=1.0),
            "evaluation": EvaluationConfig(every=500),
            "images": ImagesConfig(size=28, channels=1),
        }
    ),
    "cifar10": _COLOUR.model_copy(
        update={
            "data": "uoft-cs/cifar10",
            "batch_size": 128,
            "model": ModelConfig(kind="dcgan", latent=128, width=128, noise=0.5),
            "images": ImagesConfig(size=32, channels=3),
        }
    ),
    "celeba": _COLOUR.model_copy(
        update={"data": "flwrlabs/celeba", "images": ImagesConfig(size=64, channels=3)}
    ),
}


TABLE_STEPS = 2000
"""Updates for a table, 35 epochs of Adult."""


def of_data(name: str) -> Config:
    """The configuration of a folder of images, a file of arrays, a table, or a data set of the hub.

    Everything but the number of updates is decided from the data.

    Example:
        >>> of_data("my/photos").steps, of_data("my/table.csv").steps
        (10000, 2000)
    """
    table = is_table(name)
    vectors = table or (name.endswith(".npy") and dimensions(name) < 3)
    evaluation = EvaluationConfig(shown=2000) if vectors else EvaluationConfig()
    steps = TABLE_STEPS if table else Config().steps
    return dialled(Config(data=name, steps=steps, evaluation=evaluation))


def with_data(config: Config, name: str) -> Config:
    """The configuration for other data, whose shape is decided from them and not by ``config``.

    Example:
        >>> with_data(PRESETS["mnist"], "my/photos").images.size is None
        True
    """
    if name == config.data:
        return config
    free = ("event_shape", "fingerprint", "columns", "rows", "images.size", "images.channels")
    return changed(config, {"data": name} | dict.fromkeys(free))


FROM_VAE: dict[str, float | str | None] = {
    "path.kind": "ramp",
    "path.ml": 0.05,
    "path.transfer": 0.15,
    "path.adversarial": 0.8,
    "path.end": 0.9,
    "realism": None,
    "gamma.kind": "sigmoid",
    "gamma.c": 16.0,
    "gamma.d": -8.0,
    "model.noise": None,
    "model.noise_course": "fixed",
    "optimization.generator": 1e-3,
    "optimization.encoder": 1e-3,
    "optimization.discriminator": 1e-3,
}
"""What a bridge from a trained VAE changes in a preset. Step I is for the discriminator, which is
new; the VAE needs none. The path ends where the likelihood still has some say: its gradient has the
weight κ/σ², and a VAE's own σ is small, so that γ must be steep for the other half to be heard at
all, but not so steep that reconstructions are given up. Samples sharpen where α is held, which is
most of the path. No dial has a say in it: ``realism`` would be recorded and mean nothing."""


def from_vae(config: Config, source: str) -> Config:
    """The configuration that begins with a trained VAE where ``config`` begins with nothing.

    The size and the channels of a preset's images are the VAE's to decide.
    """
    if config.init == source:
        return config
    own = {"model.latent": config.model.latent}  # which the VAE decides, and no rule
    values = {"init": source, "architecture": None, **own, **FROM_VAE}
    if any(config.images == preset.images for preset in PRESETS.values()):
        values |= {"images.size": None, "images.channels": None}
    return changed(config, values)


OF_RECONSTRUCTIONS: dict[str, Any] = {
    "objective.kind": "reconstruction",
    "objective.kl_weight": 1e-6,
    "objective.normalized": True,
    "model.discriminator": "patches",
    "model.noise_course": "measured",
    "path.kind": "ramp",
    "gamma.kind": "realism",
    "realism": REALISM,
    "regularizer.every": 8,
    "regularizer.weight": 1.0,
    "optimization.schedule": "constant",
}
"""What the bridge of reconstructions changes: the autoencoder of a latent diffusion model was never
held to a prior, the discriminator sees patches, and the dial alone says how sharp. R1 with the
weight of other images, .2, took faces of an autoencoder that had converged further from the data
than they were by features of quarter turns, in 300 updates (2.8 from 1.7), and with 1 nearer (1.3).
"""


def of_reconstructions(config: Config) -> Config:
    """The configuration that bridges the reconstructions of an autoencoder.

    What was decided from the data stays so, but for what makes the objective and the dial, which
    decides where the path ends: also on the path of a VAE, which knew no dial.

    Example:
        >>> of_reconstructions(from_vae(of_data("my/photos"), "my/vae")).objective.kl_weight
        1e-06
    """
    if config.objective.reconstructs:
        return config
    config = changed(config, OF_RECONSTRUCTIONS)
    return config.model_copy(update={DECIDED: tuple(dict.fromkeys((*config.decided, "path.end")))})


def left_open(config: Config, content: Mapping[str, Any]) -> Config:
    """The configuration of a file whose dial, or the usual one, decides what the file leaves out.

    A VAE, an objective or a method of the file brings with it what it does on the command line.

    Args:
        config: That of the file.
        content: What the file has.

    Example:
        >>> config = left_open(Config(batch_size=9), {"batch_size": 9})
        >>> config.realism, "batch_size" in config.decided, "model.latent" in config.decided
        (0.9, False, True)
    """
    given = {key: value_of(config, key) for key in given_keys(content)}
    if config.realism is None:
        given.pop("realism", None)
    method, start = METHODS[config.method], dialled(Config(data=config.data))
    if config.init is not None:
        start = from_vae(start, config.init)
    if config.objective.reconstructs or method.reconstructs:
        start = of_reconstructions(start)
    return changed(method.apply(start), given)


def with_dial(config: Config) -> Config:
    """The configuration with the usual dial, but for what its VAE, objective and method gave."""
    own: set[str] = {*FROM_VAE, "model.latent"} if config.init is not None else set()
    if config.objective.reconstructs:
        own = (own | {*OF_RECONSTRUCTIONS}) - {"path.end", "gamma.kind"}
    own = (own | METHODS[config.method].keys) - {"realism"}
    return changed(dialled(config), {key: value_of(config, key) for key in own})
