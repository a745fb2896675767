"""The known densities that methods are compared on: where their components lie, and how heavy."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..checks import at_least, positive
from ..settings import MixtureConfig
from .densities import GaussianMixture


def grid(
    side: int = MixtureConfig.side,
    spacing: float = MixtureConfig.spacing,
    std: float = MixtureConfig.std,
) -> GaussianMixture:
    """Gaussians on a square grid around zero; the defaults are the 25 on {−4, −2, 0, 2, 4}².

    Example:
        >>> grid().means.shape
        torch.Size([25, 2])
    """
    at_least(1, "side", side)
    line = positive("spacing", spacing) * (torch.arange(side) - (side - 1) / 2)
    return GaussianMixture(torch.cartesian_prod(line, line), std)


def ring(
    n: int = MixtureConfig.modes,
    radius: float = MixtureConfig.radius,
    std: float = MixtureConfig.std,
) -> GaussianMixture:
    """``n`` Gaussians evenly spaced on a circle around zero.

    Example:
        >>> ring(8).means.norm(dim=-1).unique()
        tensor([2.], dtype=torch.float64)
    """
    angles = 2 * math.pi * torch.arange(at_least(1, "n", n)).double() / n
    circle = torch.stack([angles.cos(), angles.sin()], -1)
    return GaussianMixture(positive("radius", radius) * circle, std)


def unbalanced(
    side: int = 3,
    spacing: float = MixtureConfig.spacing,
    std: float = MixtureConfig.std,
    lightest: float = 0.01,
    heaviest: float = 0.5,
) -> GaussianMixture:
    r"""The Gaussians of :func:`grid`, from a rare one to one that has half of the samples.

    With K components the weights are

    .. math:: w_k = w_1 (w_K / w_1)^{t_k^s}, \qquad t_k = (k - 1) / (K - 1)

    which is a geometric series but for its shape s, chosen so that they add up to one. They grow
    in the order of the means, first along the second coordinate. The choice is ours.

    Args:
        side: Gaussians along each side, two or more.
        spacing: Distance between neighbours, positive.
        std: σ of each Gaussian, positive.
        lightest: Weight of the first component, positive.
        heaviest: Weight of the last component, larger than ``lightest``.

    Raises:
        ValueError: An argument is out of its range, or no such weights add up to one.

    Example:
        >>> [round(w, 2) for w in unbalanced(side=2).weights.tolist()]
        [0.01, 0.17, 0.32, 0.5]
    """
    means = grid(at_least(2, "side", side), spacing, std).means
    return GaussianMixture(means, std, _weights(len(means), lightest, heaviest))


def spirals(
    arms: int = MixtureConfig.arms,
    pieces: int = MixtureConfig.pieces,
    turns: float = MixtureConfig.turns,
    radius: float = MixtureConfig.radius,
    std: float = MixtureConfig.std,
) -> GaussianMixture:
    r"""Spiral arms around zero, each a row of Gaussians at equal distances along its length.

    The arms are Archimedean, :math:`r = R\,(1 + 7t) / 8` at the angle :math:`2 \pi T t` from their
    start, for t from 0 to 1: they begin at R/8, so that they do not meet. Every component stands
    for a piece of equal length: weight that is missed is a share of the arms. While neighbours
    are 1.5 σ apart or less, as by default, the density is even along an arm. The choice is
    ours.

    Args:
        arms: Number of arms, one or more.
        pieces: Gaussians along each arm, two or more.
        turns: T, how often an arm goes round, positive.
        radius: R, where the arms end, positive.
        std: σ of each Gaussian, positive.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> spirals().means.norm(dim=-1).aminmax()
        torch.return_types.aminmax(
        min=tensor(0.2500, dtype=torch.float64),
        max=tensor(2., dtype=torch.float64))
    """
    t = _evenly_along(positive("turns", turns), at_least(2, "pieces", pieces))
    starts = np.arange(at_least(1, "arms", arms)) / arms
    angles = 2 * math.pi * (starts[:, None] + turns * t)
    r = positive("radius", radius) * _reach(t)
    means = np.stack([r * np.cos(angles), r * np.sin(angles)], -1)
    return GaussianMixture(torch.from_numpy(means.reshape(-1, 2)), std)


def _weights(count: int, lightest: float, heaviest: float) -> Tensor:
    """Weights from one end to the other that add up to one, by bisection on their shape."""
    rest = 1 - heaviest - lightest
    between = count - 2
    if not 0 < lightest < heaviest or not between * lightest < rest < between * heaviest:
        raise ValueError(
            f"no {count} weights between {lightest} and {heaviest}, both among them, add up to 1: "
            "give another number of components or other ends"
        )
    t = torch.linspace(0, 1, count, dtype=torch.float64)

    def weights(log_shape: float) -> Tensor:
        return lightest * (heaviest / lightest) ** (t ** math.exp(log_shape))

    # from all but the first heavy to all but the last light
    low, high = -50.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if weights(middle).sum() > 1 else (low, middle)
    return weights(low)


def _reach(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from the centre, as a share of the radius."""
    return (1 + 7 * t) / 8


def _evenly_along(turns: float, pieces: int) -> NDArray[np.float64]:
    """Parameters t of points at equal distances along an arm, both ends among them."""
    t = np.linspace(0, 1, 10_001)
    speed = np.hypot(7 / 8, 2 * math.pi * turns * _reach(t))
    length = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    return np.interp(np.linspace(0, length[-1], pieces), length, t)
