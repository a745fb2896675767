r"""Every setting of a run, declared once: its name, default, range and a line of help.

The parts of the mathematics take their defaults and their ranges from here, and the configuration,
the options of the command line and the table of settings in the documentation are made of it.
All defaults are ours: the paper's are in its missing appendix.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args, get_type_hints

BATCH_SIZE = 128
"""Samples of an update."""
NOISE = 0.4
"""σ of the semi-implicit model (13), in model units."""
REALISM = 0.9
"""How far a run goes from likelihood, 0, to adversarial learning, 1."""


class Interval(NamedTuple):
    """The numbers that a setting may have.

    Example:
        >>> str(Interval(0, 1, "[)")), 1.0 in Interval(0, 1, "[)")
        ('lie in [0, 1)', False)
    """

    low: float
    high: float = math.inf
    ends: str = "[)"

    def __contains__(self, value: Any) -> bool:  # noqa: ANN401
        above = self.low < value if self.ends[0] == "(" else self.low <= value
        return bool(above and (value < self.high if self.ends[1] == ")" else value <= self.high))

    def __str__(self) -> str:
        if self.high < math.inf:
            return f"lie in {self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"
        return "be positive" if self.ends[0] == "(" else f"be at least {self.low:g}"


COUNT, POSITIVE, UNIT = Interval(1), Interval(0, math.inf, "()"), Interval(0, 1, "[]")
DECAY = Interval(0, 1, "[)")
Count = Annotated[int, COUNT]


@cache
def ranges(kind: type) -> Mapping[str, Interval]:
    """The range of each setting that a class declares and that has one."""
    hints = get_type_hints(kind, include_extras=True).items()
    return {name: found for name, hint in hints if (found := _interval(hint)) is not None}


def _interval(hint: Any) -> Interval | None:  # noqa: ANN401
    """The range in an annotation, its own or that of what it is made of."""
    if isinstance(hint, Interval):
        return hint
    parts = (*getattr(hint, "__metadata__", ()), *get_args(hint))
    return next((found for part in parts if (found := _interval(part)) is not None), None)


def require(kind: type, place: str = "", /, **values: Any) -> None:  # noqa: ANN401
    """Hold values to the ranges that the settings of a class declare.

    Args:
        kind: The class.
        place: What the line of an error puts before the name of the setting.
        **values: By the name of the setting; each number of a tuple is held to the range.

    Raises:
        ValueError: A value is outside its range.

    Example:
        >>> require(RegularizerConfig, weight=-1)
        Traceback (most recent call last):
            ...
        ValueError: weight must be at least 0, got -1
    """
    for name, value in values.items():
        interval = ranges(kind).get(name)
        if interval is None or value is None:
            continue
        if isinstance(value, tuple):
            if not value:
                raise ValueError(f"{place}{name} must have at least 1 number, got none")
            for index, number in enumerate(value):
                if number not in interval:
                    raise ValueError(f"{place}{name}.{index} must {interval}, got {number}")
        elif value not in interval:
            finite = " and finite" if interval.ends == "()" or value == math.inf else ""
            raise ValueError(f"{place}{name} must {interval}{finite}, got {value}")


class Settings:
    """A part of the configuration: values in their ranges, and no unknown keys."""

    place: ClassVar[str]
    """The part's key in the configuration."""
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        require(type(self), f"{self.place}.", **vars(self))


