"""The validated configuration: everything that a run depends on, and nothing else.

Ranges are checked where the values are used, so that a library user hears the same; here are
types, unknown keys, the ranges that need a key's name to be understood, and what only the whole
can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from reprlib import repr as shortened
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from tyro.conf import Suppress, arg

__all__ = [
    "Config",
    "EvaluationConfig",
    "GammaConfig",
    "ImagesConfig",
    "MethodName",
    "MixtureConfig",
    "ModelConfig",
    "ObjectiveConfig",
    "OptimizationConfig",
    "PathConfig",
    "RegularizerConfig",
    "changed",
    "differences",
    "explain",
    "known_keys",
    "read_config",
]

Count = Annotated[int, Field(ge=1)]
Alpha = Annotated[float, Field(ge=0, le=1)]
MethodName = Literal[
    "ml",
    "rkl-gp",
    "rkl-sn",
    "js-gan",
    "wgan-gp",
    "naive",
    "vaegan-sum",
    "ali",
    "cyclegan",
    "alpha-bridge",
]

DENSITIES = ("gaussians25", "ring8", "unbalanced", "spirals")
"""Data sets whose density is known."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PathConfig(_Part):
    """Algorithm 1: shares of the updates for its three steps, and α of the first and the last."""

    ml: float = 0.2
    """Share of Step I, where α stays at the start."""
    transfer: float = 0.5
    """Share of Step II, where α moves from the start to the end."""
    adversarial: float = 0.3
    """Share of Step III, where α stays at the end."""
    start: Alpha = 0.0
    """α of Step I, in [0, 1]; the paper's is 0."""
    end: Alpha = 1.0
    """α at the far end of Step II, in [0, 1]; the paper's is 1."""
    sweeps: Count = 1
    """How often Step II goes the whole way; every second time it comes back."""

    @model_validator(mode="after")
    def _shares_fit(self) -> PathConfig:
        shares = (self.ml, self.transfer, self.adversarial)
        if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-9):
            raise ValueError(
                "the shares ml, transfer and adversarial must be zero or more and add up to 1, "
                f"got {' + '.join(map(str, shares))} = {sum(shares):.6g}"
            )
        return self

    def lengths(self, steps: int) -> tuple[int, int, int]:
        """Updates of the three steps, ``steps`` in all."""
        first, second = round(self.ml * steps), round((self.ml + self.transfer) * steps)
        return first, second - first, steps - second


class GammaConfig(_Part):
    """The choice of γ(α), equation (12) and footnote 1."""

    kind: Literal["sigmoid", "linear", "power", "cosine", "optimal"] = "sigmoid"
    """The paper's is sigmoid; optimal is that of least variance, estimated in training."""
    c: float = 10.0
    """Steepness of the sigmoid."""
    d: float = -5.0
    """Offset of the sigmoid."""
    exponent: float = 2.0
    """Exponent of the power."""
    every: Count = 10
    """Updates from one measurement for the optimal γ to the next."""
    decay: float = 0.9
    """Decay of the average of those measurements, in [0, 1)."""


class ModelConfig(_Part):
    """Networks and decoder noise."""

    kind: Literal["conv", "dcgan"] = "conv"
    """Networks of images: small ones with a dense layer, or the DCGAN's."""
    latent: Count = 2
    """Size of a latent."""
    hidden: tuple[Count, ...] = Field(default=(128, 128, 128), min_length=1)
    """Sizes of the hidden layers for vectors; images take the last for their dense layer."""
    width: Count = 32
    """Channels next to the image; deeper layers have more."""
    noise: float | None = 0.4
    """σ of the semi-implicit model (13), in model units: images lie in [-1, 1]. None: the error of
    the VAE that --from names."""
    learn_noise: bool = False
    """Learn σ with θ, from noise on."""


class ObjectiveConfig(_Part):
    """The objective that is followed along α, equation (15)."""

    kind: Annotated[Literal["data", "marginal", "joint"], arg(aliases=["--objective"])] = "data"
    """What is bridged: the model to the data, both marginals, or both joints (section 3.3)."""
    game: Literal["bridge", "sum", "js", "wasserstein"] = "bridge"
    """What generator and discriminator play for: the paper's bridge, or that of a baseline."""
    clip: float = 5.0
    """Bound on the exponents of the bridge's weights, in nats; the paper has none."""
    weight: float = 1.0
    """Weight of the likelihood in the fixed sum."""
    one_backward: bool = True
    """One backward pass for generator and encoder where it is exact."""
    full_cycle: bool = False
    """Reconstructions train who made their code too, between marginals and joints."""


class RegularizerConfig(_Part):
    """The discriminator's regulariser."""

    kind: Literal["r1", "gp", "spectral", "none"] = "r1"
    """R1, the WGAN's gradient penalty, spectral normalisation, or nothing."""
    weight: float = 0.3
    """Weight of the penalty."""
    every: Count = 1
    """Updates from one penalty to the next, which is scaled to match."""


