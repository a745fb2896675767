"""Which folders are those of runs, found by the names in them."""

from __future__ import annotations

from pathlib import Path

from .writing import LOCK

CONFIG, COMPARISON = "config.json", "comparison.json"
"""What a run begins with, and a comparison of methods."""
RECORDS, WEIGHTS = "metrics.jsonl", "model.safetensors"
"""What else a run has, and an exported model."""
CHECKPOINTS = "checkpoints"
"""The folder of a run that holds them."""


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run, whole or damaged."""
    return (folder / CONFIG).is_file() and any(
        (folder / one).exists() for one in (RECORDS, CHECKPOINTS)
    )


def lacks_config(folder: Path) -> bool:
    """Whether a folder is that of a run whose configuration is gone, by the rest of what it has."""
    found = sum((folder / one).exists() for one in (LOCK, RECORDS, CHECKPOINTS))
    return found > 1 and not (folder / CONFIG).exists()


def is_no_data(folder: Path) -> bool:
    """Whether a folder is that of a run, which may only just begin, of a comparison of methods, or
    of an exported model: pictures in it are samples, and no data.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / ".lock").touch()
        >>> is_no_data(folder)
        True
        >>> (folder / "cat.png").touch()
        >>> is_no_data(folder)
        False
    """
    if is_run(folder) or ((folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()):
        return True
    if not (folder / LOCK).is_file():
        return False
    named = any((folder / one).is_file() for one in (CONFIG, COMPARISON))
    return named or all(path.name == LOCK for path in folder.iterdir())