@dataclass(frozen=True)
class PathConfig(Settings):
    """Algorithm 1: shares of the updates for its three steps, and α of the first and the last."""

    place = "path"

    kind: Literal["ramp", "adaptive"] = "ramp"
    """The paper's ramp, or an α that moves on only as far as the model follows."""
    ml: float = 0.2
    """Share of Step I, where α stays at the start."""
    transfer: float = 0.5
    """Share of Step II, where α moves from the start to the end; the least if it is adaptive."""
    adversarial: float = 0.3
    """Share of Step III, where α stays at the end."""
    start: Annotated[float, UNIT] = 0.0
    """α of Step I, in [0, 1]; the paper's is 0."""
    end: Annotated[float, UNIT] = 1.0
    """α at the end of Step II, in [0, 1]; the paper's is 1."""
    sweeps: Count = 1
    """How often Step II runs between start and end; every second time it runs back."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = (self.ml, self.transfer, self.adversarial)
        if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-9):
            raise ValueError(
                "path: the shares ml, transfer and adversarial must be zero or more and add up to "
                f"1, got {' + '.join(map(str, shares))} = {sum(shares):.6g}"
            )

    def lengths(self, steps: int) -> tuple[int, int, int]:
        """Updates of the three steps, ``steps`` in all."""
        first, second = round(self.ml * steps), round((self.ml + self.transfer) * steps)
        return first, second - first, steps - second


@dataclass(frozen=True)
class GammaConfig(Settings):
    """The choice of γ(α), equation (12) and footnote 1."""

    place = "gamma"

    kind: Literal["sigmoid", "linear", "power", "cosine", "optimal", "realism"] = "sigmoid"
    """The paper's is sigmoid; optimal has the least variance, estimated during training; realism is
    the sigmoid that --realism and σ decide."""
    c: Annotated[float, Interval(0.001, 200, "[]")] = 10.0
    """Steepness of the sigmoid."""
    d: Annotated[float, Interval(-200, 200, "[]")] = -5.0
    """Offset of the sigmoid."""
    exponent: Annotated[float, POSITIVE] = 2.0
    """Exponent of the power."""
    every: Count = 10
    """Updates between measurements for the optimal γ."""
    decay: Annotated[float, DECAY] = 0.9
    """Decay of the average of those measurements, in [0, 1)."""


@dataclass(frozen=True)
class ControlConfig(Settings):
    """What an adaptive path measures, and what it holds α for."""

    place = "control"

    every: Count = 20
    """Updates between measurements, each on a batch of held-out data."""
    patience: Count = 10
    """Measurements in a row that break a limit before α goes back."""
    ess: Annotated[float, Interval(0, 1, "[)")] = 0.1
    """Least effective sample size of the weights at the next α, in [0, 1)."""
    accuracy: Annotated[float, Interval(0.5, 1, "(]")] = 0.99
    """Largest accuracy of the discriminator, in (0.5, 1]."""
    overconfidence: Annotated[float, POSITIVE] = 0.5
    """Largest excess of the discriminator's loss over the entropy of its own probabilities, in
    nats; 0 if it is calibrated."""
    missed: Annotated[float, Interval(0, 1, "(]")] = 0.5
    """Largest share of the data that the discriminator holds for twenty times as likely as the
    model makes them."""
    error: Annotated[float | None, Interval(1)] = None
    """Largest root mean squared error of reconstructions, as a multiple of that of Step I; None:
    5 dB of PSNR for each nine of realism."""

    def error_limit(self, realism: float) -> float:
        """The largest error, as a multiple of that of Step I, at a realism in [0, 1].

        Example:
            >>> round(ControlConfig().error_limit(0.9), 3), ControlConfig().error_limit(0.0)
            (1.778, 1.0)
        """
        if self.error is not None:
            return self.error
        return (1 - realism) ** -0.25 if realism < 1 else math.inf


@dataclass(frozen=True)
class ModelConfig(Settings):
    """Networks and decoder noise."""

    place = "model"

    kind: Literal["conv", "dcgan"] = "conv"
    """Networks of images: small ones with a dense layer, or the DCGAN's."""
    latent: Count = 2
    """Size of a latent."""
    hidden: tuple[Count, ...] = (128, 128, 128)
    """Sizes of the hidden layers for vectors; images use the last one for their dense layer."""
    width: Count = 32
    """Channels of the layer next to the image; deeper layers have more."""
    checkpointing: bool = False
    """Keep few activations of a VAE's two networks, by its library's gradient checkpointing: less
    memory, more time, and the same numbers."""
    discriminator: Literal["whole", "patches"] = "whole"
    """What of an image the discriminator sees at once: all of it, or a patch."""
    halvings: Annotated[int, Interval(1, 4, "[]")] = 2
    """Halvings in a discriminator of patches: with 1 to 4 a patch has 8, 18, 38 or 78 pixels."""
    noise: Annotated[float | None, POSITIVE] = NOISE
    """σ of the semi-implicit model (13), in model units: images lie in [-1, 1]. None: the
    reconstruction error of the VAE of --from."""
    noise_course: Literal["fixed", "learned", "measured", "annealed"] = "fixed"
    """How σ goes on from noise: it stays; it is learned with θ (and with two domains, the second
    one's with φ); it follows the root mean squared error of reconstructions; or it falls evenly, in
    its logarithm, to noise_end."""
    noise_decay: Annotated[float, DECAY] = 0.99
    """Decay of the measured σ's average, in [0, 1)."""
    noise_end: Annotated[float, POSITIVE] = 0.1
    """σ at the end of an annealed run."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON and scripts have lists
        super().__post_init__()


@dataclass(frozen=True)
class ObjectiveConfig(Settings):
    """The objective that is followed along α, equation (15)."""

    place = "objective"

    kind: Literal["data", "reconstruction", "marginal", "joint", "vqgan"] = "data"
    """What is bridged: the model to the data, reconstructions to the data, both marginals, or both
    joints (section 3.3); or vqgan, the usual sum for autoencoders. --objective for short."""
    game: Literal["bridge", "sum", "js", "wasserstein"] = "bridge"
    """Adversarial loss of generator and discriminator: the paper's bridge, or a baseline's."""
    clip: Annotated[float, Interval(0, math.inf, "(]")] = 5.0
    """Bound on the exponents of the bridge's weights, in nats; the paper has none."""
    weight: Annotated[float, POSITIVE] = 1.0
    """Weight of the likelihood in the fixed sum; of the discriminator's term in vqgan."""
    adaptive: bool = False
    """Multiply that term of vqgan by the quotient of both gradients' norms at the last layer."""
    kl_weight: Annotated[float, Interval(0)] = 1.0
    """Weight of the encoder's divergence from N(0, I) beside the log-likelihood; not for marginal
    and joint."""
    features: Literal["none", "classifier", "rotations"] = "none"
    """Whose features of images are reconstructed beside pixels: a classifier's of the labels, or of
    quarter turns; not for marginal and joint."""
    alternatives: Annotated[int | None, COUNT] = 4
    """Alternatives of each generated row of a table that the discriminator looks at, likely ones
    most, for the gradient of its categories; None for all, which costs more and varies less."""
    temperature: Annotated[float | None, POSITIVE] = None
    """Of straight-through Gumbel-softmax in place of that exact gradient: biased, and cheaper where
    a table has many alternatives; None for the exact one."""
    normalized: bool = False
    """Divide the generator's loss by the size that its gradient should have at α, so that Adam,
    which remembers larger ones for long, does not stand still when κ has fallen; not for marginal,
    joint and vqgan."""
    one_backward: bool = True
    """Use one backward pass for all networks where it is exact."""
    full_cycle: bool = False
    """With marginal and joint, reconstructions also train the network that made their code."""

    @property
    def one_sided(self) -> bool:
        """Whether only the model is bridged to the data, and the encoder infers."""
        return self.kind not in ("marginal", "joint")

    @property
    def reconstructs(self) -> bool:
        """Whether the discriminator sees reconstructions, and the prior is never drawn."""
        return self.kind in ("reconstruction", "vqgan")