class OptimizationConfig(_Part):
    """Adam for the three players, and the average that is evaluated."""

    generator: float = 1e-3
    """Learning rate of the generator."""
    encoder: float = 1e-3
    """Learning rate of the encoder."""
    discriminator: float = 1e-3
    """Learning rate of the discriminator."""
    beta1: float = 0.5
    """Decay of the first moment."""
    beta2: float = 0.99
    """Decay of the second moment."""
    hold: float = 1.0
    """What multiplies the encoder's rate at α = 1, in (0, 1]; in between its power α."""
    average: float = 0.995
    """Decay of the generator's moving average; 0 for none."""
    discriminator_steps: Count = 1
    """Updates of the discriminator in each whole update."""


class EvaluationConfig(_Part):
    """When and how the averaged generator is measured."""

    every: Count = 1000
    """Updates from one evaluation to the next; ends of steps are always evaluated."""
    samples: Annotated[int, Field(ge=2)] = 5000
    """Samples that metrics are computed from, two or more."""
    features: Literal["classifier", "rotations", "inception", "pixels"] = "classifier"
    """Features of images: a classifier trained on the labels, one that tells which way up an image
    is and needs none, Inception, or averaged pixels."""
    bandwidth: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.1
    """Bandwidth of the kernel density estimate, in the units of the mixture."""
    shown: Count = 64
    """Latents that are followed through time."""


class MixtureConfig(_Part):
    """The known densities: a grid (gaussians25, unbalanced), a ring (ring8) and spirals."""

    side: int = 5
    """Gaussians along each side of a grid."""
    spacing: float = 2.0
    """Distance between neighbours on a grid."""
    modes: int = 8
    """Gaussians on a ring."""
    radius: float = 2.0
    """Radius of a ring, and where spirals end."""
    arms: int = 2
    """Arms of spirals."""
    pieces: int = 50
    """Gaussians along each arm."""
    turns: float = 1.0
    """How often an arm goes round."""
    std: float = 0.1
    """Standard deviation of each Gaussian."""


class ImagesConfig(_Part):
    """How a data set of images is read."""

    size: int | None = None
    """Pixels of a side; images are cropped to a square and resized. None: as they are."""
    channels: int | None = None
    """1 or 3; None: as they are."""
    image_column: str | None = None
    """Column of the images; None: the one that holds images."""
    label_column: str | None = None
    """Column of the labels; None: the one that holds classes."""
    train_split: str = "train"
    """Split to train on."""
    held_out_split: str | None = None
    """Split to evaluate on; None: test or validation, or a tenth of the training split."""


class Config(_Part):
    """Everything that a run depends on. All defaults are ours: the paper's appendix is lost."""

    data: str = "gaussians25"
    """gaussians25, ring8, unbalanced, spirals, digits, a hub id, a folder or file of images, or
    an .npy file."""
    prior: str | None = None
    """A second domain of data in place of the latents' N(0, I), named like data: the model then
    translates between both. For the objectives marginal and joint."""
    method: MethodName = "alpha-bridge"
    """The paper's, or a baseline; options change what does not define it."""
    init: Annotated[str | None, arg(name="from")] = None
    """A trained VAE to begin with, in a folder or on the hub: diffusers' AutoencoderKL, or one of
    pythae with its own networks."""
    latent_scale: float | None = None
    """Factor from the latents of that VAE to those of the prior; None: what its files say."""
    architecture: Annotated[dict[str, Any] | None, Suppress] = None
    """Library and configuration of that VAE, which are kept here."""
    seed: int = 0
    """Seed of the weights, the batches and the noise."""
    trials: Count = 1
    """Independent trials, trained side by side: trial k has the seed plus k."""
    steps: Count = 10_000
    """Updates of the whole path."""
    batch_size: Count = 128
    """Samples of an update, over all processes."""
    precision: Literal["no", "bf16"] = "no"
    """Mixed precision of the networks: no, or bfloat16."""
    compile: bool = False
    """Compile the networks, for accelerators; the gradient penalty stays eager."""
    record_every: Count = 50
    """Updates from one record of the losses to the next."""
    checkpoint_every: Count = 1000
    """Updates from one checkpoint to the next; ends of steps are always kept."""
    snapshots: Annotated[int, Field(ge=0)] = 0
    """Checkpoints that are kept of Step II, evenly along α, for alpha-bridge frontier."""
    event_shape: tuple[int, ...] | None = None
    """Shape of one sample; None: that of the data, which is then kept here."""
    prior_shape: Annotated[tuple[int, ...] | None, Suppress] = None
    """Shape of one sample of the second domain, which is kept here."""
    path: PathConfig = PathConfig()
    gamma: GammaConfig = GammaConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    regularizer: RegularizerConfig = RegularizerConfig()
    optimization: OptimizationConfig = OptimizationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    mixture: MixtureConfig = MixtureConfig()
    images: ImagesConfig = ImagesConfig()

    @model_validator(mode="after")
    def _path_fits(self) -> Config:
        shares = (self.path.ml, self.path.transfer, self.path.adversarial)
        lengths = self.path.lengths(self.steps)
        if any(share and not length for share, length in zip(shares, lengths, strict=True)):
            raise ValueError(
                f"{self.steps} steps leave a share of the path ({', '.join(map(str, shares))}) "
                "without an update: give more steps, or that share as 0"
            )
        if 0 < self.snapshots >= lengths[1]:
            raise ValueError(
                f"Step II has {lengths[1]} updates, too few for {self.snapshots} snapshots within: "
                "give fewer, or path.transfer a larger share"
            )
        return self

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Config:
        if self.init is None and self.model.noise is None:
            raise ValueError("model.noise is measured on the VAE of --from: without one, give it")
        if self.init is None and self.latent_scale is not None:
            raise ValueError("latent_scale is that of the VAE of --from: without one, leave it out")
        if self.init is not None and self.trials > 1:
            raise ValueError(
                f"a VAE is bridged by one trial at a time, got trials={self.trials}: run them one "
                "after the other"
            )
        return self

    @model_validator(mode="after")
    def _has_a_use_for(self) -> Config:
        if self.prior is not None and self.objective.kind == "data":
            raise ValueError(
                f"a second domain, got prior={self.prior}, needs two sides to bridge: give "
                "--objective marginal"
            )
        if self.init is not None and self.objective.kind != "data":
            raise ValueError(
                f"a trained VAE is bridged to the data alone, got the objective "
                f"{self.objective.kind}: leave out --objective, or --from"
            )
        return self

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """Numbers of updates done at the snapshots of Step II, evenly between its ends.

        Example:
            >>> Config(steps=100, snapshots=4).snapshot_steps
            (30, 40, 50, 60)
        """
        begin, length, _ = self.path.lengths(self.steps)
        parts = self.snapshots + 1
        return tuple(begin + round(length * part / parts) for part in range(1, parts))

    @property
    def singles(self) -> tuple[Config, ...]:
        """What trains each trial alone."""
        seeds = range(self.seed, self.seed + self.trials)
        return tuple(self.model_copy(update={"seed": seed, "trials": 1}) for seed in seeds)

    @property
    def idle(self) -> tuple[str, ...]:
        """Parts that these data have no use for."""
        density = self.data in DENSITIES
        parts = {
            "mixture": not density,
            "images": density or self.data == "digits" or self.data.endswith(".npy"),
        }
        return tuple(part for part, idle in parts.items() if idle)


