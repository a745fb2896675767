"""Samples of tar files, as WebDataset has them: the standard library finds a file's members.

A member is a piece of the file, so that an image is read by its place alone.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from ...errors import one_line
from ..folders import IMAGE, LABEL
from ..listing import NAMED, image_endings, some
from .scanned import PLACE, Scan, no_images
from .tar_columns import columns_of


def scan_tar(path: Path, column: str | None, names: bool) -> Scan:
    """Samples as WebDataset has them: members in a row with one name up to its first dot."""
    import pyarrow

    found: list[tuple[int, int]] = []
    files: list[str] = []
    records: list[dict[str, Any]] = []
    folders: dict[str, None] = {}
    bare = 0
    with path.open("rb") as file:
        for members in _samples(path):
            images = {kind: of for kind, of in members.items() if _is_picture(kind)}
            if column not in (None, IMAGE):
                images = {kind: of for kind, of in images.items() if kind == column}
            _require_one(path, images)
            bare += not images
            for member in images.values():
                found.append((member.offset_data, member.size))
                files.append(_readable(member.name))
                records.append(_record(file, members))
                place = _readable(str(PurePosixPath(member.name).parent))
                if place != "." and len(folders) <= NAMED:  # each image may lie in one of its own
                    folders[place] = None
    kept = pyarrow.array(files, "string") if names else None
    # images come last, for a key of JSON may have their column's name
    columns, mixed = columns_of(records)
    columns[column or IMAGE] = no_images(len(found), kept)
    index, sizes, its = np.array(found, PLACE), np.empty(0, np.int64), {column or IMAGE: None}
    cells = pyarrow.table(columns)
    return Scan(path, index, sizes, cells, its, bare, mixed, folders=[*folders])


def _require_one(path: Path, images: Mapping[str, tarfile.TarInfo]) -> None:
    """Raise ``ValueError`` for several images of a sample."""
    if len(images) > 1:
        first, kinds = _readable(next(iter(images.values())).name), [*map(_readable, images)]
        raise ValueError(
            f"{path} has {len(images)} images of one sample, as what a name has up to its first "
            f"dot is the sample ({first}: {some(kinds)}): give the one to use with "
            f"--images.image-column {kinds[0]}, or names with one dot"
        )


def _samples(path: Path) -> Iterator[dict[str, tarfile.TarInfo]]:
    """The members of each sample, by what follows the first dot of their names."""
    key = ""
    members: dict[str, tarfile.TarInfo] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
            name = PurePosixPath(member.name)
            if not member.isfile() or name.name.startswith("."):
                continue
            stem, _, kind = name.name.partition(".")
            its = str(name.with_name(stem))
            if its != key and members:
                yield members
                members = {}
            key = its
            members[kind.lower()] = member
        _require_end(path, tar.offset)
    if members:
        yield members


def _require_end(path: Path, at: int) -> None:
    """Raise ``tarfile.ReadError`` unless zeros end the file there, as they have to."""
    # the standard library takes any header that it cannot read for the end
    with path.open("rb") as file:
        file.seek(at)
        end = file.read(2 * tarfile.BLOCKSIZE)
    if len(end) < tarfile.BLOCKSIZE or any(end):
        raise tarfile.ReadError(f"at byte {at} there is neither a member nor the end of a tar file")


def _readable(name: str) -> str:
    """A member's name, in which bytes that are no UTF-8 are replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_picture(kind: str) -> bool:
    return f".{kind.rpartition('.')[-1]}" in image_endings()


def _record(file: BinaryIO, members: Mapping[str, tarfile.TarInfo]) -> dict[str, Any]:
    """What a sample's ``.json`` and ``.cls`` say of it."""
    record: dict[str, Any] = {}
    for kind in ("json", "cls"):
        if (member := members.get(kind)) is not None:
            file.seek(member.offset_data)
            text = file.read(member.size).decode("utf-8", "replace").strip()
            try:
                given = json.loads(text) if kind == "json" else {LABEL: text}
            except ValueError as error:
                name = _readable(member.name)
                raise ValueError(
                    f"{name} in {file.name} is no JSON ({one_line(error)}): repair it"
                ) from error
            record |= given if isinstance(given, dict) else {}
    return record
