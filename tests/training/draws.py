"""What tests of an update share: its batch and its noise, and the gradients that it steps by."""

import torch

from alpha_bridge.objective import Noise


def draw(leading, features, latent, seed):
    """Data ``(*leading, features)`` and the noise of an update, as a function of a seed."""
    draws = torch.Generator().manual_seed(seed)
    x, prior, posterior = (
        torch.randn(*leading, size, generator=draws, dtype=torch.float64)
        for size in (features, latent, latent)
    )
    return x, Noise(prior, posterior, torch.rand(leading, generator=draws, dtype=torch.float64))


def gradients_seen(state):
    """By network, what its optimiser is given in the next update, once that is done."""
    seen = {}
    for network, optimizer in state.optimizers.items():
        parameters = list(state.model.network_parameters(network))
        optimizer.register_step_pre_hook(
            lambda *_, network=network, parameters=parameters: seen.update(
                {network: [None if p.grad is None else p.grad.clone() for p in parameters]}
            )
        )
    return seen
