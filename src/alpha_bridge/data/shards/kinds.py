"""The kinds of shards, and how each is looked through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .arrow_tables import scan_arrow, scan_parquet
from .scanned import Scan, reading
from .tar_samples import scan_tar

TAR, PARQUET, ARROW = ".tar", ".parquet", ".arrow"


KINDS: dict[str, Callable[[Path, str | None, bool], Scan]] = {
    TAR: scan_tar,
    PARQUET: scan_parquet,
    ARROW: scan_arrow,
}
"""By the ending of a file's name."""


def scan(path: Path, column: str | None, names: bool) -> Scan:
    """Look through a shard.

    Args:
        path: A file of one of :data:`KINDS`.
        column: That of the images, where there may be several.
        names: Whether names of files are of use, which take more memory than the rest.

    Raises:
        ValueError: It cannot be read, or is cut off; or a sample of a tar file has several images.
    """
    with reading(path):
        return KINDS[path.suffix](path, column, names)
