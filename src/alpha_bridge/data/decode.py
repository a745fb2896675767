"""From encoded images to equal squares of pixels on disk."""

import io
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ..checks import halvings

Pixels = NDArray[np.uint8]
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
SIZES = (8, 16, 28, 32, 64)
"""Pixels of a side that images become where their own differ, or are of no use to networks."""
# Formats whose whole numbers have 16 bits where Pillow gives them 32.
SIXTEEN_BITS = ("PNG", "PPM")
# Images that a thread decodes in a row: small ones cost less than handing them over.
PIECE = 8
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Encoded:
    """An image that has not been decoded."""

    name: str
    content: bytes | str
    mode: str | None = None

    def open(self) -> Image.Image:
        """The decoded image, upright; ``ValueError`` if it cannot be decoded."""
        with self._file() as image:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        return image

    @property
    def header(self) -> tuple[int, int, bool]:
        """Height, width and whether it is grey, without its pixels; not upright yet."""
        with self._file() as image:
            return image.height, image.width, self.is_grey(image)

    @property
    def is_deep(self) -> bool:
        """Whether its pixels are whole numbers of 32 bits, so that white has to be found."""
        with self._file() as image:
            return image.mode == "I" and image.format not in SIXTEEN_BITS

    def is_grey(self, image: Image.Image) -> bool:
        """Whether the image, as it was read, is one without colours."""
        return (self.mode or image.mode) in GREY_MODES

    @contextmanager
    def _file(self) -> Iterator[Image.Image]:
        file = io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content
        try:
            with Image.open(file) as image:
                yield image
        except BROKEN as error:
            reason = "not an image" if isinstance(error, UnidentifiedImageError) else error
            raise ValueError(
                f"{self.name} cannot be decoded ({reason}): remove or repair it"
            ) from error


@dataclass(frozen=True)
class Shape:
    """What all images are brought to.

    Attributes:
        size: Height and width.
        channels: 1 for grey, 3 for colour.
        white: What is white in whole numbers of 32 bits, as :func:`white_of` finds it.
    """

    size: int
    channels: int
    white: int | None = None

    @property
    def pixels(self) -> tuple[int, int, int]:
        """Shape of one image: height, width, channels."""
        return self.size, self.size, self.channels


def decided(images: Iterable[Encoded], size: int | None, channels: int | None) -> tuple[int, int]:
    """Size and channels of a set of images, with what is None decided from all of them.

    The size is their own if all are equal squares that networks take; else the largest of
    :data:`SIZES` that the smaller side of the median image has. The channels are 3 if any image is
    in colour. Images that cannot be read have no say: who decodes them names them.
    """
    sides: list[tuple[int, int]] = []
    grey = True
    for image in images:
        with suppress(ValueError):
            height, width, without_colour = image.header
            sides.append((height, width))
            grey = grey and without_colour
    if size is None:
        typical = median_low([*map(min, sides)] or SIZES)
        own = {*sides} == {(typical, typical)} and halvings(typical)
        size = typical if own else max(s for s in SIZES if s <= max(typical, SIZES[0]))
    return size, channels or (1 if grey else 3)


def white_of(images: Iterable[Encoded]) -> int | None:
    """What is white in images of 32-bit whole numbers: the end of the range that holds them all.

    Raises:
        ValueError: A number lies in neither range, 0 to 255 and 0 to 65535.
    """
    whitest = None
    for image in images:
        if not image.is_deep:
            continue
        pixels = np.asarray(image.open())
        low, high = int(pixels.min()), int(pixels.max())
        if low < 0 or high > 65535:
            raise ValueError(
                f"{image.name} has whole numbers from {low} to {high}, which are of neither 8 nor "
                "16 bits: convert it"
            )
        whitest = max(whitest or 0, high)
    return None if whitest is None else (255 if whitest <= 255 else 65535)


def _eight_bits(image: Image.Image, name: str, white: int | None) -> Image.Image:
    """Grey or colour of 8 bits a channel, transparent pixels on white."""
    if image.mode == "F":
        raise ValueError(f"{name} has floating-point pixels: convert it to 8 bits")
    if image.mode.startswith("I"):
        white = white if image.mode == "I" and image.format not in SIXTEEN_BITS else 65535
        if white is None:
            raise ValueError(
                f"{name} has whole numbers of 32 bits, unlike the first image: convert it to 8 bits"
            )
        scaled = np.asarray(image, np.float64) * (255 / white)
        return Image.fromarray(np.rint(scaled).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return _converted(image, "L" if image.mode in GREY_MODES else "RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def decode(encoded: Encoded, wanted: Shape) -> Pixels:
    """Decode one image, crop it to its central square, and resize it (Lanczos).

    Raises:
        ValueError: The image is corrupt.
    """
    image = encoded.open()
    size = (wanted.size, wanted.size)
    grey = encoded.is_grey(image)
    image = _converted(_eight_bits(image, encoded.name, wanted.white), "L" if grey else "RGB")
    image = _converted(image, "L" if wanted.channels == 1 else "RGB")
    if image.size != size:
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(wanted.pixels)


@contextmanager
def _npy_file(path: Path, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
    """A ``.npy`` file to be written row by row, so that memory stays flat."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        yield file


def write_images(
    batches: Iterable[list[Encoded]],
    wanted: Shape,
    held_out: NDArray[np.bool_],
    paths: tuple[Path, Path],
    progress: Callable[[int], None],
) -> None:
    """Decode images, several at a time, into two arrays on disk: kept and held out."""
    shape = wanted.pixels
    _check_space(paths[0].parent, len(held_out) * math.prod(shape))
    kept_shape, apart_shape = (int((~held_out).sum()), *shape), (int(held_out.sum()), *shape)
    with _npy_file(paths[0], kept_shape) as kept, _npy_file(paths[1], apart_shape) as apart:
        for done, row in enumerate(_decoded(batches, wanted)):
            (apart if held_out[done] else kept).write(row.tobytes())
            progress(done + 1)


def _decoded(batches: Iterable[list[Encoded]], wanted: Shape) -> Iterator[Pixels]:
    def decode_all(piece: list[Encoded]) -> list[Pixels]:
        return [decode(image, wanted) for image in piece]

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for batch in batches:
            pieces = [batch[begin : begin + PIECE] for begin in range(0, len(batch), PIECE)]
            for decoded in pool.map(decode_all, pieces):
                yield from decoded


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ValueError(
            f"decoded images need {needed / 1e9:.1f} GB in the cache folder {folder.parent}, which "
            f"has {free / 1e9:.1f} GB: give a smaller --images.size, or set ALPHA_BRIDGE_CACHE"
        )


def encoded(
    value: bytes | dict[str, Any] | None, name: str, places: Sequence[Path], mode: str | None = None
) -> Encoded:
    """A cell of a column of ``datasets``, bytes or a record of bytes and path, as an image.

    A message calls it ``name`` if it has no path, which may lead into ``places`` alone.
    """
    record: dict[str, Any] = value if isinstance(value, dict) else {"bytes": value}
    if record.get("bytes"):
        return Encoded(name, record["bytes"], mode)
    if record.get("path"):
        return Encoded(f"image {record['path']}", _located(record["path"], name, places), mode)
    raise ValueError(f"{name} is missing: remove its row")


def _located(path: str, name: str, places: Sequence[Path]) -> str:
    """Where an image is, by the text of its path: links in the folder are its owner's."""
    for place in places:
        found = Path(os.path.normpath(place / path))
        if found.is_relative_to(place):
            return str(found)
    raise ValueError(
        f"{name} has the path {path}, which is not in {places[0]}: it is not read; put it "
        "there, or its bytes into the column"
    )
