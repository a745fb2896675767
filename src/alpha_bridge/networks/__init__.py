"""Networks for vectors and for images, and what trains them: nothing else."""

from .conv import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    ConvPairDiscriminator,
    ConvTranslator,
)
from .dcgan import DCGANDiscriminator, DCGANEncoder, DCGANGenerator
from .marginals import Marginals
from .mlp import Linear, MLPDiscriminator, MLPEncoder, MLPGenerator, MLPTranslator
from .patch import PatchDiscriminator
from .row_generator import RowGenerator
from .surrogate import Surrogate

__all__ = [
    "ConvDiscriminator",
    "ConvEncoder",
    "ConvGenerator",
    "ConvPairDiscriminator",
    "ConvTranslator",
    "DCGANDiscriminator",
    "DCGANEncoder",
    "DCGANGenerator",
    "Linear",
    "MLPDiscriminator",
    "MLPEncoder",
    "MLPGenerator",
    "MLPTranslator",
    "Marginals",
    "PatchDiscriminator",
    "RowGenerator",
    "Surrogate",
]
