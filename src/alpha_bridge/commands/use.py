"""Samples, reconstructions and measurements of a run's model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from .. import plots
from ..assembly import load_model
from ..checks import at_least
from ..config import read_config
from ..data import normal, read_samples
from ..evaluation import build_evaluation
from ..run import Run
from .opened import data_of, destination, in_chunks, inverted, require_free, units_of, write

__all__ = ["Reconstructed", "evaluate", "reconstruct", "sample"]


def sample(run: Run, count: int, seed: int, out: Path | None, step: int | None = None) -> Path:
    """Draw samples from a run's generator and write them.

    Args:
        run: A run with a checkpoint.
        count: Number of samples, one or more.
        seed: Of the latents, zero or more.
        out: A ``.png`` for a picture or an ``.npy`` for an array; None for a picture of images,
            or an array of vectors, in the run's folder.
        step: The checkpoint's number of updates; None for the latest.

    Returns:
        The file.

    Raises:
        ValueError: A number is out of its range, or the run cannot be used.
        OSError: The file stands already or cannot be written.
    """
    config = read_config(run.config_path)
    at_least(0, "seed", seed)
    model, _ = load_model(run, config, step)
    assert model.latent_shape is not None
    latents = normal(seed, 0, 0, (at_least(1, "count", count), *model.latent_shape))
    path = destination(run, config, out, f"samples-{count}-seed-{seed}")
    samples = units_of(run, config).stored(in_chunks(model.decode, latents))
    return write(samples, path, lambda path: plots.save_png(samples, path))


@dataclass(frozen=True)
class Reconstructed:
    """What the inference arm makes of a user's samples.

    Attributes:
        path: Originals and reconstructions, side by side.
        error: Mean squared error per dimension of the encoder's means, in model units.
        refined_error: That of the latents after refinement.
    """

    path: Path
    error: float
    refined_error: float


def reconstruct(
    run: Run, images: Path, out: Path | None, step: int | None = None, refine: int = 0
) -> Reconstructed:
    """Encode and decode a user's images and write both side by side.

    Args:
        run: A run that was trained on images.
        images: An image, a folder of images, or an ``.npy`` of the run's kind of samples.
        out: The picture to write; None for one in the run's folder.
        step: The checkpoint's number of updates; None for the latest.
        refine: Steps of :func:`~alpha_bridge.inversion.refine`, zero or more.

    Returns:
        The file and the errors.

    Raises:
        ValueError: The images or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    config = read_config(run.config_path)
    model, _ = load_model(run, config, step)
    units = units_of(run, config)
    x = units.normalize(read_samples(images, config.event_shape or ()))
    ending = ".png" if x.ndim == 4 else ".npy"
    path = out or run.folder / f"reconstructions-of-{images.resolve().stem}{ending}"
    require_free(path)
    latents, before, after = inverted(model, x, refine)
    pairs = np.stack([units.stored(x), units.stored(in_chunks(model.decode, latents))])
    write(pairs, path, lambda path: plots.reconstructions(pairs).savefig(path))
    return Reconstructed(path, float(before.mean()), float(after.mean()))


def evaluate(run: Run, step: int | None = None, console: Console | None = None) -> dict[str, float]:
    """Measure a run's model again.

    Args:
        run: A run with a checkpoint.
        step: The checkpoint's number of updates; None for the latest.
        console: Where to tell what is being prepared; nowhere by default.

    Returns:
        Metrics by names that state their protocols.

    Raises:
        ValueError: The run cannot be used, or its data cannot be loaded.
    """
    console = console or Console(quiet=True)
    config = read_config(run.config_path)
    model, memory = load_model(run, config, step)
    evaluation = build_evaluation(config, data_of(run, config, console), console.print)
    return evaluation(model, memory, phase="").metrics
