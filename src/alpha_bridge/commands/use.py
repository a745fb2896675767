"""Samples, reconstructions and measurements of a run's model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console

from .. import plots
from ..assembly import load_model
from ..checks import at_least
from ..config import read_config
from ..data import normal, read_samples
from ..evaluation import build_evaluation
from ..metrics.images import reconstruction_error
from ..run import Run
from .opened import data_of, in_chunks, is_image, units_of, write

__all__ = ["evaluate", "reconstruct", "sample"]


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
    drawn = in_chunks(model.decode, latents)
    samples = units_of(run, config).stored(drawn)
    default = f"samples-{count}-seed-{seed}{'.png' if is_image(samples) else '.npy'}"
    if not is_image(samples) and out is not None and out.suffix != ".npy":
        raise ValueError(f"the run's samples are vectors, not images: end {out} with .npy")
    return write(samples, out or run.folder / default, lambda path: plots.save_png(samples, path))


def reconstruct(
    run: Run, images: Path, out: Path | None, step: int | None = None
) -> tuple[Path, float]:
    """Encode and decode a user's images and write both side by side.

    Args:
        run: A run that was trained on images.
        images: An image, a folder of images, or an ``.npy`` of the run's kind of samples.
        out: The picture to write; None for one in the run's folder.
        step: The checkpoint's number of updates; None for the latest.

    Returns:
        The file, and the mean squared error per dimension in model units.

    Raises:
        ValueError: The images or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    config = read_config(run.config_path)
    model, _ = load_model(run, config, step)
    units = units_of(run, config)
    x = units.normalize(read_samples(images, config.event_shape or ()))
    decoded = in_chunks(model.reconstruct, x)
    pairs = np.stack([units.stored(x), units.stored(decoded)])
    default = (
        f"reconstructions-of-{images.resolve().stem}{'.png' if is_image(pairs[0]) else '.npy'}"
    )
    path = write(
        pairs, out or run.folder / default, lambda path: plots.reconstructions(pairs).savefig(path)
    )
    return path, float(reconstruction_error(x, decoded, x.ndim - 1))


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
