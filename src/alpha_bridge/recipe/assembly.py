"""From the configuration to all that it names, ready to be trained."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from ..control import RealismGamma
from ..data import ImageSource, Source
from ..data.middle import MiddleSquares
from ..gamma import Gamma
from ..metrics.classifier import Classifier, ClassifierLayers, require_shape
from ..metrics.comparison import FEATURES, require_features
from ..metrics.evaluation import Evaluation, evaluation_of
from ..metrics.reporting import Report, silent
from ..model import AlphaBridge
from ..objective import Objective
from ..observation import FeatureLikelihood
from ..path import AlphaSchedule
from ..penalty import Regularizer
from ..training import Callback, TrainState, fit
from ..training.decoder_noise import GammaOfNoise
from ..vae import TrainedVAE
from ..vae import load as load_vae
from .config import Config
from .decided import decide, described
from .domains import MEASURED, build_prior, build_source
from .first_weights import begin_from_vae, build_model, for_vae
from .slots import COURSES, build_path, build_slots
from .soundness import FEATURES_REMEDY, pixels_of_features, require_control, require_sound


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
    source: Source | None = None,
    accelerator: Accelerator | None = None,
    measuring: Report = silent,
) -> Assembly:
    """Build everything that a configuration names.

    Args:
        config: The configuration.
        progress: Called with the number of images that are decoded, and of all.
        first_weights: Whether the weights of a VAE to begin with are needed; a checkpoint that is
            loaded later has its own.
        fetch: Ids of the hub that may be fetched; None for all that ``config`` names.
        source: The data, where they are at hand; None for those that ``config`` names.
        accelerator: What trains: a VAE to begin with is measured on its device, and a batch that is
            decided is divided among its processes. None for the processor alone.
        measuring: Called with how far the measurement of a VAE has come.

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
        reading, notes = for_vae(config, vae)
    source = source or build_source(reading, progress, fetch)
    prior = build_prior(_of_one_size(config, source), progress, fetch)
    new = config.event_shape is None
    config = _resolved(config, source, prior)
    if new and config.decided:
        processes = accelerator.num_processes if accelerator else 1
        config = decide(config, source.event_shape, source.size, _spread(source), processes)
        require_sound(config)
        require_control(config)
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
        vae.require(source.event_shape)
        _require_features(config, source)  # for what follows may take long
        device = accelerator.device if accelerator else None
        config, model, measured = begin_from_vae(config, source, vae, device, measuring)
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
    seen = _require_likelihood(config, source)
    notes: list[str] = []
    network, _, _ = FEATURES[config.objective.features](seen, config.data, notes.append, silent)
    if not isinstance(network, Classifier):
        why = "; ".join(note.partition(": ")[0] for note in notes)  # and not what metrics do then
        raise ValueError(
            f"there are no features of {config.objective.features} to reconstruct ({why}): leave "
            "out --objective.features"
        )
    return FeatureLikelihood(ClassifierLayers(network)), (f"reconstructed too: {notes[-1]}",)


def _require_features(config: Config, source: Source) -> None:
    """Refuse features, of the objective or the evaluation, that there cannot be."""
    require_features(source, config.evaluation.features)
    if config.objective.features != "none":
        _require_likelihood(config, source)


def _require_likelihood(config: Config, source: Source) -> Source:
    """What a classifier learns the features from: images, or of large ones what updates see."""
    pixels = source.event_shape[-1]
    seen = pixels_of_features(config.images, pixels)
    if seen is not None and seen != pixels:
        source = MiddleSquares(source, seen)
    try:
        require_shape(source.event_shape)
    except ValueError as error:
        raise ValueError(f"{error}: {FEATURES_REMEDY}") from error
    return source


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


def _spread(source: Source) -> float:
    """The spread of vectors that :func:`decide` asks for; of images it asks for none, and it is 1.

    It is the root mean square of the standard deviations of their numbers.
    """
    if len(source.event_shape) > 1:
        return 1.0
    sample = source.units.normalize(source.training(MEASURED))
    return float(sample.std(0, correction=0).square().mean().sqrt())


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
