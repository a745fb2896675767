"""Samples, reconstructions and measurements of a run's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from torch import Tensor

from ..data import read_samples
from ..metrics.evaluation import in_chunks
from ..recipe.builders import build_evaluation
from ..runs import plots
from ..runs.arguments import require_domains
from ..runs.folder import Array, Run
from ..runs.loading import (
    data_of,
    inverted,
    latents_of,
    load_model,
    prior_of,
    prior_units_of,
    units_of,
)
from ..runs.opening import config_of
from ..runs.outputs import destination, require_output, write

__all__ = ["Reconstructed", "evaluate", "reconstruct", "sample", "translate"]


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
    config = config_of(run)
    model, _ = load_model(run, config, step)
    latents = latents_of(config, model, count, seed)
    path = destination(run, config, out, f"samples-{count}-seed-{seed}")
    samples = units_of(run, config, step).stored(in_chunks(model.decode, latents))
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
        refine: Steps of :func:`~alpha_bridge.inference.inversion.refine`, zero or more.

    Returns:
        The file and the errors.

    Raises:
        ValueError: The images or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    config = config_of(run)
    model, _ = load_model(run, config, step)
    units = units_of(run, config, step)
    x = units.normalize(read_samples(images, config.event_shape or ())).to(model.log_sigma.dtype)
    ending = _ending(config.event_shape or ())
    path = out or run.inside(f"reconstructions-of-{images.resolve().stem}{ending}")
    require_output(path)
    latents, before, after = inverted(config, model, x, refine)
    pairs = np.stack([units.stored(x), units.stored(in_chunks(model.decode, latents))])
    write(pairs, path, lambda path: plots.save_figure(plots.reconstructions(pairs), path, 100))
    return Reconstructed(path, float(before.mean()), float(after.mean()))


def translate(
    run: Run,
    images: Path,
    out: Path | None,
    back: bool = False,
    step: int | None = None,
    prior: str | None = None,
) -> Path:
    """Take a user's samples from one domain to the other, and write both side by side.

    Args:
        run: A run with a second domain.
        images: An image, a folder of images, or an ``.npy`` of vectors.
        out: A ``.png`` for a picture, or an ``.npy`` for the translations alone; None for a file
            in the run's folder.
        back: From the run's data to the second domain, instead of the other way.
        step: The checkpoint's number of updates; None for the latest.
        prior: The second domain instead of the one that the run names, for the units of vectors;
            what it names of the hub is not fetched.

    Returns:
        The file.

    Raises:
        ValueError: The samples or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    config = config_of(run)
    require_domains(run, config)
    model, _ = load_model(run, config, step)
    domains = [
        (prior_units_of(config, prior), config.prior_shape or ()),
        (units_of(run, config, step), config.event_shape or ()),
    ]
    (here, shape), (there, _) = domains[::-1] if back else domains
    network: Callable[[Tensor], Tensor] = model.encode if back else model.decode
    x = here.normalize(read_samples(images, shape)).to(model.log_sigma.dtype)
    path = out or run.inside(f"translations-of-{images.resolve().stem}{_ending(shape)}")
    require_output(path)
    if len(shape) == 1 and path.suffix != ".npy":
        raise ValueError(f"the run's samples are vectors, not images: end {path} with .npy")
    before, after = here.stored(x), there.stored(in_chunks(network, x))

    def draw(path: Path) -> None:
        pairs = np.stack([_coloured(before), _coloured(after)])
        plots.save_figure(plots.reconstructions(pairs, ("original", "translation")), path, 100)

    return write(after, path, draw)


def evaluate(
    run: Run,
    step: int | None = None,
    console: Console | None = None,
    data: str | None = None,
    prior: str | None = None,
) -> dict[str, float]:
    """Measure a run's model again.

    Args:
        run: A run with a checkpoint.
        step: The checkpoint's number of updates; None for the latest.
        console: Where to tell what is being prepared; nowhere by default.
        data: The data instead of those that the run names; what it names of the hub is not fetched.
        prior: The second domain instead, if there is one.

    Returns:
        Metrics by names that state their protocols.

    Raises:
        ValueError: The run cannot be used, or its data cannot be loaded.
    """
    console = console or Console(quiet=True)
    config = config_of(run)
    model, memory = load_model(run, config, step)
    source, domain = data_of(run, config, console, data), prior_of(config, prior)
    evaluation = build_evaluation(config, source, console.print, domain)
    return evaluation(model, memory).metrics


def _coloured(images: Array) -> Array:
    """Images (N, H, W, C) with three colours, so that those of both domains lie in one picture."""
    return images if images.shape[-1] > 1 else images.repeat(3, axis=-1)


def _ending(shape: tuple[int, ...]) -> str:
    return ".png" if len(shape) == 3 else ".npy"
