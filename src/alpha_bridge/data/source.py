"""Where training samples come from, whatever they are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..observation import RowFamily
from .attributes import Attributes
from .units import Units


class Source(ABC):
    """Training samples and held-out ones, in storage units and in model units.

    Storage units are the data's own: uint8 images, vectors as they were given. Model units are
    float32: images in [−1, 1], vectors as the networks see them.

    Attributes:
        event_shape: Shape of one sample for the model, ``(D,)`` or ``(C, H, W)``.
        size: Number of training samples; None when they are unlimited.
        units: Between storage units and model units.
        class_names: Of the classes that the labels tell apart, in order; none without labels.
        notes: What a user should know of how the data were read, a line each.
        files: Names of the files of all rows of the data, as they were given; empty without.
        rows: Where rows of a table have their categories and numbers; None for other data.
    """

    event_shape: tuple[int, ...]
    size: int | None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: Sequence[str | None] = ()
    units: Units = Units()

    @property
    def rows(self) -> RowFamily | None:
        return None

    @property
    def fingerprint(self) -> str | None:
        """Number and sum of all samples, which tell them from others; None if they are drawn."""
        return None

    @property
    def classes(self) -> int:
        """Number of classes that the labels tell apart; 0 without labels."""
        return len(self.class_names)

    @abstractmethod
    def batch(self, seed: int, step: int, size: int, rank: int = 0, ranks: int = 1) -> Tensor:
        """Training samples of one update, a pure function of the arguments.

        Args:
            seed: Seed of the run, zero or more.
            step: The update, zero or more.
            size: Samples of the update, over all processes.
            rank: The process that asks, in [0, ranks).
            ranks: Number of processes; each takes a contiguous share of the batch.

        Returns:
            A host tensor in storage units, shape ``(share, *event_shape)``; images are uint8
            NCHW views of NHWC memory.
        """

    @abstractmethod
    def training(self, count: int) -> Tensor:
        """Up to ``count`` training samples, in storage units, shuffled but always the same."""

    def chosen(self, count: int, places: NDArray[np.int64]) -> Tensor:
        """Those of ``training(count)`` that stand at ``places``, without the others."""
        return self.training(count)[torch.from_numpy(places)]

    @abstractmethod
    def held_out(self, count: int) -> Tensor:
        """Up to ``count`` samples that training never sees, in storage units, in such an order."""

    def training_labels(self, count: int) -> Tensor | None:  # noqa: ARG002
        """Labels of ``training(count)``, int64, −1 where unknown; None without labels."""
        return None

    def held_out_labels(self, count: int) -> Tensor | None:  # noqa: ARG002
        """Labels of ``held_out(count)``, int64, −1 where unknown; None without labels."""
        return None

    def training_attributes(self, count: int) -> Attributes:
        """What is known by name of ``training(count)``; the labels, if nothing else is."""
        labels = self.training_labels(count)
        return Attributes.none(count) if labels is None else self._of_labels(labels)

    def held_out_attributes(self, count: int) -> Attributes:
        """What is known by name of ``held_out(count)``; the labels, if nothing else is."""
        labels = self.held_out_labels(count)
        return Attributes.none(count) if labels is None else self._of_labels(labels)

    def _of_labels(self, labels: Tensor) -> Attributes:
        return Attributes.of_labels(labels.numpy(), self.class_names)
