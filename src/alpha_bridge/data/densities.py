r"""Densities that are known: mixtures of isotropic Gaussians, and data drawn from them."""

import math

import numpy as np
import torch
from torch import Tensor

from ..checks import at_least, positive
from .rng import Purpose, stream
from .sampler import share
from .source import Source


class GaussianMixture:
    r"""A mixture of Gaussians of one width, :math:`q(x) = \sum_k w_k N(x; \mu_k, \sigma^2 I)`.

    Attributes:
        means: :math:`\mu_k`, float64, shape ``(K, D)``.
        std: σ, in the units of the means.
        weights: :math:`w_k`, positive with sum 1, float64, shape ``(K,)``.
    """

    def __init__(self, means: Tensor, std: float, weights: Tensor | None = None) -> None:
        """Make a mixture of means ``(K, D)``, a width, and weights ``(K,)`` up to a factor.

        Raises:
            ValueError: An argument has another shape or is out of its range.
        """
        if means.ndim != 2 or not means.numel():
            raise ValueError(f"means must have the shape (K, D), got {tuple(means.shape)}")
        if not means.isfinite().all():
            raise ValueError("means must be finite, got NaN or infinity")
        if weights is None:
            weights = torch.ones(len(means))
        if weights.shape != means.shape[:1]:
            raise ValueError(
                f"weights must have the shape ({len(means)},), got {tuple(weights.shape)}"
            )
        if not (weights.isfinite().all() and (weights > 0).all()):
            raise ValueError(f"weights must be positive and finite, got {weights.tolist()}")
        self.means = means.detach().cpu().double()
        self.std = positive("std", std)
        self.weights = weights.detach().cpu().double() / weights.sum().item()
        cumulative = self.weights.numpy().cumsum()
        self._cumulative = cumulative / cumulative[-1]

    def _log_joint(self, x: Tensor) -> Tensor:
        """:math:`\\log w_k N(x; \\mu_k, \\sigma^2 I)`, shape ``(*batch, K)``."""
        size = self.means.shape[1]
        if x.shape[-1:] != (size,):
            raise ValueError(f"x must have the shape (*batch, {size}), got {tuple(x.shape)}")
        difference = x.unsqueeze(-2) - self.means.to(x)
        log_scale = size * (math.log(self.std) + math.log(2 * math.pi) / 2)
        log_weights = self.weights.log().to(x)
        return log_weights - difference.square().sum(-1) / (2 * self.std**2) - log_scale

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats, with gradients: ``(*batch, D)`` → ``batch``."""
        return torch.logsumexp(self._log_joint(x), -1)

    def posterior(self, x: Tensor) -> Tensor:
        r"""Probability of each component, :math:`w_k N(x; \mu_k, \sigma^2 I) / q(x)`, ``(*batch,
        K)``."""
        return torch.softmax(self._log_joint(x), -1)

    def sample(self, n: int, rng: np.random.Generator) -> Tensor:
        """Draw ``n`` points, float32, shape ``(n, D)``."""
        return self.labelled_sample(n, rng)[0]

    def labelled_sample(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``n`` points, float32 ``(n, D)``, with their components, int64 ``(n,)``."""
        at_least(0, "n", n)
        means = self.means.numpy()
        # what rng.choice does, which sums and checks the weights each time
        components = self._cumulative.searchsorted(rng.random(n), side="right")
        noise = rng.standard_normal((n, means.shape[1]))
        points = (means[components] + self.std * noise).astype(np.float32)
        return torch.from_numpy(points), torch.from_numpy(components)


class DensitySource(Source):
    """Unlimited samples of a known density, in its own units; labels are the components."""

    size = None

    def __init__(self, mixture: GaussianMixture) -> None:
        """Draw from ``mixture``; no run's seed touches the samples for evaluation."""
        self.mixture = mixture
        components, dimension = mixture.means.shape
        self.class_names = tuple(map(str, range(components)))
        self.event_shape = (dimension,)

    def batch(self, seed: int, step: int, size: int, rank: int = 0, ranks: int = 1) -> Tensor:
        part = share(at_least(1, "size", size), rank, ranks)
        return self.mixture.sample(size, stream(seed, step, Purpose.BATCHES))[part]

    def training(self, count: int) -> Tensor:
        return self._fixed(count, Purpose.TRAINING)[0]

    def training_labels(self, count: int) -> Tensor:
        return self._fixed(count, Purpose.TRAINING)[1]

    def held_out(self, count: int) -> Tensor:
        return self._fixed(count, Purpose.HELD_OUT)[0]

    def held_out_labels(self, count: int) -> Tensor:
        return self._fixed(count, Purpose.HELD_OUT)[1]

    def _fixed(self, count: int, purpose: int) -> tuple[Tensor, Tensor]:
        return self.mixture.labelled_sample(count, stream(0, 0, purpose))
