"""Networks for vectors and for images: nothing but networks."""

from .conv import ConvDiscriminator, ConvEncoder, ConvGenerator
from .dcgan import DCGANDiscriminator, DCGANEncoder, DCGANGenerator
from .mlp import Linear, MLPDiscriminator, MLPEncoder, MLPGenerator

__all__ = [
    "ConvDiscriminator",
    "ConvEncoder",
    "ConvGenerator",
    "DCGANDiscriminator",
    "DCGANEncoder",
    "DCGANGenerator",
    "Linear",
    "MLPDiscriminator",
    "MLPEncoder",
    "MLPGenerator",
]
