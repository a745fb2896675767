"""Samples that a user gives for a trained model: an image, a folder of them, or an array."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .array_kinds import channels_last, from_array
from .decode import Broken, Encoded, Pixels, Shape, attempt, decode, encoded_rows, refusal
from .listing import list_folder
from .rows import read_array
from .survey import Survey


def read_samples(
    path: str | Path,
    event_shape: tuple[int, ...],
    white: int | None = None,
    skip_broken: bool = False,
    say: Callable[[str], object] | None = None,
) -> Tensor:
    """Read samples in the shape ``(D,)`` or ``(C, H, W)`` that a model takes.

    Images are cropped to their central square, resized, and turned to grey or colour, those of an
    array too.

    Args:
        path: An image, a folder of images, or an ``.npy`` file of vectors or uint8 images.
        event_shape: Shape of one sample for the model.
        white: What is white in images of more than 8 bits; None: by the largest of all pixels.
        skip_broken: Leave out images of a folder that cannot be decoded.
        say: Called with a line on which files of a folder are read.

    Returns:
        Samples in storage units, shape ``(N, *event_shape)``.

    Raises:
        FileNotFoundError: There is no such file or folder.
        ValueError: It has no samples, one cannot be read, or they have another shape.
    """
    return read_named_samples(path, event_shape, white, skip_broken, say)[0]


def read_named_samples(
    path: str | Path,
    event_shape: tuple[int, ...],
    white: int | None = None,
    skip_broken: bool = False,
    say: Callable[[str], object] | None = None,
) -> tuple[Tensor, list[str]]:
    """Read samples as :func:`read_samples` does, and give their names too.

    Returns:
        Samples, and of each image where it lies in the folder; no names for those of an array.

    Raises:
        FileNotFoundError: There is no such file or folder.
        ValueError: As of that function.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: give an image, a folder or an .npy file")
    names: list[str] = []
    if path.suffix == ".npy":
        samples = _array(path, event_shape)
    elif len(event_shape) == 3:
        samples, names = _images_at(path, event_shape, white, skip_broken, say)
    else:
        raise ValueError(f"the model takes vectors, not images, got {path}: give an .npy file")
    if samples.shape[1:] != event_shape:
        raise ValueError(
            f"{path} has samples of shape {tuple(samples.shape[1:])}, the model takes "
            f"{event_shape}: give such samples"
        )
    return samples, names


def _array(path: Path, event_shape: tuple[int, ...]) -> Tensor:
    array = read_array(path)
    try:
        return samples_of(array, event_shape)
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}") from error


def samples_of(array: NDArray[Any], event_shape: tuple[int, ...]) -> Tensor:
    """Vectors or uint8 images of an array in storage units; images in the shape asked for.

    Raises:
        ValueError: It is an array of neither, or a value is not finite.
    """
    source = from_array(array)
    if array.ndim == 2:
        return source.to_tensor(array)
    images = channels_last(array)
    if len(event_shape) == 3 and source.event_shape != event_shape:
        channels, size, _ = event_shape
        shape = Shape(size, channels)
        images = np.stack([decode(one, shape) for part in encoded_rows(images) for one in part])
    return source.to_tensor(images)


def _images_at(
    path: Path,
    event_shape: tuple[int, ...],
    white: int | None,
    skip_broken: bool,
    say: Callable[[str], object] | None,
) -> tuple[Tensor, list[str]]:
    if not path.is_dir():
        return read_images([path], event_shape, white), [path.name]
    listing = list_folder(path)
    listing.require_images()
    images, broken = _decoded(listing.images, event_shape, white)
    if say is not None:
        for line in (listing.line(len(broken) if skip_broken else 0), *listing.notes):
            say(line)
    if broken and not (skip_broken and images):
        raise refusal(broken, len(listing.images))
    return _stacked([*images.values()]), [str(file.relative_to(path)) for file in images]


def read_images(
    files: Sequence[Path], event_shape: tuple[int, ...], white: int | None = None
) -> Tensor:
    """Read images in the shape ``(C, H, W)`` that a model takes: cropped to their central square,
    resized, and turned to grey or colour.

    Args:
        files: The images.
        event_shape: Shape of one sample for the model.
        white: What is white in images of more than 8 bits; None: by the largest of all pixels.

    Returns:
        Samples in storage units, shape ``(N, C, H, W)``.

    Raises:
        ValueError: The model takes vectors, or images cannot be read, which are named.
    """
    if len(event_shape) != 3:
        raise ValueError(f"the model takes vectors, not images, got {files[0]}")
    images, broken = _decoded(files, event_shape, white)
    if broken:
        raise refusal(broken, len(files))
    return _stacked([images[file] for file in files])


def _decoded(
    files: Sequence[Path], event_shape: tuple[int, ...], white: int | None
) -> tuple[dict[Path, Pixels], list[Broken]]:
    """The images that can be decoded, by their files in order, and the others."""
    channels, size, _ = event_shape
    encoded = [Encoded(f"image {file}", str(file)) for file in files]
    shape = Shape(size, channels, white or Survey.of(encoded).white)
    found = dict(zip(files, (attempt(image, shape) for image in encoded), strict=True))
    broken = [image for image in found.values() if isinstance(image, Broken)]
    return {file: image for file, image in found.items() if not isinstance(image, Broken)}, broken


def _stacked(images: Sequence[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
