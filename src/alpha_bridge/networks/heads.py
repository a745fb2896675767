"""The head that every encoder ends with."""

from torch import Tensor, nn

__all__ = ["GaussianHead"]


class GaussianHead(nn.Module):
    """Read the last dimension as mean and log-variance, one half each.

    Example:
        >>> import torch
        >>> mean, log_variance = GaussianHead()(torch.zeros(5, 4))
        >>> mean.shape
        torch.Size([5, 2])
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Split ``(*batch, 2 d)`` into two tensors ``(*batch, d)``."""
        mean, log_variance = x.chunk(2, -1)
        return mean, log_variance
