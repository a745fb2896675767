"""The configuration as a whole: its own keys, its parts, and the checks across them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from tyro.conf import Suppress, arg
from tyro.constructors import PrimitiveConstructorSpec

from ..files import read_json
from ..files.table_files import is_table
from ..metrics.definition import require_measured
from ..settings import (
    BATCH_SIZE,
    POSITIVE,
    UNIT,
    ControlConfig,
    Count,
    EvaluationConfig,
    GammaConfig,
    ImagesConfig,
    Interval,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    Optimization,
    PathConfig,
    RegularizerConfig,
    WatchConfig,
    require,
)

HISTORY = "changes"
DECIDED = "decided"
"""The fields that are no settings."""

DENSITIES: dict[str, Callable[[MixtureConfig], int]] = {
    "gaussians25": lambda mixture: mixture.side**2,
    "ring8": lambda mixture: mixture.modes,
    "unbalanced": lambda mixture: mixture.side**2,
    "spirals": lambda mixture: mixture.arms * mixture.pieces,
}
"""Data sets whose density is known, each with the number of its modes."""

MethodName = Literal[
    "ml",
    "rkl-gp",
    "rkl-sn",
    "js-gan",
    "hinge-gan",
    "wgan-gp",
    "naive",
    "vaegan-sum",
    "ali",
    "cyclegan",
    "vqgan-adaptive",
    "vqgan-fixed",
    "hinge-bridge",
    "alpha-bridge",
]


Tracker = Literal["tensorboard", "trackio", "wandb"]

RowPlaces = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int | None], ...]]
"""The categories and the numbers of :class:`~alpha_bridge.observation.RowFamily`."""

FROM_FILE = PrimitiveConstructorSpec(
    nargs=1,
    metavar="FILE",
    instance_from_str=lambda given: read_json(Path(given[0]).expanduser()),
    is_instance=lambda value: value is None or isinstance(value, dict),
    str_from_instance=lambda value: ["None" if value is None else "{...}"],
)
"""An option whose value is the content of a JSON file."""


class _Part(BaseModel):
    """Of a configuration: no unknown keys, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(_Part):
    """What a run that went on changed in its configuration."""

    step: int
    """Updates done before it."""
    key: str
    """Of the configuration, with dots for the parts."""
    before: Any
    """The value up to there."""
    after: Any
    """The value from there on."""


