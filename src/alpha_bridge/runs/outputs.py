"""The file that a command leaves: a picture or an array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..files import save_array
from ..recipe import Config
from .folder import Array, Run

__all__ = ["destination", "require_output", "write"]


def destination(run: Run, config: Config, out: Path | None, stem: str) -> Path:
    """Where samples of a run are to be written, looked at before there is anything to write.

    Args:
        run: The run.
        config: Its configuration.
        out: A ``.png`` for a picture of images or an ``.npy`` for an array; None for a picture of
            images, or an array of vectors, in the run's folder.
        stem: Name of that file without its ending.

    Raises:
        FileExistsError: The file stands already.
        ValueError: It has another ending, or it is a picture and the samples are vectors.
    """
    images = len(config.event_shape or ()) == 3
    path = out or run.inside(f"{stem}{'.png' if images else '.npy'}")
    if not images and path.suffix != ".npy":
        raise ValueError(f"the run's samples are vectors, not images: end {path} with .npy")
    require_output(path)
    return path


def require_output(path: Path | None) -> None:
    """Refuse a file that stands already, or that is neither a picture nor an array."""
    if path is None:
        return
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another file with --out")
    if path.suffix not in (".png", ".npy"):
        raise ValueError(f"the file must end with .png or .npy, got {path}")


def write(array: Array, path: Path, picture: Callable[[Path], object]) -> Path:
    """Write ``array`` as a picture or as an array, by the ending of ``path``."""
    require_output(path)
    if path.suffix == ".npy":
        save_array(array, path)
    else:
        picture(path)
    return path
