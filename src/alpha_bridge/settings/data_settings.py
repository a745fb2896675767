"""The settings of known densities, and of how images are read."""

from dataclasses import dataclass
from typing import Annotated

from .intervals import COUNT, POSITIVE, Count, Interval, Settings


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
