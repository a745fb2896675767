"""Stacked trials: from the tensors of single models to those of one stacked model, and back."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .state import UNITS

__all__ = ["of_trial", "stack"]


def stack(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """State of a stacked model whose trial k is the k-th of single models."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def of_trial(
    tensors: Mapping[str, Mapping[str, Tensor]], trial: int
) -> dict[str, dict[str, Tensor]]:
    """State of one trial, from 0, as a single run's checkpoint has it.

    Counts, which have no dimension, are the same for all trials.
    """
    return {
        file: {
            name: value[trial] if value.ndim and file != UNITS else value
            for name, value in named.items()
        }
        for file, named in tensors.items()
    }
