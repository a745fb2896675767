"""Sources over arrays, in memory or mapped from disk: images, vectors, plain tensors."""

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .attributes import Attributes
from .classes import classes_of_parts
from .finite import require_finite
from .listing import some
from .rng import Purpose
from .rows import Array, Rows, chunks, first, rows_as_given, take, whole
from .sampler import Epochs, share
from .source import Source
from .units import PixelUnits, StandardUnits, Units


class ArraySource(Source):
    """Rows of an array of floats, which are in the model's own units already."""

    size: int
    largest = float(np.finfo(np.float32).max)
    """Magnitude of a value, at most."""

    def __init__(
        self,
        train: Array,
        held_out: Array | None = None,
        train_labels: NDArray[Any] | None = None,
        held_out_labels: NDArray[Any] | None = None,
        train_attributes: Attributes | None = None,
        held_out_attributes: Attributes | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Draw from the rows of ``train``.

        Args:
            train: Training samples of the kind that the class takes, shape ``(N, *event)``; may
                be a memory map.
            held_out: Samples for evaluation, the same event shape; none when None.
            train_labels: What tells the classes apart, shape ``(N,)``, as for
                :func:`~alpha_bridge.data.classes.classes_of`.
            held_out_labels: The same of the held-out samples.
            train_attributes: What is known of the samples by name; by default their labels, and
                the rows that they were chosen from.
            held_out_attributes: The same of the held-out samples.
            class_names: If given, the labels are places among these, −1 where unknown.

        Raises:
            ValueError: The arrays are of another kind, there are no samples, shapes do not match,
                or a value is not finite.
        """
        for array in (train, held_out):
            if array is not None:
                self.require(array)
        if train.ndim < 2 or not math.prod(train.shape):
            raise ValueError(f"data must have the shape (N, *event), got {whole(train).shape}")
        held_out = train[:0] if held_out is None else held_out
        if held_out.shape[1:] != train.shape[1:]:
            raise ValueError(
                f"held-out samples have the shape {held_out.shape[1:]}, "
                f"training samples {train.shape[1:]}: give both the same"
            )
        self.require_finite(train, held_out)
        self._train, self._held_out = train, held_out
        labels = train_labels, held_out_labels
        classes, codes = classes_of_parts(labels, (len(train), len(held_out)), class_names)
        self.class_names = classes.names
        self._train_labels, self._held_out_labels = codes
        self.size = len(train)
        self._epochs = Epochs(self.size, train.groups if isinstance(train, Rows) else None)
        self._train_attributes = train_attributes or self._by_name(
            self._train_labels, rows_as_given(train, 0)
        )
        self._held_out_attributes = held_out_attributes or self._by_name(
            self._held_out_labels, rows_as_given(held_out, len(train))
        )
        self.units, notes = self.units_of(train)
        self.notes = (*notes, *classes.notes)
        self.event_shape = tuple(self.to_tensor(train[:0]).shape[1:])

    def require(self, array: Array) -> None:
        """Raise ``ValueError`` for an array of another kind than the class takes."""

    def require_finite(self, train: Array, held_out: Array) -> None:
        """Raise ``ValueError`` for a value that is not finite, or too large."""
        require_finite(train, held_out, self.largest)

    def units_of(self, train: Array) -> tuple[Units, tuple[str, ...]]:  # noqa: ARG002
        """Between the units of the training samples and those of the model; and notes on them."""
        return Units(), ()

    def to_tensor(self, rows: NDArray[Any]) -> Tensor:
        """Rows of such an array as a batch in storage units."""
        return torch.from_numpy(rows.astype(np.float32, copy=False))

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for array in (self._train, self._held_out):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            for _, rows in chunks(array):
                digest.update(np.ascontiguousarray(rows).data)
        count = self.size + len(self._held_out)
        return f"{count} samples, sha256 {digest.hexdigest()[:16]}"

    def batch(self, seed: int, step: int, size: int, rank: int = 0, ranks: int = 1) -> Tensor:
        if size > self.size:
            raise ValueError(
                f"batch_size {size} is larger than the data set's {self.size} samples: "
                f"give a batch size of {self.size} or fewer (--batch-size)"
            )
        rows = self._epochs.indices(seed, step, size)[share(size, rank, ranks)]
        return self.to_tensor(take(self._train, rows))

    def training(self, count: int) -> Tensor:
        return self.to_tensor(take(self._train, first(self._train, count, Purpose.TRAINING)))

    def chosen(self, count: int, places: NDArray[np.int64]) -> Tensor:
        return self.to_tensor(
            take(self._train, first(self._train, count, Purpose.TRAINING)[places])
        )

    def held_out(self, count: int) -> Tensor:
        return self.to_tensor(take(self._held_out, first(self._held_out, count, Purpose.HELD_OUT)))

    def training_labels(self, count: int) -> Tensor | None:
        if self._train_labels is None:
            return None
        rows = first(self._train, count, Purpose.TRAINING)
        return torch.from_numpy(self._train_labels[rows].astype(np.int64))

    def held_out_labels(self, count: int) -> Tensor | None:
        if self._held_out_labels is None:
            return None
        rows = first(self._held_out, count, Purpose.HELD_OUT)
        return torch.from_numpy(self._held_out_labels[rows].astype(np.int64))

    def training_attributes(self, count: int) -> Attributes:
        return self._train_attributes[first(self._train, count, Purpose.TRAINING)]

    def held_out_attributes(self, count: int) -> Attributes:
        return self._held_out_attributes[first(self._held_out, count, Purpose.HELD_OUT)]

    def _by_name(self, labels: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> Attributes:
        if labels is None:
            return Attributes.none(len(rows), rows)
        return Attributes.of_labels(labels, self.class_names, rows)


class ImageSource(ArraySource):
    """Images as uint8 (N, H, W, C); the model sees float32 (N, C, H, W) in [−1, 1].

    Example:
        >>> source = ImageSource(np.zeros((10, 8, 8, 1), dtype=np.uint8))
        >>> x = source.batch(seed=0, step=0, size=4)
        >>> x.dtype, x.shape, source.units.normalize(x).min()
        (torch.uint8, torch.Size([4, 1, 8, 8]), tensor(-1.))
    """

    white: int | None = None
    """What was white in images of more than 8 bits before they were scaled; None without."""

    def require(self, array: Array) -> None:
        if array.dtype != np.uint8 or array.ndim != 4:
            raise ValueError(
                f"images must be uint8 of shape (N, H, W, C), got {array.dtype} of shape "
                f"{array.shape}"
            )

    def units_of(self, train: Array) -> tuple[Units, tuple[str, ...]]:  # noqa: ARG002
        return PixelUnits(), ()

    def to_tensor(self, rows: NDArray[Any]) -> Tensor:
        # permuted, not copied: to torch this is the channels-last layout
        return torch.from_numpy(rows).permute(0, 3, 1, 2)


class VectorSource(ArraySource):
    """Vectors (N, D) of numbers, which the model sees with mean 0 and standard deviation 1.

    Mean and deviation of each feature are those of the training set, in float64; a constant feature
    keeps its scale, and is named in ``notes``. In storage units, vectors are float32 if their type
    goes into it without loss, else float64.

    Example:
        >>> source = VectorSource(np.array([[0.0, 5.0], [2.0, 5.0]]))
        >>> source.units.mean.tolist(), source.units.std.tolist(), source.notes
        ([1.0, 5.0], [1.0, 1.0], ('column 1 of the data is constant (5): it keeps its scale',))
    """

    units: StandardUnits
    largest = 1e150
    """The squares of ten million such values have a sum in float64."""

    def require(self, array: Array) -> None:
        if array.ndim != 2:
            raise ValueError(f"vectors must have the shape (N, D), got {array.shape}")

    def to_tensor(self, rows: NDArray[Any]) -> Tensor:
        kind = np.float32 if np.can_cast(rows.dtype, np.float32) else np.float64
        return torch.from_numpy(rows.astype(kind, copy=False))

    def units_of(self, train: Array) -> tuple[StandardUnits, tuple[str, ...]]:
        # from the first row on, so that the sums of data far from 0 keep their digits
        first = train[:1].astype(np.float64)[0]
        shift = np.zeros_like(first)
        for _, rows in chunks(train):
            shift += (rows.astype(np.float64) - first).sum(0) / len(train)
        variance = np.zeros_like(first)
        for _, rows in chunks(train):
            variance += np.square(rows.astype(np.float64) - first - shift).sum(0) / len(train)
        # exactly: every difference from the first row is 0
        constant = variance == 0
        std = np.where(constant, 1.0, np.sqrt(variance))
        units = StandardUnits(torch.from_numpy(first + shift), torch.from_numpy(std))
        return units, _notes_on_constants(constant, first)


def _notes_on_constants(
    constant: NDArray[np.bool_], values: NDArray[np.float64]
) -> tuple[str, ...]:
    """A line about columns that are constant, and have these values; none if there are none."""
    columns = np.flatnonzero(constant)
    if not len(columns):
        return ()
    if len(columns) == len(constant):
        return ("all vectors of the data are equal: there is nothing to learn from them",)
    if len(columns) == 1:
        return (
            f"column {columns[0]} of the data is constant ({values[columns[0]]:g}): "
            "it keeps its scale",
        )
    named = some([f"{column} ({values[column]:g})" for column in columns])
    return (f"columns {named} of the data are constant: they keep their scale",)
