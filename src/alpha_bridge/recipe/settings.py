"""The parts of a configuration, each of one thing that a run depends on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from tyro.conf import arg

__all__ = [
    "DENSITIES",
    "Alpha",
    "Change",
    "Count",
    "EvaluationConfig",
    "GammaConfig",
    "ImagesConfig",
    "MethodName",
    "MixtureConfig",
    "ModelConfig",
    "ObjectiveConfig",
    "OptimizationConfig",
    "Part",
    "PathConfig",
    "RegularizerConfig",
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


class Part(BaseModel):
    """Of a configuration: no unknown keys, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(Part):
    """What a run that went on changed in its configuration."""

    step: Annotated[int, Field(ge=0)]
    """Updates done before it."""
    key: str
    """Of the configuration, with dots for the parts."""
    before: Any
    """The value up to there."""
    after: Any
    """The value from there on."""


class PathConfig(Part):
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


class GammaConfig(Part):
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


class ModelConfig(Part):
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
    """Learn σ with θ, from noise on; between two domains, that of the way back with φ too."""


class ObjectiveConfig(Part):
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
    """One backward pass for all networks where it is exact."""
    full_cycle: bool = False
    """Reconstructions train who made their code too, between marginals and joints."""


class RegularizerConfig(Part):
    """The discriminator's regulariser."""

    kind: Literal["r1", "r1r2", "gp", "spectral", "none"] = "r1"
    """R1, R1 and R2 (on fakes too), the WGAN's gradient penalty, spectral normalisation, or
    nothing."""
    weight: float = 0.3
    """Weight of the penalty."""
    every: Count = 1
    """Updates from one penalty to the next, which is scaled to match."""


class OptimizationConfig(Part):
    """Adam for the three networks, and the average that is evaluated."""

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


class EvaluationConfig(Part):
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


class MixtureConfig(Part):
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


class ImagesConfig(Part):
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
