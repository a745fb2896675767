"""The head that every encoder ends with."""

from torch import Tensor, nn

__all__ = ["GaussianHead"]


class GaussianHead(nn.Module):
    """Read ``(*batch, 2 d)`` as mean and log-variance ``(*batch, d)``, one half each.

    Example:
        >>> import torch
        >>> mean, log_variance = GaussianHead()(torch.zeros(5, 4))
        >>> mean.shape
        torch.Size([5, 2])
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = x.chunk(2, -1)
        return mean, log_variance
