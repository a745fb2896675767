"""Data as Python hands them over: arrays, tensors, and the data sets and loaders of torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import one_line
from ..settings import BATCH_SIZE
from .array_kinds import channels_last, from_tensor
from .arrays import ArraySource, ImageSource
from .rng import Purpose, stream
from .sampler import Epochs, share
from .source import Source
from .units import PixelUnits, Units

Given = Source | Tensor | NDArray[Any] | Dataset[Any] | DataLoader[Any]
"""What :func:`source_of` takes."""


def batch_size_of(data: Given) -> int:
    """Samples of an update where nobody says how many."""
    return (isinstance(data, DataLoader) and data.batch_size) or BATCH_SIZE


def source_of(data: Given) -> Source:
    """Take data for what they are; what there is to say of them is in the source's ``notes``.

    Args:
        data: A source as it is. An array or a tensor of numbers ``(N, *event)``, whose units are
            the model's. One of uint8 images ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)``
            with 1 or 3 channels, which the model sees in [−1, 1]. A ``Dataset`` with a length,
            whose items are samples, or tuples or mappings whose first element is one. Of a
            ``DataLoader``, its data set.

    Raises:
        ValueError: It is none of these, there are no samples, or a value is not finite.

    Example:
        >>> source_of(np.zeros((9, 28, 28), np.uint8)).event_shape
        (1, 28, 28)
    """
    match data:
        case Source():
            return data
        case DataLoader():
            source = source_of(data.dataset)
            size = data.batch_size
            kept = "data set is" if size is None else f"data set and batch size ({size}) are"
            ignored = "the order, the workers and how it puts samples together are not"
            source.notes += (f"of the DataLoader, the {kept} used; {ignored}",)
            return source
        case Tensor() if data.dtype != torch.uint8 and data.is_floating_point():
            return from_tensor(data)
        case Tensor() | np.ndarray():
            return _of_array(data.numpy(force=True) if isinstance(data, Tensor) else data)
        case Dataset():
            return DatasetSource(data)
    hint = ": give its .to_numpy()" if hasattr(data, "to_numpy") else ""
    raise ValueError(
        "data must be an array or a tensor (N, *event), a Dataset or a DataLoader of torch, or a "
        f"Source of alpha_bridge.data, got {type(data).__name__}{hint}"
    )


def _of_array(array: NDArray[Any]) -> ArraySource:
    if array.dtype.kind not in "fiu" or array.ndim < 2:
        raise ValueError(
            f"an array of training data must have the shape (N, *event) and hold numbers, got "
            f"{array.dtype} of shape {array.shape}"
        )
    if array.dtype == np.uint8 and array.ndim > 2:
        return ImageSource(channels_last(array))
    if array.dtype == np.float64:
        return from_tensor(torch.from_numpy(array.copy()))  # which has no negative strides
    return ArraySource(array)


class DatasetSource(Source):
    """Items of a map-style ``Dataset``, read when an update draws them; none is held out.

    A data set that draws numbers by itself, for random crops, makes a run that cannot be repeated.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> source = DatasetSource(TensorDataset(torch.zeros(9, 2), torch.arange(9)))
        >>> source.batch(seed=0, step=0, size=4).shape
        torch.Size([4, 2])
    """

    size: int

    def __init__(self, dataset: Dataset[Any]) -> None:
        """Read the first item, which the others must be like.

        Raises:
            ValueError: The data set has no length or no items, or they are no samples.
        """
        self.dataset = dataset
        try:
            self.size = len(dataset)  # type: ignore[arg-type]
        except TypeError as error:
            raise ValueError(
                f"a data set must have a length and items by number, and {type(dataset).__name__} "
                "has none: give a map-style Dataset, or a Source of your own"
            ) from error
        if not self.size:
            raise ValueError(f"the data set, a {type(dataset).__name__}, has no items")
        first = self._item(0)
        self.event_shape = tuple(first.shape)
        self.units = PixelUnits() if first.dtype == torch.uint8 else Units()
        self._epochs = Epochs(self.size)

    def batch(self, seed: int, step: int, size: int, rank: int = 0, ranks: int = 1) -> Tensor:
        rows = self._epochs.indices(seed, step, size)[share(size, rank, ranks)]
        return self._items(rows.tolist())

    def training(self, count: int) -> Tensor:
        return self._items(stream(0, 0, Purpose.TRAINING).permutation(self.size)[:count].tolist())

    def held_out(self, count: int) -> Tensor:  # noqa: ARG002
        return self._item(0)[None][:0]

    def _items(self, rows: Sequence[int]) -> Tensor:
        items = [self._item(row) for row in rows]
        for row, item in zip(rows, items, strict=True):
            if tuple(item.shape) != self.event_shape:
                raise ValueError(
                    f"item {row} of the data set has the shape {tuple(item.shape)}, the first has "
                    f"{self.event_shape}: give all the same"
                )
            if not item.isfinite().all():
                raise ValueError(f"item {row} of the data set has NaN or infinity: remove it")
        return torch.stack(items)

    def _item(self, row: int) -> Tensor:
        """A sample as the model takes it, but for its units: images are uint8 ``(C, H, W)``."""
        item = self.dataset[row]
        while isinstance(item, Mapping | tuple | list) and len(item):
            item = next(iter(item.values() if isinstance(item, Mapping) else item))
        try:
            sample = item if isinstance(item, Tensor) else torch.tensor(np.asarray(item))
            if not sample.ndim:
                raise ValueError(f"a {type(item).__name__}")
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"item {row} of the data set is no sample, but {one_line(error)}: items must be "
                "tensors, arrays or images, or tuples or mappings whose first element is one"
            ) from error
        if sample.dtype != torch.uint8 or sample.ndim == 1:
            return sample.float()
        pixels = channels_last(sample.numpy(force=True)[None])
        return torch.from_numpy(pixels)[0].permute(2, 0, 1)
