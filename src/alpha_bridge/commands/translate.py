"""Take samples from one domain to the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from .paths import Folder, destination, require_given, write

if TYPE_CHECKING:
    from torch import Tensor

    from ..runs.sample_files import Array


def translate(
    run: Folder,
    images: Path,
    out: Path | None = None,
    back: bool = False,
    step: int | None = None,
    prior: str | None = None,
    console: Console | None = None,
) -> Path:
    """Translate samples from a run's second domain to its first, or back.

    Args:
        run: Folder of a run that was trained with --prior.
        images: An image, a folder of images, or an .npy file.
        out: A .png for a picture, an .npy for an array; by default in the run's folder.
        back: From the run's data to the second domain, instead of the other way.
        step: Updates of the checkpoint; by default the latest.
        prior: Second domain instead of the one that the run names; vectors of it are seen in the
            units of the run's own.
        console: Where to say what is read; nowhere by default.

    Returns:
        The file: originals beside translations, or an array of the translations alone.

    Raises:
        ValueError: The samples or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    from ..runs.opening import open_run

    run, config, _ = at = open_run(run, step)
    if config.prior is None:
        raise ValueError(
            f"{run.folder} has no second domain to translate from or to: train one with "
            "--objective marginal --prior DATA"
        )
    require_given(images)
    shape = (config.event_shape if back else config.prior_shape) or ()
    path = destination(run, shape, out, f"translations-of-{images.resolve().stem}")

    import numpy as np

    from ..data import read_samples
    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.console_lines import printing
    from ..runs.loading import load_model, prior_units_of, units_of

    model = load_model(at)
    domains = prior_units_of(config, prior), units_of(at)
    here, there = domains[::-1] if back else domains
    network: Callable[[Tensor], Tensor] = model.encode if back else model.decode
    white, say = (config.white if back else None), printing(console)
    given = read_samples(images, shape, white, config.images.skip_broken, say)
    x = here.normalize(given).to(model.log_sigma.dtype)
    before, after = here.stored(x), there.stored(in_chunks(network, x))

    def draw(path: Path) -> None:
        pairs = np.stack([_coloured(before), _coloured(after)])
        plots.save_figure(plots.reconstructions(pairs, ("original", "translation")), path, 100)

    return write(after, path, draw)


def _coloured(images: Array) -> Array:
    """Images (N, H, W, C) with three colours, so that those of both domains lie in one picture."""
    return images if images.shape[-1] > 1 else images.repeat(3, axis=-1)
