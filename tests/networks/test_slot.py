"""Every network has the properties of its slot."""

from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    DCGANDiscriminator,
    DCGANEncoder,
    DCGANGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
    PatchDiscriminator,
    RowGenerator,
)
from tests.contracts import cases
from tests.contracts.network import SHARED, is_trial_by_trial_the_single_network

VECTORS = [*SHARED, is_trial_by_trial_the_single_network]
IMAGE = (1, 8, 8)
NETWORKS = {
    "MLPGenerator": ((lambda n: MLPGenerator(2, 3, (6,), n), (2,)), VECTORS),
    "RowGenerator": (
        (lambda n: RowGenerator(2, [(0, 3)], [(3, 1)], (6,), trials=n), (2,)),
        VECTORS,
    ),
    "MLPEncoder": ((lambda n: MLPEncoder(2, 3, (6,), n), (3,)), VECTORS),
    "MLPDiscriminator": ((lambda n: MLPDiscriminator(3, (6,), n), (3,)), VECTORS),
    "ConvGenerator": ((lambda n: ConvGenerator(2, 8, 1, 2, 4, n), (2,)), SHARED),
    "ConvEncoder": ((lambda n: ConvEncoder(2, 8, 1, 2, 4, n), IMAGE), SHARED),
    "ConvDiscriminator": ((lambda n: ConvDiscriminator(8, 1, 2, 4, n), IMAGE), SHARED),
    "DCGANGenerator": ((lambda n: DCGANGenerator(2, 8, 1, 2, n), (2,)), SHARED),
    "DCGANEncoder": ((lambda n: DCGANEncoder(2, 8, 1, 2, n), IMAGE), SHARED),
    "PatchDiscriminator": ((lambda n: PatchDiscriminator(1, 2, 1, n), IMAGE), SHARED),
    "DCGANDiscriminator": ((lambda n: DCGANDiscriminator(8, 1, 2, n), IMAGE), SHARED),
}


@cases(NETWORKS)
def test_a_network_has_the_properties_of_its_slot(part, holds):
    holds(part)
