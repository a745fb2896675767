"""Encode and decode a user's samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from .paths import Folder, ending, require_given, require_output, write


@dataclass(frozen=True)
class Reconstructed:
    """Reconstructions of a user's samples.

    Attributes:
        path: Originals and reconstructions, side by side.
        error: Mean squared error per dimension of the encoder's means, in model units.
        refined_error: That of the latents after refinement.
    """

    path: Path
    error: float
    refined_error: float


def reconstruct(
    run: Folder,
    images: Path,
    out: Path | None = None,
    step: int | None = None,
    refine: int = 0,
    console: Console | None = None,
) -> Reconstructed:
    """Encode and decode images with a run's inference arm.

    Args:
        run: Folder of the run.
        images: An image, a folder of images, or an .npy file.
        out: A .png for a picture, an .npy for an array; by default in the run's folder.
        step: Updates of the checkpoint; by default the latest.
        refine: Steps of refinement for each latent, from the encoder's mean.
        console: Where to say what is read; nowhere by default.

    Raises:
        ValueError: The images or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    from ..runs.opening import open_run, require_no_table

    run, config, step = open_run(run, step)
    require_no_table(config, "reconstruct")
    require_given(images)
    shape = config.event_shape or ()
    path = out or run.inside(f"reconstructions-of-{images.resolve().stem}{ending(shape)}")
    require_output(path)

    import numpy as np

    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.loading import inverted, load_model, samples_at, units_of

    model, _ = load_model(run, config, step)
    units = units_of(run, config, step)
    x = units.normalize(samples_at(images, config, console)).to(model.log_sigma.dtype)
    latents, before, after = inverted(config, model, x, refine)
    pairs = np.stack([units.stored(x), units.stored(in_chunks(model.decode, latents))])

    def draw(path: Path) -> None:
        shown, names = pairs, ["original", "reconstruction"]
        if refine and pairs.ndim == 5:
            unrefined = units.stored(in_chunks(model.reconstruct, x))
            shown, names = np.stack([pairs[0], unrefined, pairs[1]]), [*names, "refined"]
        plots.save_figure(plots.reconstructions(shown, names), path, 100)

    write(pairs, path, draw)
    return Reconstructed(path, float(before.mean()), float(after.mean()))
