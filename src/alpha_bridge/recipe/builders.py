"""From the configuration to the objects that it names: the only place with tables of kinds."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import Tensor
from torch.nn import ModuleDict

from ..adversarial import AdversarialLoss, Bridge, FixedSum, JensenShannon, Wasserstein
from ..checks import require_crop
from ..control import AdaptivePath, OnlineGamma, RealismGamma
from ..data import (
    DensitySource,
    GaussianMixture,
    ImageSource,
    Source,
    digits,
    grid,
    load_images,
    ring,
    spirals,
    unbalanced,
)
from ..data.rng import isolated_seed
from ..files.table_files import is_table
from ..gamma import CosineGamma, Gamma, LinearGamma, PowerGamma, SigmoidGamma
from ..metrics.classifier import Classifier, ClassifierLayers, require_shape
from ..metrics.comparison import FEATURES
from ..metrics.evaluation import Evaluation, evaluation_of
from ..metrics.reporting import Report, silent
from ..model import AlphaBridge
from ..objective import (
    DataBridge,
    JointBridge,
    MarginalBridge,
    Objective,
    ReconstructionBridge,
    RowBridge,
    VQGANSum,
)
from ..observation import FeatureDistance, FeatureLikelihood
from ..path import AlphaPath, AlphaSchedule
from ..penalty import R1, R1R2, GradientPenalty, Regularizer, SpectralNorm
from ..settings import (
    NOISE,
    ImagesConfig,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    RegularizerConfig,
)
from ..training import Callback, TrainState, fit
from ..training.decoder_noise import AnnealedNoise, GammaOfNoise, MeasuredNoise
from ..training.state import stack
from ..vae import TrainedVAE, VAEEncoder, VAEGenerator, decided_scale, encoded, fit_noise
from ..vae import build as build_vae
from ..vae import load as load_vae
from .architecture import Networks, build_discriminator, build_networks
from .config import Config
from .decided import decide, described
from .soundness import require_sound


def _of_realism(config: Config) -> Gamma:
    """The γ that the dial asks for; of rows, whose likelihood has no unit, κ is its odds alone."""
    realism = config.path.end if config.realism is None else config.realism
    if config.rows is None:
        return RealismGamma(realism, prod(config.event_shape or (1,)), end=config.path.end)
    kappa = min(1.0, (1 - realism) / realism) if realism else 1.0
    return SigmoidGamma.ending(kappa, config.path.end)


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
    "measured": lambda config: [MeasuredNoise(config.noise_decay)],
    "annealed": lambda config: [AnnealedNoise(config.noise or NOISE, config.noise_end)],
}
"""What moves σ after each update; a learned one is a parameter of the model."""

ADVERSARIAL_LOSSES: dict[str, Callable[[ObjectiveConfig], AdversarialLoss]] = {
    "bridge": lambda config: Bridge(config.clip),
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

MEASURED = 1000
"""Training samples that settings are decided by, and that a VAE to be bridged is measured on."""


def _one_sided(
    config: Config, adversarial: AdversarialLoss, features: FeatureLikelihood | None
) -> dict[str, Any]:
    given = config.objective
    return {
        "adversarial": adversarial,
        "one_backward": given.one_backward,
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
    """A configuration's parts, ready to be trained.

    Attributes:
        prior: The second domain; None for N(0, I).
        notes: What was decided, of the data and of a VAE, in a line each.
    """

    config: Config
    source: Source
    model: AlphaBridge
    path: AlphaSchedule
    gamma: Gamma
    objective: Objective
    regularizer: Regularizer
    prior: Source | None = None
    notes: tuple[str, ...] = ()

    def fit(
        self,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
        accelerator: Accelerator | None = None,
    ) -> TrainState:
        """Train the model as the configuration says; see :func:`alpha_bridge.fit`."""
        return fit(
            self.model,
            self.source,
            self.path,
            objective=self.objective,
            prior=self.prior,
            gamma=self.gamma,
            regularizer=self.regularizer,
            optimization=self.config.optimization,
            batch_size=self.config.batch_size,
            seed=self.config.seed,
            crop=self.config.images.crop,
            compile=self.config.compile,
            callbacks=[*self.noise(), *callbacks],
            progress=False,
            checkpoint=checkpoint,
            accelerator=accelerator,
        )

    def noise(self) -> list[Callback]:
        """What σ follows after each update, and what follows σ."""
        moved = COURSES[self.config.model.noise_course](self.config.model)
        return moved + [GammaOfNoise(g) for g in (self.gamma,) if isinstance(g, RealismGamma)]


def assemble(
    config: Config,
    progress: Callable[[int, int], None] | None = None,
    first_weights: bool = True,
    fetch: Container[str] | None = None,
) -> Assembly:
    """Build everything that a configuration names.

    Args:
        config: The configuration.
        progress: Called with the number of images that are decoded, and of all.
        first_weights: Whether the weights of a VAE to begin with are needed; a checkpoint that is
            loaded later has its own.
        fetch: Ids of the hub that may be fetched; None for all that ``config`` names.

    Example:
        >>> assemble(Config(steps=100)).path(0)
        0.0
    """
    require_sound(config)
    vae: TrainedVAE | None = None
    notes: tuple[str, ...] = ()
    reading = config
    if config.init is not None and (first_weights or config.architecture is None):
        vae = load_vae(config.init, fetch is None or config.init in fetch)
        reading, notes = _for_vae(config, vae)
    source = build_source(reading, progress, fetch)
    prior = build_prior(_of_one_size(config, source), progress, fetch)
    new = config.event_shape is None
    config = _resolved(config, source, prior)
    if new and config.decided:
        config = decide(config, source.event_shape, source.size, _spread(source))
        require_sound(config)
    for domain in (source, prior):
        if domain is not None:
            domain.batch(config.seed, 0, config.batch_size)
            notes += domain.notes
    notes += described(config) if new else ()
    if (crop := config.images.crop) is not None:
        notes += (f"updates train on random {crop}×{crop} squares of images, measured whole",)
    if vae is None:
        model = build_model(config)
    else:
        config, model, measured = _from_vae(config, source, vae)
        notes += measured
    features, lines = build_features(config, source)
    slots = build_slots(config, features)
    return Assembly(config, source, model, build_path(config), *slots, prior, (*notes, *lines))


def build_features(
    config: Config, source: Source
) -> tuple[FeatureLikelihood | None, tuple[str, ...]]:
    """The likelihood of features that ``config`` asks for, if any, and a line on the network."""
    if config.objective.features == "none":
        return None, ()
    try:
        require_shape(source.event_shape)
    except ValueError as error:
        raise ValueError(f"{error}: resize them, or leave out --objective.features") from error
    notes: list[str] = []
    network, _, _ = FEATURES[config.objective.features](source, config.data, notes.append, silent)
    if not isinstance(network, Classifier):
        why = "; ".join(note.partition(": ")[0] for note in notes)  # and not what metrics do then
        raise ValueError(
            f"there are no features of {config.objective.features} to reconstruct ({why}): leave "
            "out --objective.features"
        )
    return FeatureLikelihood(ClassifierLayers(network)), (f"reconstructed too: {notes[-1]}",)


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


def _spread(source: Source) -> float:
    """The spread of vectors that :func:`decide` asks for; of images it asks for none, and it is 1.

    It is the root mean square of the standard deviations of their numbers.
    """
    if len(source.event_shape) > 1:
        return 1.0
    sample = source.units.normalize(source.training(MEASURED))
    return float(sample.std(0, correction=0).square().mean().sqrt())


def build_source(
    config: Config,
    progress: Callable[[int, int], None] | None = None,
    fetch: Container[str] | None = None,
) -> Source:
    """The data that ``config`` names; arguments as of :func:`assemble`."""
    if config.data in SOURCES:
        return SOURCES[config.data](config)
    if is_table(config.data):
        from ..data.tables import load_table  # pyarrow takes a second to import

        return load_table(config.data, config.columns)
    images, may = _shaped(config), fetch is None or config.data in fetch
    read = {name: value for name, value in vars(images).items() if name != "crop"}
    source = load_images(config.data, **read, progress=progress, fetch=may)
    if "images" not in config.idle and None in (images.size, images.channels):
        channels, size, _ = source.event_shape
        colour = "in colour" if channels == 3 else "grey"
        line = f"images become {size}×{size} {colour}: --images.size, --images.channels"
        source.notes = (*source.notes, line)
    return source


def _shaped(config: Config) -> ImagesConfig:
    """How images are read, with what was decided of their shape when the run began."""
    given, shape = config.images, config.event_shape or ()
    if len(shape) != 3:
        return given
    if config.data.endswith(".npy"):  # older runs had their images as they are, whatever was given
        return replace(given, channels=shape[0], size=shape[1])
    return replace(given, channels=given.channels or shape[0], size=given.size or shape[1])


def build_prior(
    config: Config,
    progress: Callable[[int, int], None] | None = None,
    fetch: Container[str] | None = None,
) -> Source | None:
    """The second domain that ``config`` names, if any; arguments as of :func:`assemble`."""
    if config.prior is None:
        return None
    own = {"data": config.prior, "event_shape": config.prior_shape}
    return build_source(config.model_copy(update=own), progress, fetch)


def build_evaluation(
    config: Config,
    source: Source,
    log: Callable[[str], None] = lambda _: None,
    prior: Source | None = None,
    progress: Report = silent,
) -> Evaluation:
    """The evaluation of a model; see :func:`~alpha_bridge.metrics.evaluation_of`."""
    settings = vars(config.evaluation) | {"log": log, "prior": prior, "progress": progress}
    del settings["every"]
    settings["reconstructs"] = config.objective.reconstructs
    return evaluation_of(source, config.data, **settings)


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


def build_model(config: Config) -> AlphaBridge:
    """Networks of ``config`` with the first weights that its seed gives.

    Trial k of a stacked model starts with the weights of a single model with the seed plus k.
    """
    if config.architecture is not None:
        return _of_vae(config, build_vae(config.architecture))
    singles = [
        AlphaBridge(*_first_networks(config, config.seed + trial), *_noise(config))
        for trial in range(config.trials)
    ]
    if len(singles) == 1:
        return singles[0]
    model = AlphaBridge(*build_networks(config, config.trials), *_noise(config))
    model.load_state_dict(stack([single.state_dict() for single in singles]))
    return model


def model_of(config: Config, tensors: Mapping[str, Mapping[str, Tensor]]) -> AlphaBridge:
    """The model with the averaged arms, in evaluation mode, from a checkpoint's tensors."""
    model = build_model(config)
    regularizer = REGULARIZERS[config.regularizer.kind](config.regularizer)
    model.discriminator = regularizer.prepare(model.discriminator)
    model.load_state_dict(tensors["model"])
    arms = ModuleDict({"generator": model.generator, "encoder": model.encoder})
    arms.load_state_dict(tensors["average"])
    return model.eval().requires_grad_(False)


