r"""How close samples lie together beside data: by their typical distances, not by the rarest ones.

A mean of distances is decided by the few samples that lie far from all others, of a rare category
or a heavy tail, and one set has more of them than another. Here the ratio of two sets of distances
is the median of all ratios of one to one, by the logarithms of distances the estimate of a shift by
Hodges and Lehmann. Distances that are both 0, such as those of equal rows of a table, have ratio 1.

Two distances are compared: to the nearest other sample, which is small where many samples are
copies of a few, and between pairs, which is small where all of them are alike. The smaller ratio
counts: the first says nothing where most samples of the data have an equal.

Source:
    Hodges and Lehmann, Estimates of Location Based on Rank Tests, 1963.
"""

import torch
from torch import Tensor

LARGE = 1000
"""Numbers of a sample above which its nearest is found by a product of matrices, many times faster;
how far away that one is, is exact in any case."""


def closeness(samples: Tensor, data: Tensor, batch_ndim: int) -> Tensor:
    """How many times as far apart samples lie as data, ``(*trials,)``; under 1 they are closer.

    Args:
        samples: Shape ``(*trials, N, *event)``.
        data: Shape ``(*trials, M, *event)``.
        batch_ndim: Dimensions of trials and batch.

    Example:
        >>> data = torch.arange(5.0)[:, None] ** 2
        >>> closeness(data / 2, data, 1).item()
        0.5
    """
    one, other = samples.flatten(batch_ndim), data.flatten(batch_ndim)
    ratios = _typical(_nearest(one), _nearest(other)), _typical(_pairs(one), _pairs(other))
    return torch.minimum(*ratios)


def _nearest(vectors: Tensor) -> Tensor:
    """The distance of each sample to the nearest other one, ``(*trials, N)``."""
    small = vectors.shape[-1] <= LARGE
    apart = _distances(vectors) if small else _squares(vectors)
    apart.diagonal(dim1=-2, dim2=-1).fill_(torch.inf)
    least, near = apart.min(-1)
    if small:
        return least
    neighbours = vectors.take_along_dim(near.unsqueeze(-1), -2)
    distances: Tensor = torch.linalg.vector_norm(vectors - neighbours, dim=-1)
    return distances.masked_fill(least.isinf(), torch.inf)


def _distances(vectors: Tensor) -> Tensor:
    """The distance of each pair, ``(*trials, N, N)``."""
    exact = "donot_use_mm_for_euclid_dist"
    distances: Tensor = torch.cdist(vectors, vectors, compute_mode=exact)
    return distances


def _squares(vectors: Tensor) -> Tensor:
    """Its square, uncertain where it is small, ``(*trials, N, N)``."""
    # about their mean: samples far from 0 would come out as equal
    centred = vectors - vectors.mean(-2, keepdim=True)
    products = centred @ centred.mT
    sizes = products.diagonal(dim1=-2, dim2=-1)
    return sizes.unsqueeze(-1) + sizes.unsqueeze(-2) - 2 * products


def _pairs(vectors: Tensor) -> Tensor:
    """The distance of each sample to the next one, ``(*trials, N)``."""
    distances: Tensor = torch.linalg.vector_norm(vectors - vectors.roll(1, -2), dim=-1)
    return distances


def _typical(one: Tensor, other: Tensor) -> Tensor:
    """The median ratio of one distance to another, ``(*trials,)``."""
    ratios = (one.unsqueeze(-1) / other.unsqueeze(-2)).nan_to_num(1.0, torch.inf).flatten(-2)
    return ratios.sort(-1).values[..., (ratios.shape[-1] - 1) // 2]
