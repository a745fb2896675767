"""Images side by side, pixel for pixel: pictures without matplotlib, which is slow to import."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import writing

Array = NDArray[np.uint8]

GAP = 2
"""White pixels between the images of a grid."""

SIDE = 64
"""Pixels that a side of an image has at least about, where images stand beside captions."""
PADDING = 8
"""White pixels on both sides of the captions."""
TEXT_COLOR = (80, 80, 80)


def save_png(images: Array, path: str | Path) -> None:
    """Write images, uint8 ``(N, H, W, C)``, as one square-ish grid, pixel for pixel."""
    from PIL import Image

    columns = int(np.ceil(np.sqrt(len(images))))
    with writing(Path(path)) as file:
        Image.fromarray(mosaic_of(images, columns)).save(file, format="PNG")


def mosaic_of(images: Array, columns: int) -> Array:
    """Images ``(N, H, W, C)`` as one RGB picture, row after row on white."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    pitch_y, pitch_x = height + GAP, width + GAP
    whole = np.full((rows * pitch_y - GAP, columns * pitch_x - GAP, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * pitch_y, index % columns * pitch_x
        whole[top : top + height, left : left + width] = image[..., : 3 if channels > 2 else 1]
    return whole


def save_rows(rows: Mapping[str, Array], path: str | Path) -> None:
    """Write rows of equally many images, uint8 ``(N, H, W, C)``, each beside its name.

    Small images are enlarged by a whole number, so that their pixels stay squares.
    """
    from PIL import Image, ImageDraw, ImageFont

    images = np.stack([*rows.values()])
    times = max(1, round(SIDE / max(images.shape[2:4])))
    images = images.repeat(times, axis=2).repeat(times, axis=3)
    _, columns, height, *_ = images.shape
    mosaic = Image.fromarray(mosaic_of(images.reshape(-1, *images.shape[2:]), columns))
    font = ImageFont.load_default(max(14, height // 8))
    margin = 2 * PADDING + int(np.ceil(max(map(font.getlength, rows))))
    picture = Image.new("RGB", (margin + mosaic.width, mosaic.height), "white")
    picture.paste(mosaic, (margin, 0))
    draw = ImageDraw.Draw(picture)
    for index, name in enumerate(rows):
        middle = index * (height + GAP) + height / 2
        draw.text((margin - PADDING, middle), name, fill=TEXT_COLOR, font=font, anchor="rm")
    with writing(Path(path)) as file:
        picture.save(file, format="PNG")
