"""From encoded images to equal squares of pixels on disk."""

import io
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
BATCH = 64
"""Encoded images that are in memory together."""
PIECE = 8
"""Images that a thread decodes in a row: small ones cost less than handing them over."""
NAMED = 10
"""Broken images that a line names, at most."""
COMMON = ("PNG", "JPEG")
"""Formats that are tried before Pillow's dozens of others, which cost more than a header."""
STRETCHED = ("PPM", "JPEG2000")
"""Formats that say what is white, from which Pillow gives it as 65535."""
MOST = 65535
PHOTOMETRIC = 262
"""Tag of a TIFF that is 0 where 0 is white, which Pillow heeds up to 8 bits."""
EXPLAINED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""Errors by which Pillow says what is broken."""


class Broken(ValueError):
    """An image that cannot be decoded."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be decoded ({reason}): remove or repair it")
        self.name, self.reason = name, reason


def refusal(broken: Sequence[Broken], total: int, remedy: str = "") -> ValueError:
    """One error for all images that are broken, of ``total``; ``remedy``: another way out."""
    if len(broken) == 1:
        return ValueError(f"{broken[0]}{remedy}")
    named = ", ".join(f"{one.name.removeprefix('image ')} ({one.reason})" for one in broken[:NAMED])
    more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    return ValueError(
        f"{len(broken)} of {total} images cannot be decoded: {named}{more}: remove or repair them"
        + remedy
    )


class Look(NamedTuple):
    """What the header of an image says.

    Attributes:
        size: Width and height, not upright yet.
        grey: Whether it is without colours.
        deep: Whether its pixels are whole numbers of more than 8 bits, and no file says which
            of them is white.
        cut: Whether its colours have 16 bits, of which Pillow reads the upper 8.
    """

    size: tuple[int, int]
    grey: bool
    deep: bool
    cut: bool


@dataclass(frozen=True)
class Encoded:
    """An image that has not been decoded; without content, it is missing."""

    name: str
    content: bytes | str | None
    mode: str | None = None

    def open(self) -> Image.Image:
        """The decoded image, upright; :class:`Broken` if it cannot be decoded."""
        with self._file() as image:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        return image

    def look(self) -> Look:
        """What the header says, without decoding more; raises as :meth:`open`."""
        with self._file() as image:
            mode = image.mode
            size, stretched = image.size, image.format in STRETCHED
            tiles = getattr(image, "tile", ())
            cut = mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile) for tile in tiles)
        if mode == "F":
            raise ValueError(f"{self.name} has floating-point pixels: convert it to 8 bits")
        deep = mode.startswith("I") and not stretched
        return Look(size, self.is_grey(mode), deep, cut)

    def brightest(self) -> int:
        """The largest pixel of an image of whole numbers; ``ValueError`` beyond 16 bits."""
        pixels = np.asarray(self.open())
        low, high = int(pixels.min()), int(pixels.max())
        if low < 0 or high > MOST:
            raise ValueError(
                f"{self.name} has whole numbers from {low} to {high}, which are of neither 8 nor "
                "16 bits: convert it"
            )
        return high

    def is_grey(self, mode: str) -> bool:
        """Whether the image, which was read in ``mode``, is one without colours."""
        return (self.mode or mode) in GREY_MODES

    @contextmanager
    def _file(self) -> Iterator[Image.Image]:
        if self.content is None:
            raise Broken(self.name, "it is missing")
        file = io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content
        try:
            with _image_of(file) as image:
                yield image
        except UnidentifiedImageError as error:
            raise Broken(self.name, "not an image") from error
        except Exception as error:  # whatever a broken file makes a reader raise
            system = error.strerror if isinstance(error, OSError) else None
            # not of its cause, which shows only where a reader stumbled
            says = " ".join(str(error).split()) if isinstance(error, EXPLAINED) else "damaged"
            raise Broken(self.name, system or says) from error


def _image_of(file: io.BytesIO | str) -> Image.Image:
    try:
        return Image.open(file, formats=COMMON)
    except UnidentifiedImageError:
        return Image.open(file)


