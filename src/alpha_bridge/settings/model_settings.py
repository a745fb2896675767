"""The settings of the networks and of the decoder's noise."""

from dataclasses import dataclass
from typing import Annotated, Literal

from .intervals import DECAY, POSITIVE, Count, Interval, Settings

NOISE = 0.4
"""σ of the semi-implicit model (13), in model units."""


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
    noise_rate: Annotated[float | None, POSITIVE] = None
    """Nats that a number of a latent may hold on average, E KL / d, for a measured σ to fall in
    Step I; while it holds more, σ rises. None: any."""
    noise_end: Annotated[float, POSITIVE] = 0.1
    """σ at the end of an annealed run."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON and scripts have lists
        super().__post_init__()
