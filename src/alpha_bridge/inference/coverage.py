r"""How well the generator covers real samples: those that it misses come first.

Two measures rank all samples: the importance-weighted bound on the likelihood of a sample x under
the noise that fits (see :mod:`~alpha_bridge.inference.likelihood`), lowest first, and the distance
to its reconstruction,

.. math:: \sqrt{\|x - G_\theta(\mu_\phi(x))\|^2 / d}

largest first. Samples are sorted by the mean of both ranks. The distance to the nearest of many
generated samples, in the same units, stands beside them: where it is small and the other large, it
is the encoder that fails, not the generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..metrics.evaluation import in_chunks
from ..model import AlphaBridge
from .likelihood import bounds

__all__ = ["Coverage", "rank_by_coverage"]


@dataclass(frozen=True)
class Coverage:
    """A real sample, and how well it is covered.

    Attributes:
        index: Where it stands among the samples that were ranked.
        row: Which row of the data it is, as they were given; None where data are drawn.
        label: The number of its class, if known.
        bound: Importance-weighted bound, in nats for each dimension.
        bound_rank: 1 for the lowest bound.
        distance: To its reconstruction: root mean square over dimensions, in model units.
        distance_rank: 1 for the largest distance.
        nearest: Distance to the nearest generated sample, in the same units.
        file: The file that it was read from, if known.
        name: Name of its class, if known.
    """

    index: int
    row: int | None
    label: int | None
    bound: float
    bound_rank: int
    distance: float
    distance_rank: int
    nearest: float
    file: str | None = None
    name: str | None = None

    @property
    def rank(self) -> float:
        """Mean of both ranks."""
        return (self.bound_rank + self.distance_rank) / 2


def rank_by_coverage(
    model: AlphaBridge,
    x: Tensor,
    generated: Tensor,
    sigma: float,
    draws: int,
    labels: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
) -> list[Coverage]:
    """Measure how well samples ``(N, *event)`` in model units are covered, the worst first.

    Beside them stand ``(M, *event)`` that the model, in evaluation mode, has generated. σ and the
    draws are those of :func:`~alpha_bridge.inference.likelihood.bounds`; a label is −1 if unknown.
    """
    size = x[0].numel()
    bound = bounds(model, x, sigma, draws) / size
    distance = (x - in_chunks(model.reconstruct, x)).square().flatten(1).mean(1).sqrt()
    nearest = torch.cdist(x.flatten(1), generated.flatten(1)).amin(1) / size**0.5
    bound_rank, distance_rank = _ranks(bound), _ranks(-distance)
    samples = [
        Coverage(
            index,
            None if rows is None else rows[index],
            None if labels is None or labels[index] < 0 else labels[index],
            float(bound[index]),
            bound_rank[index],
            float(distance[index]),
            distance_rank[index],
            float(nearest[index]),
        )
        for index in range(len(x))
    ]
    return sorted(samples, key=lambda sample: sample.rank)


def _ranks(values: Tensor) -> list[int]:
    """Place of each value in increasing order, from 1 on."""
    return (values.argsort(stable=True).argsort() + 1).tolist()