class Config(_Part):
    """Everything that a run depends on. All defaults are ours: the paper's appendix is lost."""

    data: str = "gaussians25"
    """gaussians25, ring8, unbalanced, spirals, digits, a hub id, a folder or file of images, a
    folder of shards of images (.tar, .parquet, .arrow), an .npy file, or a table: a CSV, Parquet
    or Arrow file, or a folder of Parquet files."""
    columns: Annotated[dict[str, Any] | None, FROM_FILE] = None
    """A JSON file that states kinds of a table's columns, {"zip": "category"}; the others are
    recognised. Training records them all."""
    prior: str | None = None
    """A second domain of data in place of the latents' N(0, I), named like data: the model then
    translates between both. For the objectives marginal and joint."""
    method: MethodName = "alpha-bridge"
    """The paper's method, or a baseline; options change only what does not define it."""
    init: Annotated[str | None, arg(name="from")] = None
    """A trained VAE to start from, in a folder or on the hub: of diffusers (AutoencoderKL and
    four other classes), or of pythae with pythae's own networks."""
    latent_scale: Annotated[float | None, POSITIVE] = None
    """Factor by which the VAE's latents are scaled to fit the prior; None: that of its files if it
    fits, or else measured."""
    freeze: Literal["none", "encoder"] = "none"
    """What of that VAE is left as it is: nothing, or the encoder, so that latents stay the same."""
    architecture: Annotated[dict[str, Any] | None, Suppress] = None
    """Library and configuration of that VAE, recorded by training."""
    seed: Annotated[int, Interval(0)] = 0
    """Seed of the weights, the batches and the noise."""
    trials: Count = 1
    """Number of independent trials, trained together; trial k has the seed plus k."""
    steps: Count = 10_000
    """Number of updates in all."""
    realism: Annotated[float | None, UNIT] = None
    """How far the run goes from the likelihood, 0, to the data's realism, 1; everything else that
    is not given then follows from the data. None: by path.end and gamma, as a preset has them."""
    decided: Annotated[tuple[str, ...], Suppress, Field(exclude_if=operator.not_)] = ()
    """Keys whose values were, or will be, decided from the data."""
    batch_size: Count = BATCH_SIZE
    """Samples in one update, over all processes."""
    precision: Literal["no", "bf16"] = "no"
    """Mixed precision of the networks: no, or bfloat16."""
    compile: bool = False
    """Compile the networks, for accelerators; the gradient penalty stays eager."""
    record_every: Count = 50
    """Updates between records of the losses."""
    checkpoint_every: Count = 1000
    """Updates between checkpoints; those at the ends of Steps I to III are always kept."""
    keep: Count = 3
    """Latest checkpoints from which training can go on."""
    best: str | None = None
    """Metric whose best checkpoint is kept too: its name in metrics.jsonl, or how that begins."""
    track: tuple[Tracker, ...] = ("tensorboard",)
    """What gets the records too: tensorboard where it is installed, trackio, wandb; or nothing."""
    snapshots: Annotated[int, Interval(0)] = 0
    """Checkpoints of Step II to keep, evenly along α, for alpha-bridge frontier."""
    event_shape: tuple[int, ...] | None = None
    """Shape of one sample; None: that of the data, recorded by training."""
    prior_shape: Annotated[tuple[int, ...] | None, Suppress] = None
    """Shape of one sample of the second domain, recorded by training."""
    rows: Annotated[RowPlaces | None, Suppress] = None
    """Where a row of a table has its categories and numbers, recorded by training."""
    fingerprint: Annotated[str | None, Suppress] = None
    """Number and sum of the samples, held-out ones included, recorded by training."""
    prior_fingerprint: Annotated[str | None, Suppress] = None
    """The same of the second domain, recorded by training."""
    white: Annotated[int | None, Suppress] = None
    """What is white in images of more than 8 bits, recorded by training."""
    path: PathConfig = PathConfig()
    gamma: GammaConfig = GammaConfig()
    control: ControlConfig = ControlConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    regularizer: RegularizerConfig = RegularizerConfig()
    optimization: Optimization = Optimization()
    evaluation: EvaluationConfig = EvaluationConfig()
    watch: WatchConfig = WatchConfig()
    mixture: MixtureConfig = MixtureConfig()
    images: ImagesConfig = ImagesConfig()
    changes: Annotated[tuple[Change, ...], Suppress, Field(exclude_if=operator.not_)] = ()
    """What was changed when the run was resumed, in order."""

    @model_validator(mode="after")
    def _in_range(self) -> Config:
        require(Config, **vars(self))
        return self

    @model_validator(mode="after")
    def _best_is_measured(self) -> Config:
        if self.best is not None:
            require_measured("best", self.best)
        return self

    @model_validator(mode="after")
    def _path_fits(self) -> Config:
        shares = (self.path.ml, self.path.transfer, self.path.adversarial)
        lengths = self.path.lengths(self.steps)
        if any(share and not length for share, length in zip(shares, lengths, strict=True)):
            undecided = self.event_shape is None and "path.ml" in self.decided
            given = "" if undecided else f" ({', '.join(f'{share:g}' for share in shares)})"
            raise ValueError(
                f"{self.steps} steps leave a share of the path{given} without an update: give more "
                "steps, or that share as 0"
            )
        if 0 < self.snapshots >= lengths[1]:
            raise ValueError(
                f"Step II has {lengths[1]} updates, too few for {self.snapshots} snapshots within: "
                "give fewer, more steps, or path.transfer a larger share"
            )
        return self

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Config:
        if self.init is None and self.model.noise is None:
            raise ValueError(
                "model.noise must be a number without --from, which would measure it on a VAE"
            )
        if self.init is None and self.freeze != "none":
            raise ValueError(
                f"freeze, got {self.freeze}, keeps what a VAE has learned: give one with --from"
            )
        if self.init is None and self.latent_scale is not None:
            raise ValueError(
                "latent_scale belongs to the VAE of --from: without --from, leave it out"
            )
        if self.init is None and self.model.checkpointing:
            raise ValueError(
                "model.checkpointing is for the networks of a VAE: without --from, leave it out"
            )
        return self

    @model_validator(mode="after")
    def _has_a_use_for(self) -> Config:
        if self.prior is not None and self.objective.one_sided:
            raise ValueError(
                f"a second domain, got prior={self.prior}, needs an objective with two bridges: "
                "give --objective marginal"
            )
        if self.init is not None and not self.objective.one_sided:
            raise ValueError(
                f"a trained VAE is not bridged with the objective {self.objective.kind}: give "
                "--objective reconstruction or data, or leave out --from"
            )
        if self.objective.features != "none" and not self.objective.one_sided:
            raise ValueError(
                f"features are not reconstructed with the objective {self.objective.kind}: leave "
                "out --objective.features"
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
    def any_size(self) -> bool:
        """Whether the networks take images of any size: a VAE's, and a discriminator of patches."""
        return self.init is not None and self.model.discriminator == "patches"

    @property
    def singles(self) -> tuple[Config, ...]:
        """What trains each trial alone."""
        seeds = range(self.seed, self.seed + self.trials)
        return tuple(self.model_copy(update={"seed": seed, "trials": 1}) for seed in seeds)

    @property
    def idle(self) -> tuple[str, ...]:
        """Parts that these data have no use for."""
        density = self.data in DENSITIES
        vectors = self.data.endswith(".npy") and dimensions(self.data) < 3
        no_images = density or self.data == "digits" or vectors or is_table(self.data)
        parts = {"mixture": not density, "images": no_images}
        return tuple(part for part, idle in parts.items() if idle)


def dimensions(path: str) -> int:
    """Of an array in a file; 2 where it cannot be read, of which whoever reads it tells."""
    import numpy as np

    with suppress(Exception):  # whatever a broken header makes the parsers of Python raise
        place = Path(path).expanduser()
        return int(np.load(place, mmap_mode="r", allow_pickle=False).ndim)
    return 2
