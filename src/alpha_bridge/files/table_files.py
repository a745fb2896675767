"""Which files and folders hold a table, found by their names and types, without torch."""

from __future__ import annotations

import re
from pathlib import Path

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
    """The parquet files that are the parts of a table, in a folder or below it in ``data``.

    None, where pictures or other folders lie beside them, or they hold pictures themselves.
    """
    for place in (folder, folder / "data"):
        here = [path for path in place.glob("*") if not path.name.startswith(".")]
        parts = sorted(path for path in here if path.suffix.lower() == ".parquet")
        if parts:
            rest = [path for path in here if path not in parts]
            plain = all(path.is_file() and path.suffix.lower() in BESIDE for path in rest)
            return parts if plain and not _of_images(parts[0]) else []
    return []


def parts(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Files to train on and to hold out, where their names tell them apart; else all and none."""
    train = [file for file in files if file.name.lower().startswith("train")]
    apart = [file for file in files if HELD_OUT.match(file.name)]
    return (train, apart) if train and apart else (files, [])


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
