"""What makes an encoder of a network: a head that reads a Gaussian, or noise around it."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..checks import positive
from .blueprint import shareable

__all__ = ["Surrogate"]


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

    def __init__(self, network: nn.Module, noise: float, learn_noise: bool = False) -> None:
        """Put noise around a network.

        Args:
            network: E: from samples to latents, in float32; stacked trials if it has a
                ``trial_shape``.
            noise: σ, positive, in the units of the latents.
            learn_noise: Whether σ is learned with φ; ``noise`` is then where it starts.

        Raises:
            ValueError: ``noise`` is not positive.
        """
        super().__init__()
        self.network, self.begin = network, math.log(positive("noise", noise))
        self.learned = nn.ParameterDict()  # behind the network: Adam's state knows an order
        if learn_noise:
            shape = (*getattr(network, "trial_shape", ()), 1)
            self.learned["log_sigma"] = torch.full(shape, self.begin)
            self.register_load_state_dict_pre_hook(_begin)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of samples, each the shape of their latents."""
        mean = self.network(x)
        if "log_sigma" not in self.learned:
            return mean, torch.full_like(mean, 2 * self.begin)
        log_sigma = self.learned["log_sigma"]
        log_sigma = log_sigma.reshape(*log_sigma.shape, *[1] * (mean.ndim - log_sigma.ndim))
        return mean, (2 * log_sigma).expand_as(mean).to(mean.dtype)


def _begin(surrogate: Surrogate, tensors: dict[str, Any], prefix: str, *_: object) -> None:
    """Where σ was not learned yet when ``tensors`` were kept, it was the one to begin with."""
    begin = torch.full_like(surrogate.learned["log_sigma"].detach(), surrogate.begin)
    tensors.setdefault(f"{prefix}learned.log_sigma", begin)