@dataclass(frozen=True)
class Shape:
    """What all images are brought to.

    Attributes:
        size: Height and width.
        channels: 1 for grey, 3 for colour.
        white: What is white in whole numbers of more than 8 bits; None if there are none.
    """

    size: int
    channels: int
    white: int | None = None

    @property
    def pixels(self) -> tuple[int, int, int]:
        """Shape of one image: height, width, channels."""
        return self.size, self.size, self.channels


def _eight_bits(image: Image.Image, name: str, white: int | None) -> Image.Image:
    """Grey or colour of 8 bits a channel, transparent pixels on white."""
    if image.mode.startswith("I"):
        white = MOST if image.format in STRETCHED else white
        if white is None:
            raise ValueError(
                f"{name} has more than 8 bits, and none of the images that were looked at before "
                "training has: convert it to 8 bits"
            )
        pixels = np.asarray(image, np.float64)
        if pixels.max() > white:
            raise ValueError(
                f"{name} has the value {pixels.max():g}, and {white} is white in the data of the "
                "run: scale it like them"
            )
        if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0:
            pixels = white - pixels
        return Image.fromarray(np.rint(pixels * (255 / white)).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return _converted(image, "L" if image.mode in GREY_MODES else "RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def decode(encoded: Encoded, shape: Shape) -> Pixels:
    """Decode one image, crop it to its central square, and resize it (Lanczos) to ``shape``.

    Raises:
        Broken: The image cannot be decoded.
        ValueError: It has a pixel that is whiter than white.
    """
    image = encoded.open()
    grey = encoded.is_grey(image.mode)
    image = _converted(_eight_bits(image, encoded.name, shape.white), "L" if grey else "RGB")
    image = _converted(image, "L" if shape.channels == 1 else "RGB")
    if image.size != (shape.size, shape.size):
        image = ImageOps.fit(image, (shape.size, shape.size), Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(shape.pixels)


def attempt(encoded: Encoded, shape: Shape) -> Pixels | Broken:
    """Decode one image as :func:`decode`, or say why it cannot be."""
    try:
        return decode(encoded, shape)
    except Broken as broken:
        return broken


def write_images(
    batches: Iterable[list[Encoded]],
    shape: Shape,
    total: int,
    path: Path,
    progress: Progress | None,
) -> dict[int, Broken]:
    """Decode images, several at a time, into one array on disk, written row by row.

    Args:
        batches: The images.
        shape: What they are brought to.
        total: How many they are, at most.
        path: A ``.npy`` file.
        progress: Called with the number of images done and their total.

    Returns:
        The images that are broken, by their place among all: they have no row.
    """
    _check_space(path.parent, total * math.prod(shape.pixels))
    broken: dict[int, Broken] = {}
    with path.open("wb") as file:
        begin = _write_header(file, (total, *shape.pixels))
        for place, pixels in enumerate(decode_all(batches, shape)):
            if isinstance(pixels, Broken):
                broken[place] = pixels
            else:
                file.write(pixels.tobytes())
            if progress is not None:
                progress(place + 1, total)
        rows = (file.tell() - begin) // math.prod(shape.pixels)
        file.seek(0)
        assert _write_header(file, (rows, *shape.pixels)) == begin
    return broken


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> int:
    """Where the rows begin: numpy leaves room for the digits of any number of them."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def decode_all(batches: Iterable[list[Encoded]], shape: Shape) -> Iterator[Pixels | Broken]:
    """Decode images in order, several at a time, each as :func:`attempt` does."""

    def attempt_all(piece: list[Encoded]) -> list[Pixels | Broken]:
        return [attempt(image, shape) for image in piece]

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for batch in batches:
            pieces = [batch[begin : begin + PIECE] for begin in range(0, len(batch), PIECE)]
            for decoded in pool.map(attempt_all, pieces):
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
    return Encoded(name, None, mode)


def encoded_rows(images: NDArray[np.uint8]) -> Iterator[list[Encoded]]:
    """Images ``(N, H, W, C)`` as files without compression, some at a time."""
    _, height, width, channels = images.shape
    header = f"P{5 if channels == 1 else 6} {width} {height} 255\n".encode()
    for begin in range(0, len(images), BATCH):
        rows = enumerate(images[begin : begin + BATCH], begin)
        yield [Encoded(f"image {row}", header + image.tobytes()) for row, image in rows]


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
