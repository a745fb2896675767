"""A plain network as an encoder."""

import math

import torch
from torch import Tensor, nn

from ..checks import positive
from ..sharing.blueprint import shareable

__all__ = ["Surrogate"]


@shareable
class Surrogate(nn.Module):
    r"""The encoder :math:`N(E(x), \sigma^2 I)` around a network E, as (13) is around a generator.

    Example:
        >>> import torch
        >>> mean, log_variance = Surrogate(nn.Linear(3, 2), noise=1.0)(torch.zeros(5, 3))
        >>> log_variance
        tensor([[0., 0.],
                [0., 0.],
                [0., 0.],
                [0., 0.],
                [0., 0.]])
    """

    def __init__(self, network: nn.Module, noise: float) -> None:
        """Put noise around a network.

        Args:
            network: E: from samples to latents.
            noise: σ, positive, in the units of the latents.

        Raises:
            ValueError: ``noise`` is not positive.
        """
        super().__init__()
        self.network = network
        self.log_variance = 2 * math.log(positive("noise", noise))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of samples, each the shape of their latents."""
        mean = self.network(x)
        return mean, torch.full_like(mean, self.log_variance)
