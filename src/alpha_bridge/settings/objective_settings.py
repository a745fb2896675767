"""The settings of what is bridged, and of the discriminator's regulariser."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from .intervals import COUNT, POSITIVE, Count, Interval, Settings


@dataclass(frozen=True)
class ObjectiveConfig(Settings):
    """The objective that is followed along α, equation (15)."""

    place = "objective"

    kind: Literal["data", "reconstruction", "marginal", "joint", "vqgan"] = "data"
    """What is bridged: the model to the data, reconstructions to the data, both marginals, or both
    joints (section 3.3); or vqgan, the usual sum for autoencoders. --objective for short."""
    game: Literal["bridge", "hinge", "sum", "js", "wasserstein"] = "bridge"
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
    """Temperature of a straight-through Gumbel-softmax that replaces the exact gradient: biased,
    and cheaper where a table has many alternatives; None for the exact one."""
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
