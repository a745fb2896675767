"""Adam without the wrappers of torch's compiler."""

import pytest
import torch

from alpha_bridge.networks.adam import Adam


@pytest.mark.parametrize("fused", [True, None])
def test_it_is_torchs_adam_to_the_last_bit(fused):
    start, found = torch.randn(5), []
    for kind in (Adam, torch.optim.Adam):
        weights = start.clone().requires_grad_()
        optimizer = kind([weights], lr=0.1, betas=(0.5, 0.9), fused=fused)
        for _ in range(3):
            optimizer.zero_grad()
            weights.square().sum().backward()
            optimizer.step()
        found.append(weights.detach())
    torch.testing.assert_close(*found, rtol=0, atol=0)
