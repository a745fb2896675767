r"""Editing: directions of the latent space that stand for an attribute, and how sure they are.

A direction v is a unit vector, found from labelled encodings. An edit of strength s is

.. math:: z' = z + s \, \tau \, v, \qquad \tau^2 = \mathrm{Var}[v^\top z]

so that strengths are in standard deviations of the latents along the direction. Latents of any
shape are taken as vectors of all their numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from ..checks import at_least

__all__ = [
    "Direction",
    "Evidence",
    "Finder",
    "balanced_accuracy",
    "find_direction",
    "linear_direction",
    "mean_direction",
    "orthogonalise",
    "strip",
]

Finder = Callable[[Tensor, Tensor], Tensor]
"""From encodings ``(N, *latent_shape)`` and their labels ``(N,)`` to a direction."""

SURE = 0.7
"""Balanced accuracy below which a direction is called weak."""
FOLDS = 5
HALVINGS = 5
DRAWS = 10_000
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Weights of the classifier's penalty, for each encoding."""


@dataclass(frozen=True)
class Evidence:
    """How sure a direction is, by encodings that it was not found from.

    Attributes:
        having: Labelled encodings with the attribute.
        lacking: Labelled encodings without it.
        accuracy: Balanced accuracy, cross-validated: the mean of both classes' shares that lie on
            their side of the middle between the classes.
        interval: 95 % of the accuracy's posterior.
        auc: Area under the curve of the same projections, averaged over the folds.
        agreement: Cosine between the directions of two halves of the labels, averaged over five
            ways to halve them.
    """

    having: int
    lacking: int
    accuracy: float
    interval: tuple[float, float]
    auc: float
    agreement: float

    @property
    def doubt(self) -> str:
        """How little the direction tells; empty if it is sure."""
        if self.interval[0] <= 0.5:
            return "not better than chance"
        return "weak" if self.accuracy < SURE else ""

    def __str__(self) -> str:
        low, high = self.interval
        doubt = f", {self.doubt}" if self.doubt else ""
        return (
            f"{self.having} labels with it and {self.lacking} without; held-out accuracy "
            f"{self.accuracy:.2f}, 95 % interval {low:.2f} to {high:.2f}{doubt}; directions of "
            f"halves of the labels agree to a cosine of {self.agreement:.2f}"
        )


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction of the latent space that stands for an attribute.

    Attributes:
        name: The attribute.
        vector: v of norm 1, shape ``latent_shape``; it points to where the attribute is.
        scale: τ, the standard deviation of the labelled encodings along it.
        evidence: How sure it is.
    """

    name: str
    vector: Tensor
    scale: float
    evidence: Evidence

    def move(self, z: Tensor, strength: float) -> Tensor:
        r"""Latents :math:`z + s \tau v`; a negative ``strength`` s takes the attribute away."""
        return z + strength * self.scale * self.vector.to(z)


def mean_direction(z: Tensor, y: Tensor) -> Tensor:
    r"""Direction from the mean of the encodings without an attribute to that of those with it.

    .. math:: v \propto E[z \mid y = 1] - E[z \mid y = 0]

    Args:
        z: Encodings, shape ``(N, *latent_shape)``.
        y: 1 with the attribute and 0 without, shape ``(N,)``.

    Raises:
        ValueError: A class is missing, or both have the same mean.

    Example:
        >>> mean_direction(torch.tensor([[0.0, 1.0], [3.0, 1.0]]), torch.tensor([0, 1]))
        tensor([1., 0.])

    Source:
        Larsen et al., Autoencoding beyond pixels using a learned similarity metric, ICML 2016.
    """
    _counted(y, least=1)
    return _unit(z[y == 1].mean(0) - z[y == 0].mean(0))


def linear_direction(z: Tensor, y: Tensor) -> Tensor:
    r"""Normal of the plane by which a regularised linear classifier separates an attribute.

    .. math:: \min_{w, b} \sum_i c_i (t_i - w^\top \tilde z_i - b)^2 + \lambda \|w\|^2

    with targets t = ±1, standardised encodings and classes of equal weight; of five penalties λ it
    takes the one whose leave-one-out error is smallest. Unlike the difference of the means, the
    normal looks past what only goes along with the attribute.

    Arguments, result and errors are those of :func:`mean_direction`.

    Example:
        >>> z = torch.randn(200, 2)
        >>> (linear_direction(z, z[:, 1] > 0)[1] > 0.9).item()
        True

    Source:
        Shen et al., Interpreting the Latent Space of GANs for Semantic Face Editing, CVPR 2020.
    """
    _counted(y, least=1)
    scaler = StandardScaler()
    standardised = scaler.fit_transform(z.detach().flatten(1).double().cpu().numpy())
    penalties = [len(y) * penalty for penalty in PENALTIES]
    plane = RidgeClassifierCV(penalties, class_weight="balanced")
    plane.fit(standardised, y.long().cpu().numpy())
    normal = torch.from_numpy(plane.coef_.ravel() / scaler.scale_).to(z)
    return _unit(normal.reshape(z.shape[1:]))


def orthogonalise(vector: Tensor, others: Sequence[Tensor]) -> Tensor:
    r"""Part of a direction that is orthogonal to others, made a unit vector.

    .. math:: v' \propto v - Q Q^\top v

    where the columns of Q are an orthonormal basis of the others.

    Args:
        vector: v, shape ``latent_shape``.
        others: Directions of the same shape; none leave v as it is.

    Raises:
        ValueError: Nothing of v is left.

    Example:
        >>> orthogonalise(torch.tensor([1.0, 1.0]), [torch.tensor([0.0, 2.0])])
        tensor([1., 0.])
    """
    if not others:
        return vector
    columns = torch.stack([other.flatten() for other in others], 1).double()
    basis, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    basis = basis[:, sizes > 1e-6 * sizes[0]]
    v = vector.flatten().double()
    rest = v - basis @ (basis.T @ v)
    if rest.norm() < 1e-4 * v.norm():
        raise ValueError(
            "the direction is a linear combination of the others, so nothing is left of it"
        )
    rest = rest - basis @ (basis.T @ rest)  # what rounding left of the others
    return _unit(rest).to(vector).reshape(vector.shape)


def find_direction(
    name: str,
    z: Tensor,
    y: Tensor,
    finder: Finder = mean_direction,
    against: Sequence[Tensor] = (),
) -> Direction:
    """Find the direction of an attribute, orthogonal to ``against``, and how sure it is.

    Every check repeats the whole search on a part of the labels, the choice of a penalty included.

    Args:
        name: The attribute.
        z: Labelled encodings, shape ``(N, *latent_shape)``, on any device; used as constants.
        y: 1 with the attribute and 0 without, shape ``(N,)``.
        finder: :func:`mean_direction` or :func:`linear_direction`.
        against: Directions that an edit must not follow.

    Raises:
        ValueError: There are fewer than two labels of a class, or nothing of the direction is left.
    """
    device = z.device
    z, y, *against = (tensor.detach().cpu() for tensor in (z, y.long(), *against))
    try:
        having, lacking = _counted(y, least=2)

        def find(part: Tensor) -> Tensor:
            return orthogonalise(finder(z[part], y[part]), against)

        vector = find(torch.arange(len(y)))
        accuracy, interval, auc = _held_out(z, y, find)
        agreement = float(np.mean([_agreement(y, find, seed) for seed in range(HALVINGS)]))
    except ValueError as error:
        raise ValueError(f"attribute {name!r}: {error}") from error
    scale = float(_along(z, vector).std())
    evidence = Evidence(having, lacking, accuracy, interval, auc, agreement)
    return Direction(name, vector.to(device), scale, evidence)


@torch.no_grad()
def strip(
    decode: Callable[[Tensor], Tensor], z: Tensor, direction: Direction, strengths: Sequence[float]
) -> Tensor:
    """Samples ``(N, strengths, *event)`` along a direction from each of N latents."""
    at_least(1, "the number of strengths", len(strengths))
    return torch.stack([decode(direction.move(z, strength)) for strength in strengths], 1)


def balanced_accuracy(right: Tensor, y: Tensor) -> tuple[float, tuple[float, float]]:
    """Mean of both classes' shares that are classified correctly, and 95 % of its posterior.

    Each class's accuracy has a uniform prior, so that few labels leave the interval wide even if
    all of them are right.

    Args:
        right: Whether each sample is classified correctly, shape ``(N,)``.
        y: Its class, 0 or 1, shape ``(N,)``.

    Example:
        >>> accuracy, _ = balanced_accuracy(torch.tensor([1, 1, 1, 0]), torch.tensor([1, 1, 0, 0]))
        >>> accuracy
        0.75

    Source:
        Brodersen et al., The Balanced Accuracy and Its Posterior, ICPR 2010.
    """
    _counted(y, least=1)
    rng = np.random.default_rng(0)
    shares, draws = [], []
    for label in (0, 1):
        hits, count = int(right[y == label].sum()), int((y == label).sum())
        shares.append(hits / count)
        draws.append(rng.beta(hits + 1, count - hits + 1, DRAWS))
    low, high = np.quantile(np.mean(draws, 0), [0.025, 0.975])
    return float(np.mean(shares)), (float(low), float(high))


def _held_out(
    z: Tensor, y: Tensor, find: Callable[[Tensor], Tensor]
) -> tuple[float, tuple[float, float], float]:
    """Balanced accuracy, its interval, and the area under the curve, cross-validated."""
    folds = StratifiedKFold(min(FOLDS, *_counted(y, least=2)), shuffle=True, random_state=0)
    right, areas = torch.zeros(len(y), dtype=torch.bool), []
    for parts in folds.split(np.zeros(len(y)), y.numpy()):
        kept, apart = map(torch.from_numpy, parts)
        along, labels = _along(z, find(kept)), y[apart]
        ends = [along[kept][y[kept] == label].mean() for label in (0, 1)]
        middle = (ends[0] + ends[1]) / 2
        right[apart] = (along[apart] > middle) == (labels == 1)
        areas.append(roc_auc_score(labels.numpy(), along[apart].numpy()))
    return *balanced_accuracy(right, y), float(np.mean(areas))


def _agreement(y: Tensor, find: Callable[[Tensor], Tensor], seed: int) -> float:
    """Cosine between the directions of two halves, each with half of either class."""
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(y), generator=rng)
    of_class = [order[y[order] == label] for label in (0, 1)]
    first, second = (torch.cat([part[half::2] for part in of_class]) for half in (0, 1))
    return float((find(first) * find(second)).sum())


def _along(z: Tensor, vector: Tensor) -> Tensor:
    return (z * vector).flatten(1).sum(1)


def _counted(y: Tensor, least: int) -> tuple[int, int]:
    having, lacking = int((y == 1).sum()), int((y == 0).sum())
    if min(having, lacking) < least:
        raise ValueError(
            f"it needs {least} or more labels of either kind, got {having} with it and {lacking} "
            "without: give more labels"
        )
    return having, lacking


def _unit(vector: Tensor) -> Tensor:
    norm = vector.norm()
    if not norm > 0:
        raise ValueError("both classes have the same encodings on average: no direction is left")
    unit: Tensor = vector / norm
    return unit