def _noise(config: Config) -> tuple[float, bool]:
    """σ, and whether it is learned; where a VAE or a checkpoint decides it later, it is 1."""
    noise = config.model.noise
    return (1.0 if noise is None else noise), config.model.noise_course == "learned"


def _first_networks(config: Config, seed: int) -> Networks:
    with isolated_seed(seed):
        return build_networks(config)


def _for_vae(config: Config, vae: TrainedVAE) -> tuple[Config, tuple[str, ...]]:
    """The configuration whose images are read as ``vae`` takes them, unless it says how; a line."""
    given = config.images
    if "images" in config.idle or config.event_shape is not None:
        return config, ()
    if vae.channels not in (1, 3):
        raise ValueError(
            f"the VAE {config.init} takes {vae.channels} channels, and images have 1 (grey) or 3 "
            "(colour): give another with --from"
        )
    size, channels = given.size or vae.size, given.channels or vae.channels
    if size is not None:
        vae.require((channels, size, size))
    images = replace(given, size=size, channels=channels)
    config = config.model_copy(update={"images": images})
    if images == given:
        return config, ()
    try:
        require_sound(config)
    except ValueError as error:
        raise ValueError(f"by the files of the VAE {config.init}, {error}") from error
    pixels = "" if size is None else f" {size}×{size}"
    colours = "grey" if channels == 1 else "in colour"
    line = f"images become{pixels} {colours}, as the VAE {config.init} takes them"
    return config, (f"{line}: --images.size, --images.channels",)


