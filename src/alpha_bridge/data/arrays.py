"""Sources over arrays, in memory or mapped from disk: images, vectors, plain tensors."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .attributes import Attributes
from .classes import Classes, classes_of
from .listing import some
from .rng import Purpose
from .rows import Array, Rows, chunks, first, split, take
from .sampler import Epochs, share
from .source import Source
from .units import PixelUnits, StandardUnits, Units

CHANNELS = (1, 3)


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
            raise ValueError(f"data must have the shape (N, *event), got {_whole(train).shape}")
        held_out = train[:0] if held_out is None else held_out
        if held_out.shape[1:] != train.shape[1:]:
            raise ValueError(
                f"held-out samples have the shape {held_out.shape[1:]}, "
                f"training samples {train.shape[1:]}: give both the same"
            )
        self.require_finite(train, held_out)
        self._train, self._held_out = train, held_out
        labels = train_labels, held_out_labels
        classes, codes = _classes(labels, (len(train), len(held_out)), class_names)
        self.class_names = classes.names
        self._train_labels, self._held_out_labels = codes
        self.size = len(train)
        self._epochs = Epochs(self.size, train.groups if isinstance(train, Rows) else None)
        self._train_attributes = train_attributes or self._by_name(
            self._train_labels, _rows_given(train, 0)
        )
        self._held_out_attributes = held_out_attributes or self._by_name(
            self._held_out_labels, _rows_given(held_out, len(train))
        )
        self.units, notes = self.units_of(train)
        self.notes = (*notes, *classes.notes)
        self.event_shape = tuple(self.to_tensor(train[:0]).shape[1:])

    def require(self, array: Array) -> None:
        """Raise ``ValueError`` for an array of another kind than the class takes."""

    def require_finite(self, train: Array, held_out: Array) -> None:
        """Raise ``ValueError`` for a value that is not finite, or too large."""
        _check_finite(train, held_out, self.largest)

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


def from_array(
    train: Array,
    held_out: Array | None = None,
    train_labels: NDArray[Any] | None = None,
    held_out_labels: NDArray[Any] | None = None,
) -> ArraySource:
    """Take an array for what it is: vectors (N, D), or uint8 images (N, H, W), (N, H, W, C) or
    (N, C, H, W) with 1 or 3 channels.

    Raises:
        ValueError: The array is neither, or as for :class:`ArraySource`.

    Example:
        >>> from_array(np.zeros((3, 28, 28), dtype=np.uint8)).event_shape
        (1, 28, 28)
    """
    require_samples(_whole(train))
    if train.ndim == 2:
        return VectorSource(train, held_out, train_labels, held_out_labels)
    apart = None if held_out is None else _images(held_out)
    return ImageSource(_images(train), apart, train_labels, held_out_labels)


def require_samples(array: NDArray[Any]) -> None:
    """Refuse an array that is neither one of vectors nor one of uint8 images, and say what to do.

    Raises:
        ValueError: It is such an array.

    Example:
        >>> require_samples(np.zeros((9, 8, 8)))
        Traceback (most recent call last):
            ...
        ValueError: an array of float64 and shape (9, 8, 8) is no data set: give images as whole \
