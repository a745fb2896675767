"""Data: densities that are known, images, vectors, and the order in which they are seen."""

from .array_kinds import from_array, from_tensor
from .arrays import ArraySource, ImageSource, VectorSource
from .attributes import Attributes, Labels, read_labels
from .densities import DensitySource, GaussianMixture
from .given import DatasetSource, source_of
from .images import digits, load_images
from .mixtures import grid, ring, spirals, unbalanced
from .rng import normal, stream, uniform
from .sampler import indices, share
from .samples import read_images, read_named_samples, read_samples, samples_of
from .source import Source
from .units import PixelUnits, StandardUnits, Units

__all__ = [
    "ArraySource",
    "Attributes",
    "DatasetSource",
    "DensitySource",
    "GaussianMixture",
    "ImageSource",
    "Labels",
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
    "read_images",
    "read_labels",
    "read_named_samples",
    "read_samples",
    "ring",
    "samples_of",
    "share",
    "source_of",
    "spirals",
    "stream",
    "unbalanced",
    "uniform",
]
