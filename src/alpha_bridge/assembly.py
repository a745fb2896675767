"""From the configuration to the objects that it names: the only place with tables of kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import Module

from .config import (
    Config,
    GammaConfig,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    RegularizerConfig,
)
from .control import OnlineGamma
from .data import (
    DensitySource,
    GaussianMixture,
    Source,
    digits,
    grid,
    load_images,
    ring,
    spirals,
    unbalanced,
)
from .game import Bridge, FixedSum, Game, JensenShannon, Wasserstein
from .gamma import CosineGamma, Gamma, LinearGamma, PowerGamma, SigmoidGamma
from .methods import METHODS
from .model import AlphaBridge
from .networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    DCGANDiscriminator,
    DCGANEncoder,
    DCGANGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from .objective import DataBridge, Objective
from .path import AlphaPath
from .penalty import R1, GradientPenalty, Regularizer, SpectralNorm
from .run import Run
from .training import Callback, Optimization, TrainState, fit
from .training.checkpoint import naming, read_tensors
from .training.trials import stack
from .vae import Numbers, TrainedVAE, VAEEncoder, VAEGenerator
from .vae import build as build_vae
from .vae import load as load_vae

__all__ = [
    "Assembly",
    "assemble",
    "build_model",
    "build_path",
    "build_source",
    "load_model",
    "model_of",
]

GAMMAS: dict[str, Callable[[GammaConfig], Gamma]] = {
    "sigmoid": lambda config: SigmoidGamma(config.c, config.d),
    "linear": lambda _: LinearGamma(),
    "power": lambda config: PowerGamma(config.exponent),
    "cosine": lambda _: CosineGamma(),
    "optimal": lambda config: OnlineGamma(
        config.every, config.decay, SigmoidGamma(config.c, config.d)
    ),
}

GAMES: dict[str, Callable[[ObjectiveConfig], Game]] = {
    "bridge": lambda config: Bridge(config.clip),
    "sum": lambda config: FixedSum(config.weight),
    "js": lambda _: JensenShannon(),
    "wasserstein": lambda _: Wasserstein(),
}

REGULARIZERS: dict[str, Callable[[RegularizerConfig], Regularizer]] = {
    "r1": lambda config: R1(config.weight, config.every),
    "gp": lambda config: GradientPenalty(config.weight, config.every),
    "spectral": lambda _: SpectralNorm(),
    "none": lambda _: Regularizer(),
}

Networks = tuple[Module, Module, Module]

MEASURED = 1000
"""Training samples that a VAE is measured on before it is bridged."""


def _conv(model: ModelConfig, size: int, channels: int, trials: int | None) -> Networks:
    images = (size, channels, model.width, model.hidden[-1], trials)
    return (
        ConvGenerator(model.latent, *images),
        ConvEncoder(model.latent, *images),
        ConvDiscriminator(*images),
    )


def _dcgan(model: ModelConfig, size: int, channels: int, trials: int | None) -> Networks:
    images = (size, channels, model.width, trials)
    return (
        DCGANGenerator(model.latent, *images),
        DCGANEncoder(model.latent, *images),
        DCGANDiscriminator(*images),
    )


NETWORKS: dict[str, Callable[[ModelConfig, int, int, int | None], Networks]] = {
    "conv": _conv,
    "dcgan": _dcgan,
}
"""Generator, encoder and discriminator of images, by size, colours and trials."""


def _density(mixture: Callable[[MixtureConfig], GaussianMixture]) -> Callable[[Config], Source]:
    return lambda config: DensitySource(mixture(config.mixture))


SOURCES: dict[str, Callable[[Config], Source]] = {
    "gaussians25": _density(lambda given: grid(given.side, given.spacing, given.std)),
    "ring8": _density(lambda given: ring(given.modes, given.radius, given.std)),
    "unbalanced": _density(lambda given: unbalanced(given.side, given.spacing, given.std)),
    "spirals": _density(
        lambda given: spirals(given.arms, given.pieces, given.turns, given.radius, given.std)
    ),
    "digits": lambda _: digits(),
}


@dataclass(frozen=True)
class Assembly:
    """What a configuration names, ready to be trained.

    Attributes:
        config: The configuration, with what the data decide filled in.
        source: The data.
        model: The players with their first weights.
        path: α of every update.
        gamma: The choice of γ.
        objective: What is bridged to what.
        regularizer: Of the discriminator.
        optimization: Of the three players.
    """

    config: Config
    source: Source
    model: AlphaBridge
    path: AlphaPath
    gamma: Gamma
    objective: Objective
    regularizer: Regularizer
    optimization: Optimization

    def fit(
        self,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
        accelerator: Accelerator | None = None,
    ) -> TrainState:
        """Train the model as the configuration says; see :func:`alpha_bridge.fit`.

        Args:
            callbacks: Told of every update, in order.
            checkpoint: Folder of a checkpoint to go on from.
            accelerator: Device, precision and processes; by default what the machine has.
        """
        return fit(
            self.model,
            self.source,
            self.path,
            objective=self.objective,
            gamma=self.gamma,
            regularizer=self.regularizer,
            optimization=self.optimization,
            batch_size=self.config.batch_size,
            seed=self.config.seed,
            compile=self.config.compile,
            callbacks=callbacks,
            checkpoint=checkpoint,
            accelerator=accelerator,
        )


def assemble(
    config: Config,
    progress: Callable[[int, int], None] | None = None,
    first_weights: bool = True,
) -> Assembly:
    """Build everything that ``config`` names.

    Args:
        config: The configuration.
        progress: Told how many images of a data set are decoded, and how many there are.
        first_weights: Whether the weights of a VAE to begin with are needed; a checkpoint that is
            loaded later has its own.

    Raises:
        ValueError: A value is out of its range, or the data cannot be used; one line.
        OSError: The data or the cache cannot be read or written.

    Example:
        >>> assemble(Config(steps=100)).path(0)
        0.0
    """
    METHODS[config.method].require(config)
    path = build_path(config)
    if not len(path):
        raise ValueError(f"steps must be at least 1, got {config.steps}")
    if config.snapshots and config.trials > 1:
        raise ValueError(
            f"snapshots are kept of one trial at a time, got trials={config.trials}: run them one "
            "after the other"
        )
    if config.gamma.kind == "optimal" and config.trials > 1:
        raise ValueError(
            f"the optimal gamma is measured for one trial at a time, got trials={config.trials}: "
            "run them one after the other, or give another --gamma.kind"
        )
    gamma = GAMMAS[config.gamma.kind](config.gamma)
    game = GAMES[config.objective.game](config.objective)
    objective = DataBridge(game, config.objective.one_backward)
    regularizer = REGULARIZERS[config.regularizer.kind](config.regularizer)
    optimization = Optimization(**config.optimization.model_dump())
    source = build_source(config, progress)
    config = _with_shape(config, source)
    source.batch(config.seed, 0, config.batch_size)
    if config.init is not None and (first_weights or config.architecture is None):
        config, model = _from_vae(config, source)
    else:
        model = build_model(config)
    return Assembly(config, source, model, path, gamma, objective, regularizer, optimization)


def build_source(config: Config, progress: Callable[[int, int], None] | None = None) -> Source:
    """The data that ``config`` names; the arguments and errors are those of :func:`assemble`."""
    if config.data in SOURCES:
        return SOURCES[config.data](config)
    return load_images(config.data, **config.images.model_dump(), progress=progress)


def build_path(config: Config) -> AlphaPath:
    """α of every update that ``config`` asks for.

    Example:
        >>> build_path(Config(steps=100)).boundaries
        (20, 70, 100)
    """
    return AlphaPath.three_steps(
        *config.path.lengths(config.steps), start=config.path.start, end=config.path.end
    )


def build_model(config: Config) -> AlphaBridge:
    """Networks of ``config`` with the first weights that its seed gives.

    Args:
        config: A configuration with its ``event_shape``. Trial k of a stacked model starts with
            the weights of a single model with the seed plus k.

    Raises:
        ValueError: No network fits the shape of the samples, or σ is not positive.
    """
    if config.architecture is not None:
        return _of_vae(config, build_vae(config.architecture))
    trials = range(config.trials)
    singles = [_single_model(config, config.seed + trial) for trial in trials]
    if len(singles) == 1:
        return singles[0]
    assert config.event_shape is not None
    networks = _networks(config.event_shape, config.model, config.trials)
    model = AlphaBridge(*networks, *_noise(config))
    model.load_state_dict(stack([single.state_dict() for single in singles]))
    return model


def model_of(config: Config, tensors: Mapping[str, Mapping[str, Tensor]]) -> AlphaBridge:
    """The model with the averaged arms, in evaluation mode, from a checkpoint's tensors.

    Args:
        config: The configuration that the tensors were trained with.
        tensors: By file and by name.

    Raises:
        RuntimeError: They do not fit the configuration.
    """
    model = build_model(config)
    regularizer = REGULARIZERS[config.regularizer.kind](config.regularizer)
    model.discriminator = regularizer.prepare(model.discriminator)
    model.load_state_dict({**tensors["model"], **tensors["average"]})
    return model.eval().requires_grad_(False)


def _noise(config: Config) -> tuple[float, bool]:
    """σ, and whether it is learned; where a VAE is still to tell, or a checkpoint, it is 1."""
    noise = config.model.noise
    return (1.0 if noise is None else noise), config.model.learn_noise


def _single_model(config: Config, seed: int) -> AlphaBridge:
    return AlphaBridge(*_first_networks(config, seed), *_noise(config))


def _first_networks(config: Config, seed: int) -> Networks:
    assert config.event_shape is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _networks(config.event_shape, config.model, None)


def _from_vae(config: Config, source: Source) -> tuple[Config, AlphaBridge]:
    """The players with the weights of the VAE that ``config`` names, and what there is to keep."""
    assert config.init is not None
    vae = load_vae(config.init)
    vae.require(source.event_shape)
    *_, discriminator = _first_networks(config, config.seed)
    scale, shift = _latent_units(config, vae)
    model = AlphaBridge.from_vae(
        vae.encoder,
        vae.decoder,
        discriminator,
        source.units.normalize(source.training(MEASURED)),
        config.model.noise,
        config.model.learn_noise,
        scale,
        shift,
    )
    return config.model_copy(update={"architecture": vae.origin}), model


def _of_vae(config: Config, vae: TrainedVAE) -> AlphaBridge:
    """The players around the networks of ``vae``, for the weights of a checkpoint."""
    assert config.event_shape is not None
    vae.require(config.event_shape)
    _, *sides = config.event_shape
    *_, discriminator = _first_networks(config, config.seed)
    units = _latent_units(config, vae)
    generator = VAEGenerator(vae.decoder, vae.latent_shape(*sides), *units)
    encoder = VAEEncoder(vae.encoder, *units)
    return AlphaBridge(generator, encoder, discriminator, *_noise(config))


def _latent_units(config: Config, vae: TrainedVAE) -> tuple[Numbers, Numbers]:
    return vae.scale if config.latent_scale is None else config.latent_scale, vae.shift


def _networks(shape: tuple[int, ...], model: ModelConfig, trials: int | None) -> Networks:
    """Generator, encoder and discriminator for samples of that shape."""
    if len(shape) == 1:
        vectors = (shape[0], model.hidden, trials)
        return (
            MLPGenerator(model.latent, *vectors),
            MLPEncoder(model.latent, *vectors),
            MLPDiscriminator(*vectors),
        )
    channels, size, _ = shape
    return NETWORKS[model.kind](model, size, channels, trials)


def load_model(
    run: Run, config: Config, step: int | None = None
) -> tuple[AlphaBridge, dict[str, Tensor]]:
    """The model of a run with the averaged arms, in evaluation mode, and its memory.

    Args:
        run: A run with a checkpoint.
        config: The run's configuration.
        step: The checkpoint's number of updates; None for the latest.

    Raises:
        ValueError: There is no such checkpoint, or it is damaged.
    """
    if config.trials > 1:
        raise ValueError(
            f"{run.folder} holds {config.trials} trials: name one of them, such as "
            f"{run.folder / 'trial-0'}"
        )
    steps = run.checkpoint_steps
    if not steps or (step is not None and step not in steps):
        raise ValueError(
            f"{run.folder} has no checkpoint{'' if step is None else f' after update {step}'}: "
            + (f"it has {', '.join(map(str, steps))}" if steps else "train it first")
        )
    folder = run.checkpoint_folder(steps[-1] if step is None else step)
    tensors, _ = read_tensors(folder)
    with naming(folder):
        return model_of(config, tensors), tensors["memory"]


def _with_shape(config: Config, source: Source) -> Config:
    if config.event_shape not in (None, source.event_shape):
        raise ValueError(
            f"the configuration is for samples of shape {config.event_shape}, but {config.data} "
            f"has {source.event_shape}: give the data it was made for with --data"
        )
    return config.model_copy(update={"event_shape": source.event_shape})
