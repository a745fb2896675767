"""The generator of rows of a table: a network, and a learned σ of each number."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..observation import RowFamily
from ..settings import ModelConfig
from .blueprint import shareable
from .mlp import MLPGenerator

__all__ = ["RowGenerator"]


@shareable
class RowGenerator(nn.Module):
    """Latents ``(*trials, batch, latent)`` to the parameters of rows, ``(*trials, batch, D + N)``.

    Attributes:
        rows: Where the row has its categories and numbers.
        log_sigmas: log σ of each number, learned, ``(*trials, N)``.

    Example:
        >>> generator = RowGenerator(2, categories=[(0, 3)], numbers=[(3, None)])
        >>> generator(torch.zeros(5, 2)).shape
        torch.Size([5, 5])
    """

    def __init__(
        self,
        latent: int,
        categories: Sequence[Sequence[int]] = (),
        numbers: Sequence[Sequence[int | None]] = (),
        hidden: Sequence[int] = ModelConfig.hidden,
        noise: float = 1.0,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights, for rows of these categories and numbers.

        Args:
            latent: Size of a latent.
            categories: As of :class:`~alpha_bridge.observation.RowFamily`.
            numbers: Likewise.
            hidden: Sizes of the hidden layers.
            noise: σ of all numbers to begin with, positive, in the units of the row.
            trials: Number of replicas, or None.
        """
        super().__init__()
        self.rows = RowFamily(
            tuple((start, size) for start, size in categories),
            tuple((place or 0, gate) for place, gate in numbers),
        )
        self.network = MLPGenerator(latent, self.rows.size, hidden, trials)
        self.trial_shape = self.network.trial_shape
        self.log_sigmas = nn.Parameter(torch.full((*self.trial_shape, len(numbers)), noise).log())
        self.latent_shape = (latent,)

    def forward(self, z: Tensor) -> Tensor:
        outputs = self.network(z)
        log_sigmas = self.log_sigmas.unsqueeze(-2).expand(*outputs.shape[:-1], -1)
        return torch.cat([outputs, log_sigmas], -1)
