"""How likely samples are under a model, with a noise of choice."""

import torch
from torch import Tensor

from ..chunks import CHUNK, in_parts
from ..model import AlphaBridge

__all__ = ["bounds"]


def bounds(model: AlphaBridge, x: Tensor, sigma: float, draws: int) -> Tensor:
    """Importance-weighted bound of each sample under a σ of choice.

    The draws are the same for every σ, every model and every device.

    Args:
        model: A single model, no stacked trials; its σ does not matter.
        x: Samples in model units, on the model's device, shape ``(N, *event)``.
        sigma: σ, positive, in model units.
        draws: K, the number of latents for each sample, one or more.

    Returns:
        Nats, shape ``(N,)``.
    """
    rng = torch.Generator().manual_seed(0)
    noisy = model.with_noise(sigma)
    return torch.cat([noisy.log_likelihood_bound(part, draws, rng) for part in in_parts(x, CHUNK)])
