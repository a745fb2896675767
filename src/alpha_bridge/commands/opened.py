"""What every command on a run needs: its data, its units, chunks, and a file to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from ..assembly import build_source
from ..config import Config
from ..data import PixelUnits, Source, StandardUnits, Units
from ..evaluation import CHUNK
from ..run import Array, Run

__all__ = ["data_of", "decoding", "in_chunks", "is_image", "units_of", "write"]


def decoding(console: Console) -> Callable[[int, int], None]:
    """Tell of each tenth of a data set that is decoded."""

    def tell(done: int, total: int) -> None:
        tenth = max(total // 10, 1)
        if done // tenth > max(done - 1, 0) // tenth:
            console.print(f"decoding images: {done} of {total}")

    return tell


def data_of(run: Run, config: Config, console: Console) -> Source:
    """The data that a run was trained on, which may have moved or changed since.

    Args:
        run: The run.
        config: Its configuration.
        console: Where to tell of images that are decoded.

    Raises:
        ValueError: They cannot be used, or have changed.
    """
    try:
        source = build_source(config, decoding(console))
    except (ValueError, OSError) as error:
        raise ValueError(f"the data of {run.folder} cannot be used: {error}") from error
    if source.event_shape != config.event_shape:
        raise ValueError(
            f"the data of {run.folder} have changed: {config.data} has samples of shape "
            f"{source.event_shape}, the run is for {config.event_shape}; restore the data"
        )
    return source


def units_of(run: Run, config: Config) -> Units:
    """Units of the samples of ``run``, from its folder alone."""
    if len(config.event_shape or ()) == 3:
        return PixelUnits()
    return Units() if run.units is None else StandardUnits(*map(torch.from_numpy, run.units))


def is_image(samples: Array) -> bool:
    return samples.ndim == 4


def in_chunks(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([network(part) for part in x.split(CHUNK)])


def write(array: Array, path: Path, picture: Callable[[Path], object]) -> Path:
    """Write ``array`` as a picture or as an array, by the ending of ``path``."""
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another file with --out")
    if path.suffix not in (".png", ".npy"):
        raise ValueError(f"the file must end with .png or .npy, got {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, array, allow_pickle=False)
        else:
            picture(path)
    except OSError as error:
        raise PermissionError(
            f"cannot write {path} ({error.strerror}): choose another file with --out"
        ) from error
    return path
