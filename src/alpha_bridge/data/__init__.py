"""Data: densities that are known, images, vectors, and the order in which they are seen."""

from ..units import PixelUnits, StandardUnits, Units
from .arrays import ArraySource, ImageSource, VectorSource, from_array, from_tensor
from .bundled import digits
from .density import DensitySource, GaussianMixture
from .files import read_samples
from .images import load_images
from .mixtures import grid, ring, spirals, unbalanced
from .rng import normal, stream
from .sampler import indices, share
from .source import Source

__all__ = [
    "ArraySource",
    "DensitySource",
    "GaussianMixture",
    "ImageSource",
    "PixelUnits",
    "Source",
    "StandardUnits",
    "Units",
    "VectorSource",
    "digits",
    "from_array",
    "from_tensor",
    "grid",
    "indices",
    "load_images",
    "normal",
    "read_samples",
    "ring",
    "share",
    "spirals",
    "stream",
    "unbalanced",
]