def read_config(source: Path | dict[str, Any]) -> Config:
    """Validate a configuration.

    Args:
        source: A JSON file, such as a run's ``config.json``, or its content.

    Returns:
        The configuration; what is not given takes its default.

    Raises:
        ValueError: The file is not JSON, a key is unknown, or a value has the wrong type; one
            line that names it.

    Example:
        >>> read_config({"steps": 100}).steps
        100
    """
    try:
        if isinstance(source, dict):
            return Config.model_validate(source)
        return Config.model_validate_json(source.read_bytes())
    except ValidationError as error:
        where = "" if isinstance(source, dict) else f"{source}: "
        raise ValueError(where + explain(error)) from None


def changed(config: Config, values: Mapping[str, Any]) -> Config:
    """The same configuration with other values.

    Args:
        config: The configuration.
        values: By key, with dots for the parts.

    Raises:
        ValueError: A key is unknown, or a value is not allowed; one line that names it.

    Example:
        >>> changed(Config(), {"steps": 500, "model.latent": 8}).model.latent
        8
    """
    content = config.model_dump()
    for key, value in values.items():
        *parts, last = key.split(".")
        reduce(lambda part, name: part.setdefault(name, {}), parts, content)[last] = value
    return read_config(content)


def explain(error: ValidationError) -> str:
    """The first of pydantic's complaints, in one line that begins with the key."""
    first = error.errors()[0]
    key = ".".join(map(str, (*_place(error.title), *first["loc"])))
    if first["type"] == "extra_forbidden":
        near = get_close_matches(key, known_keys(), n=1)
        return f"unknown key {key!r}" + (f": did you mean {near[0]!r}?" if near else "")
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
    before = f"{key}: " if key else ""
    if first["type"] in ("value_error", "json_invalid"):
        return before + message
    return f"{before}{message}, got {shortened(first['input'])}"


def _place(title: str) -> list[str]:
    """Where the part whose class is called ``title`` stands in the configuration."""
    fields = Config.model_fields.items()
    return [name for name, field in fields if getattr(field.annotation, "__name__", "") == title]


def known_keys(model: type[BaseModel] = Config, prefix: str = "") -> list[str]:
    """Every key of the configuration, with dots for the parts.

    Example:
        >>> "path.ml" in known_keys()
        True
    """
    keys: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def differences(first: Config, second: Config) -> list[str]:
    """Keys in which two configurations differ, each with both values.

    Example:
        >>> differences(Config(), Config(seed=1))
        ['seed: 0 and 1']
    """

    def value(config: Config, key: str) -> object:
        here: object = config
        for name in key.split("."):
            here = getattr(here, name)
        return here

    pairs = ((key, value(first, key), value(second, key)) for key in known_keys())
    return [f"{key}: {one} and {other}" for key, one, other in pairs if one != other]