def _from_vae(
    config: Config, source: Source, vae: TrainedVAE
) -> tuple[Config, AlphaBridge, tuple[str, ...]]:
    """The networks with the weights of a VAE, what there is to keep, and what was decided."""
    vae.require(source.event_shape)
    x = source.units.normalize(source.training(MEASURED))
    moments = encoded(VAEEncoder(vae.encoder, shift=vae.shift), x)
    sampled = not config.objective.reconstructs
    scale, notes = decided_scale(*moments, vae.scale, config.latent_scale, sampled)
    kept = {"architecture": vae.origin, "latent_scale": scale if isinstance(scale, float) else None}
    config = config.model_copy(update=kept)
    model = _of_vae(config, vae)
    if config.model.noise is None:
        fit_noise(model, x)
    noise = f"σ = {float(model.sigma):.4g} for {config.init}"
    return config, model.train(), (*vae.notes, *notes, noise)


def _of_vae(config: Config, vae: TrainedVAE) -> AlphaBridge:
    """The three networks around those of ``vae``, for the weights of a checkpoint."""
    assert config.event_shape is not None
    vae.require(config.event_shape)
    channels, *sides = config.event_shape
    if config.images.crop is not None:
        crop = require_crop(config.images.crop, config.event_shape)
        vae.require((channels, crop, crop), "--images.crop")
    if vae.quantized and config.freeze != "encoder":
        raise ValueError(
            f"the VAE {config.init} quantises its latents, and its decoder alone can be trained: "
            "give --freeze encoder"
        )
    if config.model.checkpointing:
        vae.checkpoint()
    if config.any_size:
        with isolated_seed(config.seed):
            discriminator = build_discriminator(config)
    else:
        *_, discriminator = _first_networks(config, config.seed)
    units = (vae.scale if config.latent_scale is None else config.latent_scale), vae.shift
    generator = VAEGenerator(vae.decoder, vae.latent_shape(*sides), *units)
    encoder = VAEEncoder(vae.encoder, *units).requires_grad_(config.freeze != "encoder")
    return AlphaBridge(generator, encoder, discriminator, *_noise(config))


