"""Fully connected networks for vectors, with independent replicas along leading dimensions."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..checks import at_least
from ..settings import ModelConfig
from .blueprint import shareable
from .surrogate import GaussianHead

__all__ = ["Linear", "MLPDiscriminator", "MLPEncoder", "MLPGenerator", "MLPTranslator"]

LEAK = 0.2
"""Slope of the rectifiers below zero."""


class Linear(nn.Module):
    """Affine map, or ``trials`` of them side by side.

    Attributes:
        trial_shape: ``()`` for one map, ``(trials,)`` for replicas.
        weight: Shape ``(*trial_shape, outputs, inputs)``.
        bias: Shape ``(*trial_shape, outputs, 1)``.

    Example:
        >>> Linear(2, 3, trials=10)(torch.zeros(10, 5, 2)).shape
        torch.Size([10, 5, 3])
    """

    def __init__(self, inputs: int, outputs: int, trials: int | None = None) -> None:
        """Draw weights and biases evenly from ±1/√inputs, as ``torch.nn.Linear`` does."""
        super().__init__()
        at_least(1, "inputs", inputs)
        at_least(1, "outputs", outputs)
        self.trial_shape = () if trials is None else (at_least(1, "trials", trials),)
        bound = 1 / math.sqrt(inputs)
        weight = torch.empty(*self.trial_shape, outputs, inputs).uniform_(-bound, bound)
        bias = torch.empty(*self.trial_shape, outputs, 1).uniform_(-bound, bound)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        # samples lie side by side in memory: with few outputs, batched products and their
        # gradients are several times as fast as with features side by side
        return affine(self.weight, self.bias, x.mT).mT


def affine(weight: Tensor, bias: Tensor, columns: Tensor) -> Tensor:
    """A layer's outputs of samples that are columns, ``(*trials, inputs, batch)``."""
    product = torch.addmm if weight.ndim == 2 else torch.baddbmm
    return product(bias, weight, columns)


class _MLP(nn.Sequential):
    """Linear layers with leaky rectifiers in between."""

    def __init__(self, sizes: Sequence[int], trials: int | None) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [Linear(inputs, outputs, trials), nn.LeakyReLU(LEAK)]
        super().__init__(*layers[:-1])
        self.trial_shape = () if trials is None else (trials,)


@shareable
class MLPGenerator(_MLP):
    """Generator of vectors: latents ``(*trials, batch, latent)`` to ``(*trials, batch, features)``.

    Example:
        >>> MLPGenerator(latent=2, features=3)(torch.zeros(5, 2)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        latent: int,
        features: int,
        hidden: Sequence[int] = ModelConfig.hidden,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights.

        Args:
            latent: Size of a latent.
            features: Size of a sample.
            hidden: Sizes of the hidden layers.
            trials: Number of replicas, or None.
        """
        super().__init__((latent, *hidden, features), trials)
        self.latent_shape = (latent,)


@shareable
class MLPEncoder(_MLP):
    """Encoder of vectors: samples to mean and log-variance, each ``(*trials, batch, latent)``.

    Example:
        >>> mean, log_variance = MLPEncoder(latent=2, features=3)(torch.zeros(5, 3))
        >>> mean.shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        latent: int,
        features: int,
        hidden: Sequence[int] = ModelConfig.hidden,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; arguments as of :class:`MLPGenerator`."""
        super().__init__((features, *hidden, 2 * latent), trials)
        self.append(GaussianHead())


@shareable
class MLPDiscriminator(_MLP):
    """Discriminator of vectors: samples to logits ``(*trials, batch, 1)``."""

    def __init__(
        self, features: int, hidden: Sequence[int] = ModelConfig.hidden, trials: int | None = None
    ) -> None:
        """Draw the first weights; arguments as of :class:`MLPGenerator`."""
        super().__init__((features, *hidden, 1), trials)


@shareable
class MLPTranslator(_MLP):
    r"""From vectors of one space to those of another: :math:`x \mapsto P x + \text{MLP}(x)`.

    P takes over as many numbers as both spaces have, so that a translation begins near what they
    share. Which of all maps between two distributions is found depends on where it begins: the
    distributions alone do not tell.

    Example:
        >>> MLPTranslator(features=3, outputs=2)(torch.zeros(5, 3)).shape
        torch.Size([5, 2])
    """

    shared: Tensor

    def __init__(
        self,
        features: int,
        outputs: int,
        hidden: Sequence[int] = ModelConfig.hidden,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; ``outputs`` is the size of a sample that it makes."""
        super().__init__((features, *hidden, outputs), trials)
        self.latent_shape = (features,)
        self.register_buffer("shared", torch.eye(features, outputs), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        moved: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x @ self.shared + moved
