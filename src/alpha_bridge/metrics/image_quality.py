r"""How close generated images come to real ones, in the features of a network.

The network runs once over the real and once over the generated images (:func:`features_of`);
the three distances are functions of what it returned.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ..checks import at_least
from . import modes

__all__ = [
    "FeatureNetwork",
    "features_of",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "reconstruction_error",
    "retention",
    "splits_for",
]

ROWS = 250
"""Samples whose kernels with all others are in memory at once."""


class FeatureNetwork(Protocol):
    """A network whose features images are compared in."""

    def features(self, x: Tensor) -> Tensor:
        """Features ``(N, F)`` of images ``(N, C, H, W)`` in [−1, 1]."""

    def logits(self, features: Tensor) -> Tensor:
        """Logits of the classes ``(N, K)``, of features ``(N, F)``."""


@torch.no_grad()
def features_of(network: FeatureNetwork, batches: Iterable[Tensor]) -> Tensor:
    """Features ``(N, F)``, on the CPU, of images in [−1, 1] in batches ``(n, C, H, W)``."""
    features = [network.features(batch).cpu() for batch in batches]
    if not features:
        raise ValueError("features need at least one batch of images, got none")
    return torch.cat(features)


def frechet_distance(real_features: Tensor, fake_features: Tensor) -> float:
    r"""Squared Fréchet distance of two Gaussians fitted to the features; FID for Inception's.

    .. math:: \|\mu - \mu'\|^2 + \mathrm{tr}(\Sigma + \Sigma' - 2 (\Sigma \Sigma')^{1/2})

    It is biased upwards in few samples, so compare equal numbers only.

    Args:
        real_features: Shape ``(N, F)``, N at least 2.
        fake_features: Shape ``(M, F)``, M at least 2.

    Returns:
        Zero or more, in squared units of the features, lower is better; not a number where a
        feature is not finite.

    Source:
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule, NeurIPS 2017.
    """
    _check_pair(real_features, fake_features)
    real, fake = _exact(real_features), _exact(fake_features)
    if not (real.isfinite().all() and fake.isfinite().all()):
        return math.nan
    gap = (real.mean(0) - fake.mean(0)).square().sum()
    covariances = _covariance(real), _covariance(fake)
    total = sum(covariance.trace() for covariance in covariances)
    # the product's eigenvalues are those of a symmetric matrix: real, and not negative
    root = torch.linalg.eigvals(covariances[0] @ covariances[1]).sqrt().real.sum()
    return max(0.0, float(gap + total - 2 * root))


def _covariance(features: Tensor) -> Tensor:
    """The unbiased covariance of features ``(N, F)``, shape ``(F, F)``."""
    apart = features - features.mean(0)
    return apart.T @ apart / (len(apart) - 1)


def kernel_distance(
    real_features: Tensor,
    fake_features: Tensor,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> float:
    r"""Squared maximum mean discrepancy under a cubic kernel; KID for Inception's features.

    .. math:: k(a, b) = (a \cdot b / F + 1)^3

    The unbiased estimate is averaged over random subsets, and can fall below zero.

    Args:
        real_features: Shape ``(N, F)``.
        fake_features: Shape ``(M, F)``.
        subsets: Number of subsets, one or more.
        subset_size: Samples in each, from 2 to the smaller of N and M; where it is both, all
            subsets are the same, and one is taken.
        seed: Of the subsets; torch's global generator is left as it was.

    Returns:
        The mean over subsets, lower is better; not a number where a feature is not.

    Raises:
        ValueError: ``subsets`` or ``subset_size`` is out of its range, or the features differ in
            number.

    Source:
        Bińkowski et al., Demystifying MMD GANs, ICLR 2018.
    """
    _check_pair(real_features, fake_features)
    at_least(1, "subsets", subsets)
    at_least(2, "subset_size", subset_size)
    available = min(len(real_features), len(fake_features))
    if subset_size > available:
        raise ValueError(
            f"subset_size must be at most the number of samples, got {subset_size} of {available}"
        )
    if subset_size == len(real_features) == len(fake_features):
        subsets = 1
    rng = torch.Generator().manual_seed(seed)
    samples = _exact(real_features), _exact(fake_features)
    chosen = [
        [torch.randperm(len(x), generator=rng)[:subset_size] for x in samples]
        for _ in range(subsets)
    ]
    # few samples are in many subsets: then the kernel of each pair is computed once for all
    together = subsets if max(map(len, samples)) <= 5 * subset_size else 1
    groups = [chosen[begin : begin + together] for begin in range(0, subsets, together)]
    return float(torch.cat([_discrepancies(*samples, group) for group in groups]).mean())


def _discrepancies(real: Tensor, fake: Tensor, subsets: Sequence[Sequence[Tensor]]) -> Tensor:
    """The squared discrepancy in each subset, indices of real and of as many generated samples."""
    of_real, of_fake = (torch.stack(chosen) for chosen in zip(*subsets, strict=True))
    (real, in_real), (fake, in_fake) = _members(real, of_real), _members(fake, of_fake)
    size = of_real.shape[1]
    own = _sums_within(real, in_real) + _sums_within(fake, in_fake)
    across = _sums_across(real, fake, in_real, in_fake)
    return own / (size * (size - 1)) - 2 * across / size**2


def _members(x: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """The samples that are in any subset, and which are in each, ones and zeros."""
    within = x.new_zeros(len(chosen), len(x)).scatter_(1, chosen, 1.0)
    met = within.any(0)
    return x[met], within[:, met]


def _sums_within(x: Tensor, chosen: Tensor) -> Tensor:
    """Of each subset the kernel's sum over all pairs of two of its samples, ``(subsets,)``."""
    sums = chosen.new_zeros(len(chosen))
    for begin in range(0, len(x), ROWS):
        kernel = _kernel(x[begin : begin + ROWS], x[begin:]).fill_diagonal_(0)
        kernel[:, ROWS:] *= 2  # those with a later row stand for their mirror images too
        sums += ((chosen[:, begin : begin + ROWS] @ kernel) * chosen[:, begin:]).sum(1)
    return sums


def _sums_across(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """Of each subset the kernel's sum over all pairs of one and another sample, ``(subsets,)``."""
    parts = zip(x.split(ROWS), in_x.split(ROWS, 1), strict=True)
    sums = [((chosen @ _kernel(rows, y)) * in_y).sum(1) for rows, chosen in parts]
    return torch.stack(sums).sum(0)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    """The cubic kernel of each pair, ``(len(x), len(y))``."""
    return (x @ y.T).div_(x.shape[1]).add_(1).pow_(3)


def inception_score(logits: Tensor, splits: int = 10, seed: int = 0) -> float:
    r"""Inception score of generated images, averaged over random splits.

    .. math:: \exp E_x KL[p(y|x) \| p(y)], \qquad p(y) = E_x\, p(y|x)

    Each part is scored in float64 with a p(y) of its own, so that one of n samples scores at most
    n; see :func:`splits_for`.

    Args:
        logits: Of the classes, shape ``(N, K)``.
        splits: Number of parts, from 1 to N; their sizes differ by one at most.
        seed: Of the splits; torch's global generator is left as it was.

    Returns:
        A score in [1, K], higher is better; not a number where a logit is not.

    Source:
        Salimans et al., Improved Techniques for Training GANs, NeurIPS 2016.
    """
    at_least(1, "splits", splits)
    at_least(splits, "the number of logits", len(logits))
    order = torch.randperm(len(logits), generator=torch.Generator().manual_seed(seed))
    probabilities = _exact(logits).softmax(-1)[order]
    scores = [modes.inception_score(part) for part in probabilities.tensor_split(splits)]
    return float(torch.stack(scores).mean())


def splits_for(samples: int, classes: int, most: int = 10) -> int:
    """Parts of an inception score: as many as have a sample for each class, ten at most.

    A part of fewer samples than classes could not score what a perfect model deserves. The
    published protocol, 50,000 images in ten parts, is kept.

    Example:
        >>> splits_for(50_000, 1008), splits_for(5000, 10), splits_for(35, 10), splits_for(5, 10)
        (10, 10, 3, 1)
    """
    return max(1, min(most, samples // classes))


def reconstruction_error(x: Tensor, x_hat: Tensor, event_dim: int = 3) -> Tensor:
    r"""Mean squared error per dimension, :math:`E_x \|x - \hat x\|^2 / d`.

    Args:
        x: Data in model units ([−1, 1] for images), shape ``(*trials, N, *event)``.
        x_hat: Their reconstructions, the same shape.
        event_dim: Number of dimensions of one sample: 3 for images, 1 for vectors.

    Returns:
        Squared model units, lower is better, shape ``(*trials,)``.

    Example:
        >>> reconstruction_error(torch.zeros(2, 1, 8, 8), torch.full((2, 1, 8, 8), 0.5))
        tensor(0.2500)
    """
    _check_shapes(x, x_hat)
    return (x - x_hat).square().flatten(-event_dim - 1).mean(-1)


def retention(reference_labels: Tensor, labels: Tensor) -> Tensor:
    """Share of latents whose image kept the class that an earlier model gave it.

    Args:
        reference_labels: Classes of the earlier model's images, shape ``(*trials, N)``.
        labels: Classes of the images of the same latents, the same shape.

    Returns:
        Shares in [0, 1], higher is better, shape ``(*trials,)``.

    Example:
        >>> retention(torch.tensor([0, 1]), torch.tensor([0, 2]))
        tensor(0.5000)
    """
    _check_shapes(reference_labels, labels)
    return (reference_labels == labels).float().mean(-1)


def _exact(features: Tensor) -> Tensor:
    return features.detach().cpu().double()


def _check_pair(real: Tensor, fake: Tensor) -> None:
    if min(len(real), len(fake)) < 2 or real.shape[1:] != fake.shape[1:]:
        raise ValueError(
            "real and generated features must have two or more rows and as many columns, "
            f"got {tuple(real.shape)} and {tuple(fake.shape)}"
        )


def _check_shapes(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape:
        raise ValueError(
            f"both must have one shape, got {tuple(first.shape)} and {tuple(second.shape)}"
        )
