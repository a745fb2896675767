r"""How likely samples are under a model, with the noise that fits it.

Under the run's own σ the bound is little more than the reconstruction error seen from afar, for σ
is a choice of the training and mostly larger than the error. :math:`\sigma_*^2 = E \|x -
G_\theta(z)\|^2 / d`, with z from the encoder, makes the evidence lower bound (3) largest.
"""

import torch
from torch import Tensor

from .model import AlphaBridge

__all__ = ["best_sigma", "bounds"]

CHUNK = 100


@torch.no_grad()
def best_sigma(model: AlphaBridge, x: Tensor) -> float:
    """Root mean squared error of what draws from the encoder are decoded to.

    Args:
        model: A single model, no stacked trials.
        x: Samples in model units, shape ``(N, *event)``.

    Returns:
        σ in model units, the same at every call.
    """
    rng = torch.Generator().manual_seed(0)
    errors = [
        (part - model.decode(model.encode(part, draw=True, rng=rng))).square().flatten(1).mean(1)
        for part in x.split(CHUNK)
    ]
    return float(torch.cat(errors).mean().sqrt())


def bounds(model: AlphaBridge, x: Tensor, sigma: float, draws: int) -> Tensor:
    """Importance-weighted bound of each sample under a σ of choice.

    The draws are the same for every σ and every model.

    Args:
        model: A single model, no stacked trials; its σ does not matter.
        x: Samples in model units, shape ``(N, *event)``.
        sigma: σ, positive, in model units.
        draws: K, the number of latents for each sample, one or more.

    Returns:
        Nats, shape ``(N,)``.
    """
    rng = torch.Generator().manual_seed(0)
    noisy = model.with_noise(sigma)
    return torch.cat([noisy.log_likelihood_bound(part, draws, rng) for part in x.split(CHUNK)])
