"""Networks for vectors and for images: nothing but networks."""

from .conv import ConvDiscriminator, ConvEncoder, ConvGenerator
from .mlp import Linear, MLPDiscriminator, MLPEncoder, MLPGenerator

__all__ = [
    "ConvDiscriminator",
    "ConvEncoder",
    "ConvGenerator",
    "Linear",
    "MLPDiscriminator",
    "MLPEncoder",
    "MLPGenerator",
]
