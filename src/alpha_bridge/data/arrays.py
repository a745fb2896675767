"""Sources over arrays, in memory or mapped from disk: images, vectors, plain tensors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpha_bridge.checks import at_least

from .rng import HELD_OUT, TRAINING, stream
from .sampler import indices, share
from .source import Source
from .units import PixelUnits, StandardUnits

__all__ = ["ArraySource", "ImageSource", "VectorSource", "from_array", "from_tensor", "split"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array, chosen but not copied.

    Attributes:
        array: The array; may be a memory map.
        rows: Indices of the rows, shape ``(N,)``.
    """

    array: NDArray[Any]
    rows: NDArray[np.int64]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.rows), *self.array.shape[1:]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        return self.array.take(self.rows[part], axis=0)

    def take(self, rows: NDArray[np.int64], axis: Literal[0] = 0) -> NDArray[Any]:
        return self.array.take(self.rows[rows], axis=axis)


Array = NDArray[Any] | Rows
Labels = NDArray[np.integer[Any]]

# Rows that are looked at together; arrays may be larger than memory.
CHUNK_BYTES = 2**24
LARGEST = np.finfo(np.float32).max


class ArraySource(Source):
    """Rows of an array, which are the model's own units already."""

    size: int

    def __init__(
        self,
        train: Array,
        held_out: Array | None = None,
        train_labels: Labels | None = None,
        held_out_labels: Labels | None = None,
    ) -> None:
        """Draw from the rows of ``train``.

        Args:
            train: Training samples, float, shape ``(N, *event)``; may be a memory map.
            held_out: Samples for evaluation, the same event shape; none when None.
            train_labels: Classes, −1 where unknown, shape ``(N,)``.
            held_out_labels: Classes of the held-out samples, shape ``(M,)``.

        Raises:
            ValueError: There are no samples, shapes do not match, or a value is not finite.
        """
        if train.ndim < 2 or not math.prod(train.shape):
            raise ValueError(f"data must have the shape (N, *event), got {train.shape}")
        held_out = train[:0] if held_out is None else held_out
        if held_out.shape[1:] != train.shape[1:]:
            raise ValueError(
                f"held-out samples have the shape {held_out.shape[1:]}, "
                f"training samples {train.shape[1:]}: give both the same"
            )
        _check_finite("training data", train)
        _check_finite("held-out data", held_out)
        self._train, self._held_out = _plain(train), _plain(held_out)
        self._train_labels = _checked_labels(train_labels, len(train))
        self._held_out_labels = _checked_labels(held_out_labels, len(held_out))
        known = [x for x in (self._train_labels, self._held_out_labels) if x is not None and x.size]
        self.classes = max((int(x.max()) + 1 for x in known), default=0)
        self.size = len(train)
        self.event_shape = tuple(self.training(1).shape[1:])

    def to_tensor(self, rows: NDArray[Any]) -> Tensor:
        """Rows of such an array as a batch in storage units."""
        return torch.from_numpy(rows.astype(np.float32, copy=False))

    def batch(self, seed: int, step: int, size: int, rank: int = 0, ranks: int = 1) -> Tensor:
        if size > self.size:
            raise ValueError(
                f"batch_size {size} is larger than the data set's {self.size} samples: "
                "lower --batch-size"
            )
        rows = indices(seed, step, size, self.size)[share(size, rank, ranks)]
        return self.to_tensor(self._train.take(rows, axis=0))

    def training(self, count: int) -> Tensor:
        return self.to_tensor(_shuffled(self._train, count, TRAINING))

    def held_out(self, count: int) -> Tensor:
        return self.to_tensor(_shuffled(self._held_out, count, HELD_OUT))

    def training_labels(self, count: int) -> Tensor | None:
        labels = self._train_labels
        return None if labels is None else torch.from_numpy(_shuffled(labels, count, TRAINING))

    def held_out_labels(self, count: int) -> Tensor | None:
        labels = self._held_out_labels
        return None if labels is None else torch.from_numpy(_shuffled(labels, count, HELD_OUT))


