"""What an array or a tensor is taken for, by type and shape: vectors, images, plain numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .arrays import ArraySource, ImageSource, VectorSource
from .rows import Array, Rows, split, whole

CHANNELS = (1, 3)

REMEDIES: Sequence[tuple[Callable[[NDArray[Any]], bool], str]] = (
    (
        lambda x: bool(x.dtype.names),
        "its fields as columns, numpy.lib.recfunctions.structured_to_unstructured(x)",
    ),
    (lambda x: x.dtype.kind == "c", "real and imaginary parts as columns, of shape (N, D)"),
    (lambda x: x.dtype.kind not in "bfiu", "numbers of shape (N, D)"),
    (lambda x: x.ndim < 2, "shape (N, D), that is x[:, None] for one number a sample"),
    (lambda x: x.ndim == 2, "numbers, x.astype(float)"),
    (lambda x: x.ndim == 4 and x.dtype == np.uint8, "1 or 3 channels, such as x[..., :3]"),
    (lambda x: x.ndim > 4, "vectors (N, D), or images (N, H, W) or (N, H, W, C)"),
    (
        lambda x: x.dtype.kind == "f",
        "images as whole numbers, (255 * x).round().astype('uint8') of numbers in [0, 1]",
    ),
    (lambda _: True, "images as bytes, x.astype('uint8') once they lie in 0 to 255"),
)
"""What to give in place of an array that is no data set: the first that holds."""


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
    require_samples(whole(train))
    if train.ndim == 2:
        return VectorSource(train, held_out, train_labels, held_out_labels)
    apart = None if held_out is None else _images(held_out)
    return ImageSource(_images(train), apart, train_labels, held_out_labels)


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
    remedy = next(remedy for holds, remedy in REMEDIES if holds(array))
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
