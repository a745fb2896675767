"""A small bridge, and how two are compared."""

import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator


def vectors(**more):
    return (
        MLPGenerator(2, 3, hidden=(8,), **more),
        MLPEncoder(2, 3, hidden=(8,), **more),
        MLPDiscriminator(3, hidden=(8,), **more),
    )


@pytest.fixture
def bridge():
    return AlphaBridge(*vectors(), noise=0.3).eval()


@pytest.fixture
def same():
    """Compare two models on the same numbers."""

    def compare(first, second):
        z = first.prior(4, torch.Generator().manual_seed(1))
        x = first.decode(z)
        assert torch.equal(second.decode(z), x)
        for one, other in zip(first.posterior(x), second.posterior(x), strict=True):
            assert torch.equal(one, other)
        assert torch.equal(first.log_ratio(x), second.log_ratio(x))
        assert torch.equal(first.sigma, second.sigma)

    return compare
