"""Which files and folders hold a table, found by their names and types, without torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .run_folder import is_no_data

ENDINGS = (".csv", ".tsv", ".parquet", ".arrow", ".feather")
"""Of files that hold a table."""
BESIDE = ("", ".json", ".md", ".txt")
"""Endings of files that may lie beside the parts of a table, and are not read."""
HELD_OUT = re.compile(r"test|valid|evaluation|held[-_]?out|(val|dev|eval)(?![a-z])", re.IGNORECASE)
"""How the names of files begin that are held out beside others that begin with train."""


def is_table(name: str | Path) -> bool:
    """Whether a path is that of a table: a file by its ending, or a folder of parquet files.

    Example:
        >>> is_table("people.csv"), is_table("photos.npy")
        (True, False)
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return bool(shards(path))
    return path.suffix.lower() in ENDINGS


def shards(folder: Path) -> list[Path]:
    """The parquet files that are the parts of a table, in a folder or below it in ``data``, or in
    folders that are named as what is trained on and held out.

    None, where pictures or other folders lie beside them, or they hold pictures themselves.
    """
    for place in (folder, folder / "data"):
        here = [*_visible(place)]
        parts = sorted(path for path in here if path.suffix.lower() == ".parquet")
        if parts:
            plain = all(_may_lie_beside(path) for path in here if path not in parts)
            return parts if plain and not _of_images(parts[0]) else []
    return _in_splits(folder)


def _in_splits(folder: Path) -> list[Path]:
    """Those in folders that are named as parts of a table, looked through up to the first other
    file: there may be many photos."""
    parts: list[Path] = []
    for path in _visible(folder):
        split = path.is_dir() and _part(path.name)
        for file in _visible(path) if split else (path,):
            if split and file.suffix.lower() == ".parquet":
                parts.append(file)
            elif not _may_lie_beside(file):
                return []
    return sorted(parts) if parts and not _of_images(min(parts)) else []


def _may_lie_beside(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in BESIDE


def parts(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Files to train on and to hold out, where their names, or those of the folders that they lie
    in, tell them apart; else all and none."""
    folders = len({file.parent for file in files}) > 1
    known = [_part(file.parent.name if folders else file.name) for file in files]
    train, apart = (
        [file for file, part in zip(files, known, strict=True) if part == wanted]
        for wanted in ("train", "held out")
    )
    return (train, apart) if train and apart else (files, [])


def _visible(folder: Path) -> Iterator[Path]:
    """What lies in a folder but runs and exported models; nothing in one that is not there."""
    if folder.is_dir():
        here = (path for path in folder.iterdir() if not path.name.startswith("."))
        yield from (path for path in here if not (path.is_dir() and is_no_data(path)))


def _part(name: str) -> str | None:
    """Which part of a table a name is of: ``train`` or ``held out``; None where it does not say."""
    if name.lower().startswith("train"):
        return "train"
    return "held out" if HELD_OUT.match(name) else None


def _of_images(file: Path) -> bool:
    """Whether a parquet file holds bytes, or is named as a table about images."""
    import pyarrow
    import pyarrow.parquet

    if file.stem == "metadata":
        return True
    try:
        types = pyarrow.parquet.read_schema(file).types
    except (OSError, pyarrow.ArrowException):  # who reads it says what is wrong
        return False
    return any(pyarrow.types.is_struct(kind) or pyarrow.types.is_binary(kind) for kind in types)
