"""The kinds of shards, and how each is looked through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .arrow_tables import scan_arrow, scan_parquet
from .scanned import Scan, of_few_texts, reading
from .tar_columns import alike
from .tar_samples import scan_tar

TAR, PARQUET, ARROW = ".tar", ".parquet", ".arrow"


KINDS: dict[str, Callable[[Path, str | None, bool], Scan]] = {
    TAR: scan_tar,
    PARQUET: scan_parquet,
    ARROW: scan_arrow,
}
"""By the ending of a file's name."""


def scan(
    splits: Mapping[str, Sequence[Path]], column: str | None, names: bool
) -> tuple[dict[str, list[Scan]], list[str]]:
    """Look through the shards of each split, which are all of one kind.

    Columns of many texts are left out, and named.

    Args:
        splits: Files of one of :data:`KINDS`.
        column: That of the images, where there may be several.
        names: Whether names of files are of use, which take more memory than the rest.

    Raises:
        ValueError: One cannot be read, or is cut off; or a sample of a tar file has several images.
    """
    found, left_out = {}, []
    for split, files in splits.items():
        found[split], many = of_few_texts(_scan(path, column, names) for path in files)
        left_out += many
    kinds = {path.suffix for files in splits.values() for path in files}
    return alike(found) if kinds == {TAR} else found, [*dict.fromkeys(left_out)]


def _scan(path: Path, column: str | None, names: bool) -> Scan:
    with reading(path):
        return KINDS[path.suffix](path, column, names)