@dataclass(frozen=True)
class RegularizerConfig(Settings):
    """The discriminator's regulariser."""

    place = "regularizer"

    kind: Literal["r1", "r1r2", "gp", "spectral", "none"] = "r1"
    """R1, R1 and R2 (on fakes too), the WGAN's gradient penalty, spectral normalisation, or
    nothing."""
    weight: Annotated[float, Interval(0)] = 0.3
    """Weight of the penalty."""
    every: Count = 1
    """Updates between penalties, which are scaled to match."""


SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
}
"""What multiplies a learning rate, of the share of the updates after the warm-up that are done."""


@dataclass(frozen=True)
class Optimization(Settings):
    r"""Adam for the three networks, its learning rates, and the average that is evaluated.

    Update t = 0, 1, … of T at α has the learning rate

    .. math:: \eta \, \min\!\left(1, \frac{t+1}{w}\right) s\!\left(\frac{t-w}{T-w}\right)

    with w updates of warm-up (in which s = 1), s = 1 for the constant schedule and
    :math:`s(u) = (1 + \cos \pi u) / 2` for the cosine; φ's is multiplied by :math:`h^\alpha`.

    Raises:
        ValueError: A value is out of its range.

    Source:
        Kingma and Ba, Adam, ICLR 2015; Loshchilov and Hutter, SGDR, ICLR 2017, for the cosine.
    """

    place = "optimization"

    generator: Annotated[float, POSITIVE] = 1e-3
    """Learning rate of the generator."""
    encoder: Annotated[float, POSITIVE] = 1e-3
    """Learning rate of the encoder."""
    discriminator: Annotated[float, POSITIVE] = 1e-3
    """Learning rate of the discriminator."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Course of the learning rates after the warm-up: constant, or down to zero along a cosine."""
    warmup: Annotated[int, Interval(0)] = 0
    """Updates in which the learning rates rise linearly to their full values."""
    beta1: Annotated[float, DECAY] = 0.5
    """Decay of the first moment."""
    # .99, not Adam's .999: the likelihood's gradient is larger than the adversarial one by its
    # weight κ/σ², and .99 forgets that scale within some hundred updates of Step III
    beta2: Annotated[float, DECAY] = 0.99
    """Decay of the second moment."""
    hold: Annotated[float, Interval(0, 1, "(]")] = 1.0
    """Factor h of the encoder's learning rate at α = 1, in (0, 1]; at α it is h to the power α."""
    average: Annotated[float, DECAY] = 0.995
    """Decay of the generator's moving average; 0 for none."""
    average_grows: bool = False
    """Let that average hold no more than about the last tenth of the updates so far."""
    discriminator_steps: Count = 1
    """Updates of the discriminator in each update of the others."""

    def rate(self, network: str, alpha: float, step: int = 0, steps: int = 0) -> float:
        """Learning rate of a network.

        Args:
            network: ``generator``, ``encoder`` or ``discriminator``.
            alpha: α in [0, 1].
            step: Updates done.
            steps: Updates of the whole path; 0 where there is no schedule to follow.

        Example:
            >>> Optimization(encoder=1e-3, hold=0.01).rate("encoder", 0.5)
            0.0001
            >>> cosine = Optimization(warmup=10, schedule="cosine")
            >>> [round(cosine.rate("generator", 0.0, step, 110), 6) for step in (0, 9, 60)]
            [0.0001, 0.001, 0.0005]
        """
        rate: float = getattr(self, network)
        return rate * self._course(step, steps) * (self.hold**alpha if network == "encoder" else 1)

    def _course(self, step: int, steps: int) -> float:
        if step < self.warmup and steps:
            return (step + 1) / self.warmup
        rest = steps - self.warmup
        return SCHEDULES[self.schedule]((step - self.warmup) / rest) if rest > 0 else 1.0


