"""What training can start from in a folder, found by names at a short look, without torch."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from .table_files import ENDINGS, is_table
from .vae_folder import has_vae

IMAGES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of files that are taken for images here; reading them knows more."""
FEWEST = 10
"""A folder with fewer images is not offered."""
LOOKED_AT = 500
"""Files and folders that are looked at, at most, in the folder and again in each one below."""
BELOW = 2
"""Levels below a folder at which its images may lie."""


class Nearby(NamedTuple):
    """Data, or a VAE, in a folder.

    Attributes:
        path: Where.
        kind: What it is taken for.
        images: How many images were seen; a lower bound at :data:`LOOKED_AT`.
    """

    path: Path
    kind: Literal["images", "array", "table", "VAE"]
    images: int = 0


def data_nearby(folder: Path, skip: Collection[Path] = ()) -> tuple[list[Nearby], bool]:
    """Data and VAEs in a folder, by name, and whether it holds more than was looked at.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "people.csv").touch()
        >>> [(found.path.name, found.kind) for found in data_nearby(folder)[0]]
        [('people.csv', 'table')]
    """
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    looked_at = sorted(path for path in paths if path not in skip)[:LOOKED_AT]
    here = sum(path.suffix.lower() in IMAGES for path in looked_at)
    found = [Nearby(folder, "images", here)] if here >= FEWEST else []
    for path in looked_at:
        with suppress(OSError):  # what cannot be read is not offered
            found += filter(None, [_recognised(path)])
    return found, len(paths) > LOOKED_AT


def _recognised(path: Path) -> Nearby | None:
    if not path.is_dir():
        ending = path.suffix.lower()
        if ending in ENDINGS:
            return Nearby(path, "table")
        return Nearby(path, "array") if ending == ".npy" else None
    if has_vae(path):
        return Nearby(path, "VAE")
    images = sum(
        Path(name).suffix.lower() in IMAGES for name in islice(_names(path, BELOW), LOOKED_AT)
    )
    if images >= FEWEST:
        return Nearby(path, "images", images)
    return Nearby(path, "table") if is_table(path) else None


def _names(folder: Path, below: int) -> Iterator[str]:
    """Names of the files in a folder and so many levels below; links to folders do not count."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir(follow_symlinks=False):
                yield entry.name
            elif below:
                yield from _names(Path(entry.path), below - 1)
