"""Directions of the latent space that are found from labelled samples of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .edit_options import EditOptions

if TYPE_CHECKING:
    from torch import Tensor

    from ..data import Attributes, Units
    from ..inference.editing import Direction
    from ..model import AlphaBridge

LABELLED = 5000
"""Labelled samples that directions are found from, at most."""


def directions_of(
    wanted: EditOptions, model: AlphaBridge, units: Units, x: Tensor, known: Attributes
) -> list[Direction]:
    """The direction of each attribute, orthogonal to those that an edit must not follow.

    Args:
        wanted: With the attributes, and how directions are found.
        model: Whose latents they are directions of.
        units: Of the samples.
        x: Samples in storage units, shape ``(N, *event)``.
        known: What is known of each.
    """
    import torch

    from ..inference.editing import find_direction, linear_direction, mean_direction
    from ..metrics.evaluation import in_chunks

    finder = {"means": mean_direction, "normal": linear_direction}[wanted.method]
    encoded = in_chunks(model.encode, units.normalize(x))

    def find(name: str, others: Sequence[Tensor] = ()) -> Direction:
        has = torch.from_numpy(known.known(name))
        return find_direction(name, encoded[has >= 0], has[has >= 0], finder, others)

    others = [find(name).vector for name in wanted.against]
    return [find(name, others) for name in wanted.attribute]