@dataclass(frozen=True)
class EvaluationConfig(Settings):
    """When and how the averaged generator is measured."""

    place = "evaluation"

    every: Count = 1000
    """Updates between evaluations; the ends of Steps I to III are always evaluated."""
    samples: Annotated[int, Interval(2)] = 5000
    """Number of samples that metrics are computed from, at least 2."""
    features: Literal["classifier", "rotations", "inception", "pixels"] = "classifier"
    """Features of images: of a classifier of the labels, of a classifier of quarter turns (which
    needs no labels), of Inception, or averaged pixels."""
    bandwidth: Annotated[float, POSITIVE] = 0.1
    """Bandwidth of the kernel density estimate, in the units of the mixture."""
    target: str | None = None
    """Of a table, the column that a model is trained to tell from the others on generated rows, and
    tested on real ones; None for the last category of few values, or the last number."""
    shown: Count = 64
    """Number of latents whose samples are recorded through training."""


@dataclass(frozen=True)
class WatchConfig(Settings):
    """The flight recorder: what counts as an incident of training, and what is done about it."""

    place = "watch"

    answer: Literal["say", "stop", "roll-back"] = "say"
    """Say it and go on, stop, or go back to the last good checkpoint and change something."""
    diverged: Literal["end", "roll-back"] = "end"
    """What is done where networks are not finite, if the answer is not to roll back anyway: end the
    run, or roll back, as a run with a dial does."""
    change: Literal["rates", "alpha"] = "rates"
    """What a roll-back changes: the learning rates, which are halved, or the end of the path, which
    is lowered to α where it began (with α there already, or with sweeps, the rates)."""
    rollbacks: Annotated[int, Interval(0)] = 3
    """Roll-backs of a run at most; then it stops, or ends if its networks are not finite."""
    bundles: Annotated[int, Interval(0)] = 3
    """Incidents of a run at most that are kept for alpha-bridge replay."""
    every: Count = 100
    """Updates between measurements on held-out data."""
    patience: Count = 500
    """Updates in a row for which what follows must hold; numbers that are not finite count at
    once."""
    ess: Annotated[float, UNIT] = 0.02
    """Effective sample size, as a share of the batch, under which few samples decide; of the
    weights of the half that has the larger share of the gradient."""
    accuracy: Annotated[float, UNIT] = 0.98
    """Accuracy on held-out data and fresh fakes from which the discriminator has won, once γ is at
    least 1/2."""
    logit: Annotated[float, POSITIVE] = 10.0
    """Mean size of the logits there, in nats, from which it has won as well."""
    spread: Annotated[float, Interval(0)] = 0.25
    """Distance of a typical sample to the nearest other one, or to any other, over that of held-out
    data, under which the generator has collapsed."""