def _of_one_size(config: Config, source: Source) -> Config:
    """The configuration whose second domain has images as large as those of the data."""
    if len(source.event_shape) != 3:
        return config
    images = replace(config.images, size=source.event_shape[1])
    return config.model_copy(update={"images": images})


def _resolved(config: Config, source: Source, prior: Source | None) -> Config:
    """The configuration with what it leaves to the data, which must be those of its run."""
    shapes = {"event_shape": (config.data, source.event_shape)}
    if prior is not None:
        shapes["prior_shape"] = (f"the second domain {config.prior}", prior.event_shape)
    for key, (name, shape) in shapes.items():
        if getattr(config, key) not in (None, shape):
            raise ValueError(
                f"the configuration is for samples of shape {getattr(config, key)}, but {name} "
                f"has {shape}: give the data it was made for"
            )
    resolved: dict[str, Any] = {key: shape for key, (_, shape) in shapes.items()}
    for key, named, domain in (
        ("fingerprint", config.data, source),
        ("prior_fingerprint", config.prior, prior),
    ):
        resolved[key] = None if domain is None else domain.fingerprint
        if getattr(config, key) not in (None, resolved[key]):
            raise ValueError(
                f"the data have changed since the run began: {named} had {getattr(config, key)}, "
                f"and has {resolved[key]}: restore them, or begin a new run"
            )
    if source.rows is not None:
        from ..data.tables import TableUnits

        assert isinstance(source.units, TableUnits)
        resolved["rows"] = source.rows.categories, source.rows.numbers
        resolved["columns"] = source.units.coding.record()
    if isinstance(source, ImageSource):
        resolved["white"] = source.white
    return config.model_copy(update=resolved)
