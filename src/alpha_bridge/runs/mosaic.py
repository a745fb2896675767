"""Images side by side, pixel for pixel: pictures without matplotlib, which is slow to import."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import writing

Array = NDArray[np.uint8]

GAP = 2
"""White pixels between the images of a grid."""


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