@dataclass(frozen=True)
class MixtureConfig(Settings):
    """The known densities: a grid (gaussians25, unbalanced), a ring (ring8) and spirals."""

    place = "mixture"

    side: Count = 5
    """Gaussians along each side of a grid."""
    spacing: Annotated[float, POSITIVE] = 2.0
    """Distance between neighbours on a grid."""
    modes: Count = 8
    """Gaussians on a ring."""
    radius: Annotated[float, POSITIVE] = 2.0
    """Radius of a ring, and where spirals end."""
    arms: Count = 2
    """Arms of spirals."""
    pieces: Annotated[int, Interval(2)] = 50
    """Gaussians along each arm."""
    turns: Annotated[float, POSITIVE] = 1.0
    """Turns of each arm."""
    std: Annotated[float, POSITIVE] = 0.1
    """Standard deviation of each Gaussian."""


@dataclass(frozen=True)
class ImagesConfig(Settings):
    """How a data set of images is read."""

    place = "images"

    size: Annotated[int | None, COUNT] = None
    """Pixels of a side; images are cropped to a square and resized. None: their own, if all are
    equal squares that the networks take, or the next of 8, 16, 28, 32 and 64 below."""
    channels: int | None = None
    """1 or 3; None: 3 if any image is in colour."""
    crop: Annotated[int | None, COUNT] = None
    """Pixels of a side of the random square of each image that an update trains on, for a VAE with
    a discriminator of patches; images are measured whole. None: updates have whole images."""
    image_column: str | None = None
    """Column of the images; None: the one that holds images."""
    label_column: str | None = None
    """Column of the labels; None: the one that holds classes, or is called label."""
    train_split: str = "train"
    """Split to train on."""
    held_out_split: str | None = None
    """Split to evaluate on; None: test or validation, or a tenth of the training split."""
    skip_broken: bool = False
    """Leave out images that cannot be decoded, instead of refusing the data."""
    stream: bool | None = None
    """Whether images of shards (.tar, .parquet, .arrow) are decoded each time an update draws them;
    False: once, into the cache. None: where the shards have 2 GiB and more."""