class ImageSource(ArraySource):
    """Images as uint8 (N, H, W, C); the model sees float32 (N, C, H, W) in [−1, 1].

    Example:
        >>> source = ImageSource(np.zeros((10, 8, 8, 1), dtype=np.uint8))
        >>> x = source.batch(seed=0, step=0, size=4)
        >>> x.dtype, x.shape, source.units.normalize(x).min()
        (torch.uint8, torch.Size([4, 1, 8, 8]), tensor(-1.))
    """

    units = PixelUnits()

    def __init__(
        self,
        train: Array,
        held_out: Array | None = None,
        train_labels: Labels | None = None,
        held_out_labels: Labels | None = None,
    ) -> None:
        """Draw from the images of ``train``.

        Args:
            train: Training images, uint8, shape ``(N, H, W, C)``; may be a memory map.
            held_out: Images for evaluation, the same event shape; none when None.
            train_labels: Classes, −1 where unknown, shape ``(N,)``.
            held_out_labels: Classes of the held-out images, shape ``(M,)``.

        Raises:
            ValueError: The arrays are no such images, or shapes do not match.
        """
        for images in (train, held_out):
            if images is not None and (images.dtype != np.uint8 or images.ndim != 4):
                raise ValueError(
                    f"images must be uint8 of shape (N, H, W, C), got {images.dtype} of shape "
                    f"{images.shape}"
                )
        super().__init__(train, held_out, train_labels, held_out_labels)

    def to_tensor(self, rows: NDArray[Any]) -> Tensor:
        # permuted, not copied: to torch this is the channels-last layout
        return torch.from_numpy(rows).permute(0, 3, 1, 2)


class VectorSource(ArraySource):
    """Vectors (N, D), which the model sees with mean 0 and standard deviation 1.

    Mean and deviation of each feature are those of the training set; a constant feature keeps
    its scale.

    Attributes:
        units: Mean and standard deviation of each feature, float32, shape ``(D,)``.

    Example:
        >>> source = VectorSource(np.array([[0.0, 5.0], [2.0, 5.0]]))
        >>> source.units.mean, source.units.std
        (tensor([1., 5.]), tensor([1., 1.]))
    """

    units: StandardUnits

    def __init__(
        self,
        train: Array,
        held_out: Array | None = None,
        train_labels: Labels | None = None,
        held_out_labels: Labels | None = None,
    ) -> None:
        """Draw from the rows of ``train``.

        Args:
            train: Training vectors, float or integer, shape ``(N, D)``; may be a memory map.
            held_out: Vectors for evaluation, shape ``(M, D)``; none when None.
            train_labels: Classes, −1 where unknown, shape ``(N,)``.
            held_out_labels: Classes of the held-out vectors, shape ``(M,)``.

        Raises:
            ValueError: There are no samples, shapes do not match, or a value is not finite.
        """
        super().__init__(train, held_out, train_labels, held_out_labels)
        if train.ndim != 2:
            raise ValueError(f"vectors must have the shape (N, D), got {train.shape}")
        mean = sum(rows.sum(0, dtype=np.float64) for _, rows in _chunks(train)) / len(train)
        variance = sum(
            np.square(rows - mean).sum(0, dtype=np.float64) for _, rows in _chunks(train)
        ) / len(train)
        std = np.sqrt(variance)
        # the mean of a constant feature is exact only up to rounding
        std[std <= 1e-12 * np.abs(mean)] = 1.0
        self.units = StandardUnits(
            mean=torch.from_numpy(np.asarray(mean, dtype=np.float32)),
            std=torch.from_numpy(np.asarray(std, dtype=np.float32)),
        )