numbers, (255 * x).round().astype('uint8') of numbers in [0, 1]
    """
    kind, pixels = array.dtype.kind, array.dtype == np.uint8
    if kind in "fiu" and array.ndim == 2:
        return
    if pixels and array.ndim == 3:
        return
    if pixels and array.ndim == 4 and {array.shape[-1], array.shape[1]} & {*CHANNELS}:
        return
    if array.dtype.names:
        remedy = "its fields as columns, numpy.lib.recfunctions.structured_to_unstructured(x)"
    elif kind == "c":
        remedy = "real and imaginary parts as columns, of shape (N, D)"
    elif kind not in "bfiu":
        remedy = "numbers of shape (N, D)"
    elif array.ndim < 2:
        remedy = "shape (N, D), that is x[:, None] for one number a sample"
    elif array.ndim == 2:
        remedy = "numbers, x.astype(float)"
    elif array.ndim == 4 and pixels:
        remedy = "1 or 3 channels, such as x[..., :3]"
    elif array.ndim > 4:
        remedy = "vectors (N, D), or images (N, H, W) or (N, H, W, C)"
    elif kind == "f":
        remedy = "images as whole numbers, (255 * x).round().astype('uint8') of numbers in [0, 1]"
    else:
        remedy = "images as bytes, x.astype('uint8') once they lie in 0 to 255"
    raise ValueError(
        f"an array of {array.dtype} and shape {array.shape} is no data set: give {remedy}"
    )


def channels_last(images: NDArray[Any]) -> NDArray[Any]:
    """Images as ``(..., H, W, C)``, whichever way they are given."""
    if images.ndim == 3:
        return images[..., None]
    if images.ndim == 4 and images.shape[-1] in CHANNELS:
        return images
    if images.ndim == 4 and images.shape[1] in CHANNELS:
        return np.moveaxis(images, 1, -1)
    raise ValueError(
        "uint8 images must have the shape (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 "
        f"channels, got {images.shape}"
    )


def _images(array: Array) -> Array:
    if isinstance(array, Rows):
        return Rows(channels_last(array.array), array.rows)
    return channels_last(array)


def _whole(array: Array) -> NDArray[Any]:
    """The array as it was given, of which some rows may be chosen."""
    return array.array if isinstance(array, Rows) else array


def from_tensor(x: Tensor, held_out: Tensor | None = None) -> ArraySource:
    """Take float tensors, ``(N, D)`` or ``(N, C, H, W)``, whose units are the model's.

    Raises:
        ValueError: The tensors are not float, their shapes do not match, a value is not finite, or
            float32, in which networks see them, merges their values.

    Example:
        >>> from_tensor(torch.zeros(4, 2)).batch(seed=0, step=0, size=2)
        tensor([[0., 0.],
                [0., 0.]])
    """
    for tensor in (x, held_out):
        if tensor is not None and not tensor.is_floating_point():
            raise ValueError(
                f"a tensor of training data must be float in model units, got {tensor.dtype}: "
                "convert it, or give uint8 images as an array to from_array"
            )
    _check_digits(x)
    return ArraySource(_to_array(x), None if held_out is None else _to_array(held_out))


def with_held_out(array: NDArray[Any]) -> ArraySource:
    """An array as :func:`from_array` takes it, of which a tenth is held out, always the same."""
    require_samples(array)
    kept, apart = split(len(array))
    return from_array(Rows(array, kept), Rows(array, apart))


def _rows_given(array: Array, begin: int) -> NDArray[np.int64]:
    """Which rows of the data as given these are; counted from ``begin`` if nobody chose them."""
    return array.rows if isinstance(array, Rows) else begin + np.arange(len(array))


def _to_array(x: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = x.detach().cpu().float().numpy()
    return array


def _check_digits(x: Tensor) -> None:
    """Refuse data where float32 merges a thousandth of a feature's deviation."""
    if x.dtype != torch.float64 or not len(x) or not x.isfinite().all():
        return
    lost, spread = (x - x.float()).abs().amax(0), x.std(0, correction=0)
    if ((lost > spread / 1000) & (spread > 0)).any():
        raise ValueError(
            "float32 does not tell apart the values of these float64 data, which lie far from 0: "
            "standardise them, or give x.numpy() to from_array, which does so"
        )


def _check_finite(train: Array, held_out: Array, largest: float) -> None:
    parts = {"training data": train, "held-out data": held_out}
    bad = {name: _beyond(part, largest) for name, part in parts.items()}
    if isinstance(train, Rows) and isinstance(held_out, Rows):  # both of one array
        parts, bad = {"the array": train.array}, {"the array": np.concatenate([*bad.values()])}
    for name, rows in bad.items():
        if rows.size:
            most = _largest(parts[name], largest)
            raise ValueError(
                f"{name} has NaN or infinity, or a value beyond {most:.2g}, in {rows.size} of "
                f"{len(parts[name])} rows, first in row {rows.min()}, counted from 0: remove or "
                "repair them"
            )


def _beyond(array: Array, largest: float) -> NDArray[np.int64]:
    """Rows of the array as it was given that are not finite, or not that small."""
    if array.dtype.kind != "f":
        return np.empty(0, np.int64)
    most = _largest(array, largest)
    bad = [
        begin + np.flatnonzero(~(np.abs(rows) <= most).reshape(len(rows), -1).all(1))
        for begin, rows in chunks(array)
    ]
    rows: NDArray[np.int64] = _rows_given(array, 0)[np.concatenate([*bad, np.empty(0, np.int64)])]
    return rows


def _largest(array: Array, largest: float) -> float:
    return min(largest, float(np.finfo(array.dtype).max))


Codes = NDArray[np.signedinteger[Any]]


def _classes(
    labels: tuple[NDArray[Any] | None, NDArray[Any] | None],
    counts: tuple[int, int],
    names: Sequence[str] | None,
) -> tuple[Classes, tuple[Codes | None, Codes | None]]:
    """The classes of training samples and held-out ones, and the codes of each."""
    for given, count in zip(labels, counts, strict=True):
        if given is not None and given.shape != (count,):
            raise ValueError(
                f"there must be a label for each of {count} samples, got the shape {given.shape}"
            )
    train, held_out = labels
    if train is None or (names is not None and not names):
        return Classes((), np.empty(0, np.int64)), (None, None)
    if names is not None and held_out is not None:  # as they are: they may be mapped
        return Classes(tuple(names), np.empty(0, np.int64)), (train, held_out)
    both = train if held_out is None else np.concatenate([train, held_out])
    found = classes_of(both) if names is None else Classes(tuple(names), both.astype(np.int64))
    unlabelled = np.full(sum(counts) - len(both), -1)
    codes = np.concatenate([found.codes, unlabelled])
    parts = (codes[: counts[0]], codes[counts[0] :]) if found.names else (None, None)
    return replace(found, codes=codes), parts
