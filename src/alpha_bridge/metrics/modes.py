r"""How well samples match a mixture of Gaussians that is known.

Every function takes leading trial dimensions: samples ``(*trials, N, D)`` give ``(*trials,)``. The
modes have means ``(K, D)``, and a standard deviation, one for all or ``(K,)``.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.special import entr

from ..checks import at_least, between_zero_and_one, positive

__all__ = [
    "high_quality",
    "inception_score",
    "invented_mass",
    "kde_log_likelihood",
    "missed_mass",
    "modes_covered",
]

BLOCK_BYTES = 2**20
"""What one block of distances may take for all trials together; it should fit in the cache."""

NEGLIGIBLE = -100.0
"""Kernels e^100 times smaller than the largest add nothing in float64; they are counted as e^-100.

exp is some thirty times slower where it underflows, which is where most of them are.
"""


PRECISION = 37.0
"""e^-37 is 1e-16, what float64 can tell from nothing beside 1."""

TAIL = 1e-3
"""Share of a mode's own samples that lie too far from it to count for it."""


def inception_score(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    r"""Inception score, with a posterior over the modes that is known.

    .. math:: \exp E_x KL[p(y|x) \| p(y)], \qquad p(y) = E_x\, p(y|x)

    Where the modes of the data weigh :math:`w_y`, this is the score under equal weights:
    expectations weigh each sample by :math:`\sum_y p(y|x) / K w_y`, and :math:`p(y|x) / w_y` takes
    the place of the posterior. So data whose modes lie apart score K, and nothing scores more,
    whatever the weights; this extension is ours.

    Args:
        probabilities: :math:`p(y|x)`, each row sums to one, shape ``(*trials, N, K)``.
        weights: :math:`w_y`, positive with sum 1, shape ``(K,)``; equal when None.

    Returns:
        A score in [1, K], higher is better, shape ``(*trials,)``: K where the samples are certain
        and have the data's weights, 1 where all share one mode; not a number where a probability
        is not.

    Raises:
        ValueError: A probability is negative, or a row does not sum to one.

    Example:
        >>> inception_score(torch.eye(4))
        tensor(4.)

    Source:
        Salimans et al., Improved Techniques for Training GANs, NeurIPS 2016.
    """
    total = probabilities.sum(-1)
    if (probabilities < 0).any() or ((total - 1).abs() > 1e-3).any():
        raise ValueError(
            "probabilities must be non-negative and sum to one over the last dimension, "
            f"got sums from {total.min():g} to {total.max():g}: take the softmax of logits first"
        )
    if weights is None:
        weights = probabilities.new_ones(probabilities.shape[-1]) / probabilities.shape[-1]
    balanced = probabilities / (len(weights) * weights.to(probabilities))
    importance = balanced.sum(-1)
    marginal = balanced.mean(-2) / importance.mean(-1, keepdim=True)
    noise = importance * entr(balanced / importance.unsqueeze(-1)).sum(-1)
    information: Tensor = entr(marginal).sum(-1) - noise.mean(-1) / importance.mean(-1)
    return information.exp()


def kde_log_likelihood(
    points: Tensor, samples: Tensor, bandwidth: float, block_bytes: int = BLOCK_BYTES
) -> Tensor:
    r"""Mean log density of ``points`` under a Gaussian kernel density estimate of ``samples``.

    .. math:: E_x \log \frac1M \sum_{m=1}^M N(x; x'_m, h^2 I)

    The squared distances come from a matrix multiplication in float64 of centred data, one square
    block after the other, and are accurate to about 1e-15 of the squared spread over h². Along the
    coordinate that spreads most, blocks that lie too far away to add anything are left out, of the
    25 Gaussians three quarters.

    Args:
        points: Held-out data x, shape ``(*trials, N, D)``, or ``(N, D)`` for all trials.
        samples: Samples of the model x', shape ``(*trials, M, D)``.
        bandwidth: h, the standard deviation of the kernel in the units of the samples, positive.
        block_bytes: No array of distances takes more than this, or one number for each trial.

    Returns:
        Nats, float64, higher is better, shape ``(*trials,)``; not a number where a sample is
        not.

    Raises:
        ValueError: ``bandwidth`` is not positive, or the samples differ in dimension.

    Example:
        >>> kde_log_likelihood(torch.zeros(1, 2), torch.zeros(1, 2), bandwidth=1.0)
        tensor(-1.8379, dtype=torch.float64)
    """
    positive("bandwidth", bandwidth)
    _same_dimension(points, samples)
    center = samples.double().mean((-2), keepdim=True)
    x = (points.double() - center) / bandwidth
    y = (samples.double() - center) / bandwidth
    axis = int(y.square().flatten(0, -2).mean(0).argmax())
    x, y = _sorted(x, axis), _sorted(y, axis)
    # torch's own imports sympy
    trials = math.prod(np.broadcast_shapes(x.shape[:-2], y.shape[:-2]))
    side = max(1, math.isqrt(block_bytes // (8 * max(1, trials))))
    blocks = [(block, _range(block, axis)) for block in y.split(side, -2)]
    log_sums = torch.cat(
        [_log_sum_of_kernels(rows, blocks, axis) for rows in x.split(side, -2)], -1
    )
    size = samples.shape[-1]
    log_normalizer = math.log(samples.shape[-2]) + size * (
        math.log(bandwidth) + math.log(2 * math.pi) / 2
    )
    return log_sums.mean(-1) - log_normalizer


def modes_covered(
    samples: Tensor, means: Tensor, std: float | Tensor, within: float = 3.0, least: int = 1
) -> Tensor:
    r"""Number of modes that at least ``least`` samples of high quality fall on, from 0 to K.

    A sample falls on the mode nearest to it, and is of high quality within ``within`` standard
    deviations of its mean. The literature counts a mode from its first such sample.

    Raises:
        ValueError: ``least`` is below one, or samples and means differ in dimension.

    Example:
        >>> means = torch.tensor([[0.0], [1.0]])
        >>> modes_covered(torch.tensor([[0.1], [0.2]]), means, std=0.1)
        tensor(1)

    Source:
        Srivastava et al., VEEGAN, NeurIPS 2017; Lin et al., PacGAN, NeurIPS 2018.
    """
    at_least(1, "least", least)
    hits = _hits(samples, means, std, within).sum(-2)
    return (hits >= least).sum(-1)


def high_quality(
    samples: Tensor, means: Tensor, std: float | Tensor, within: float = 3.0
) -> Tensor:
    r"""Share of samples within ``within`` standard deviations of the mode nearest to them.

    Even samples of the mixture itself miss some: with D = 2 and three standard deviations the
    share is :math:`1 - e^{-9/2} = 0.989` in expectation.

    Example:
        >>> high_quality(torch.tensor([[0.1], [0.5]]), torch.tensor([[0.0], [1.0]]), std=0.1)
        tensor(0.5000)

    Source:
        Srivastava et al., VEEGAN, NeurIPS 2017.
    """
    return _hits(samples, means, std, within).any(-1).float().mean(-1)


def missed_mass(
    samples: Tensor,
    means: Tensor,
    std: float | Tensor,
    weights: Tensor,
    least: float = 0.1,
    tail: float = TAIL,
) -> Tensor:
    r"""Weight of the modes that the samples leave out, a share in [0, 1].

    .. math:: \sum_k w_k \, [\hat w_k < \ell \, w_k]

    where :math:`\hat w_k` is the share of samples that fall on mode k, the nearest to them, and
    are not :func:`invented_mass`. So a mode is left out if it gets less than the share ℓ,
    ``least``, of what it should. For ℓ = 0.1 the odds that a mode which gets what it should seems
    left out by chance are 5e-5 where ten samples are expected on it, :math:`N w_k = 10`, and
    smaller where there are more. The weights are positive with sum 1, shape ``(K,)``. The
    definition is ours.

    Example:
        >>> means, weights = torch.tensor([[0.0], [1.0]]), torch.tensor([0.75, 0.25])
        >>> missed_mass(torch.tensor([[0.1], [0.0]]), means, 0.1, weights)
        tensor(0.2500)
    """
    between_zero_and_one("least", least)
    hits = _hits(samples, means, std, _radius(means.shape[-1], tail))
    weights = weights.to(samples)
    left_out = hits.to(samples).mean(-2) < least * weights
    return (left_out * weights).sum(-1)


def invented_mass(
    samples: Tensor, means: Tensor, std: float | Tensor, tail: float = TAIL
) -> Tensor:
    r"""Share of samples that are farther from every mode than its own samples would be.

    .. math:: E_x \, [\min_k \|x - \mu_k\| / \sigma_k > r], \qquad P[\chi^2_D > r^2] = \tau

    This is the complement of :func:`high_quality` at a radius that fits the dimension: 3.29 for
    τ = 0.001 in one dimension, 3.72 in two. Samples of the mixture itself score τ, ``tail``, where
    its modes lie apart, and less where they overlap; samples that are not a number are invented.
    The definition is ours.

    Example:
        >>> invented_mass(torch.tensor([[0.1], [0.5]]), torch.tensor([[0.0], [1.0]]), std=0.1)
        tensor(0.5000)
    """
    return 1 - high_quality(samples, means, std, _radius(means.shape[-1], tail))


def _sorted(x: Tensor, axis: int) -> Tensor:
    """Points in the order of one of their coordinates."""
    return x.take_along_dim(x[..., axis].argsort(-1).unsqueeze(-1), -2)


def _range(x: Tensor, axis: int) -> tuple[float, float]:
    """From where to where a coordinate of points goes, those of all trials together."""
    return float(x[..., axis].amin()), float(x[..., axis].amax())


def _log_sum_of_kernels(
    x: Tensor, blocks: Sequence[tuple[Tensor, tuple[float, float]]], axis: int
) -> Tensor:
    """``log Σ_m exp(−‖x − y_m‖² / 2)`` of each x, shape ``(*trials, n)``, from blocks of y.

    With ``(x, 1) · (y, −‖y‖² / 2)`` a matrix multiplication gives the exponents but for ‖x‖² / 2.
    """
    lifted, half = F.pad(x, (0, 1), value=1), x.square().sum(-1) / 2
    (low, high), count = _range(x, axis), sum(block.shape[-2] for block, _ in blocks)
    found = torch.full_like(half, -torch.inf)
    near = sorted(
        (max(0.0, start - high, low - end), place) for place, (_, (start, end)) in enumerate(blocks)
    )
    for gap, place in near:
        if gap**2 / 2 > math.log(count) + PRECISION - float((found - half).amin()):
            break  # all that are left are at least as far
        y, _ = blocks[place]
        lifted_y = torch.cat([y, -y.square().sum(-1, keepdim=True) / 2], -1)
        found = torch.logaddexp(found, _log_sum_exp(lifted @ lifted_y.mT))
    return found - half


def _log_sum_exp(exponents: Tensor) -> Tensor:
    """Log-sum-exp over the last dimension; overwrites its argument."""
    largest = exponents.amax(-1, keepdim=True)
    shares = exponents.sub_(largest).clamp_(min=NEGLIGIBLE).exp_()
    return shares.sum(-1).log() + largest.squeeze(-1)


def _radius(dimension: int, tail: float) -> float:
    """Distance from zero that a standard normal vector exceeds with probability ``tail``."""
    if not 0 < tail < 1:
        raise ValueError(f"tail must lie between 0 and 1, got {tail}")
    half = torch.tensor(dimension / 2, dtype=torch.float64)
    # the norm is concentrated: it exceeds √D + t with a probability of at most exp(−t²/2)
    low, high = 0.0, math.sqrt(dimension) + math.sqrt(-2 * math.log(tail))
    for _ in range(60):
        middle = (low + high) / 2
        beyond = torch.special.gammaincc(half, torch.full_like(half, middle**2 / 2))
        low, high = (middle, high) if beyond > tail else (low, middle)
    return high


def _hits(samples: Tensor, means: Tensor, std: float | Tensor, within: float) -> Tensor:
    """Whether each sample is of high quality and falls on each mode, ``(*trials, N, K)``."""
    _same_dimension(samples, means)
    exact = "donot_use_mm_for_euclid_dist"
    distance = torch.cdist(samples, means.to(samples), compute_mode=exact) / std
    nearest = distance == distance.amin(-1, keepdim=True)
    hits: Tensor = nearest & (distance <= within)
    return hits


def _same_dimension(first: Tensor, second: Tensor) -> None:
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            "points, samples and means must have one dimension, "
            f"got {first.shape[-1]} and {second.shape[-1]}"
        )