def from_array(
    train: Array,
    held_out: Array | None = None,
    train_labels: Labels | None = None,
    held_out_labels: Labels | None = None,
) -> ArraySource:
    """Take an array for what it is: vectors (N, D), or uint8 images (N, H, W) or (N, H, W, C).

    Args:
        train: Training samples; may be a memory map.
        held_out: Samples for evaluation; none when None.
        train_labels: Classes, −1 where unknown, shape ``(N,)``.
        held_out_labels: Classes of the held-out samples, shape ``(M,)``.

    Returns:
        A source of images or of vectors.

    Raises:
        ValueError: The array is neither, or as for :class:`ImageSource`, :class:`VectorSource`.

    Example:
        >>> from_array(np.zeros((3, 28, 28), dtype=np.uint8)).event_shape
        (1, 28, 28)
    """
    arrays = train, held_out, train_labels, held_out_labels
    if train.ndim == 2 and train.dtype.kind in "fiu":
        return VectorSource(*arrays)
    if train.dtype == np.uint8 and train.ndim == 3:
        return ImageSource(_one_channel(train), _one_channel(held_out), *arrays[2:])
    if train.dtype == np.uint8 and train.ndim == 4 and train.shape[-1] in (1, 3):
        return ImageSource(*arrays)
    raise ValueError(
        f"an array of {train.dtype} and shape {train.shape} is no data set: give numbers of shape "
        "(N, D), or uint8 images of shape (N, H, W) or (N, H, W, C) with 1 or 3 channels"
    )


def from_tensor(x: Tensor, held_out: Tensor | None = None) -> ArraySource:
    """Take tensors as they are: their units are the model's.

    Args:
        x: Training samples, float, shape ``(N, D)`` or ``(N, C, H, W)``.
        held_out: Samples for evaluation; none when None.

    Returns:
        A source without normalisation.

    Raises:
        ValueError: The tensors are not float, their shapes do not match, or a value is not finite.

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
    return ArraySource(_to_array(x), None if held_out is None else _to_array(held_out))


def split(
    n: int, fraction: float = 0.1, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose rows to hold out, at random but always the same ones.

    Args:
        n: Number of rows, two or more.
        fraction: Share to hold out, in (0, 1); at least one row is held out and one is kept.
        seed: Seed of the choice, zero or more.

    Returns:
        Rows to train on and rows to hold out, both in increasing order.

    Raises:
        ValueError: There are fewer than two rows.

    Example:
        >>> [len(rows) for rows in split(100)]
        [90, 10]
    """
    if n < 2:
        raise ValueError(f"the data set has {n} sample: give two or more, one is held out")
    count = min(max(round(fraction * n), 1), n - 1)
    order = stream(seed, 0, HELD_OUT).permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


@overload
def _one_channel(images: Array) -> Array: ...
@overload
def _one_channel(images: None) -> None: ...
def _one_channel(images: Array | None) -> Array | None:
    if isinstance(images, Rows):
        return Rows(images.array[..., None], images.rows)
    return None if images is None else images[..., None]


def _plain(array: Array) -> Array:
    return array if isinstance(array, Rows) else np.asarray(array)


def _to_array(x: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = x.detach().cpu().float().numpy()
    return array


def _shuffled(array: Array, count: int, purpose: int) -> NDArray[Any]:
    order = stream(0, 0, purpose).permutation(len(array))
    return array.take(order[: at_least(0, "count", count)], axis=0)


def _chunks(array: Array) -> Iterator[tuple[int, NDArray[Any]]]:
    rows = max(1, CHUNK_BYTES // max(array[:1].nbytes, 1))
    for begin in range(0, len(array), rows):
        yield begin, array[begin : begin + rows]


def _check_finite(name: str, array: Array) -> None:
    if array.dtype.kind != "f":
        return
    bad_rows = [
        begin + np.flatnonzero(~(np.abs(rows) <= LARGEST).reshape(len(rows), -1).all(1))
        for begin, rows in _chunks(array)
    ]
    bad = np.concatenate([*bad_rows, np.empty(0, np.int64)])
    if bad.size:
        raise ValueError(
            f"{name} has NaN or infinity (as float32) in {bad.size} of {len(array)} rows, first in "
            f"row {int(bad[0])}: remove or repair them"
        )


def _checked_labels(labels: Labels | None, n: int) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be integers of shape ({n},), got {labels.dtype} of shape {labels.shape}"
        )
    return np.asarray(labels, dtype=np.int64)
