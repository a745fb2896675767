"""Encode and decode a user's samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from .paths import Folder, ending, require_given, require_output, table_destination, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..model import AlphaBridge
    from ..recipe import Config
    from ..runs.opening import RunAt


@dataclass(frozen=True)
class Reconstructed:
    """Reconstructions of a user's samples.

    Attributes:
        path: Originals and reconstructions, side by side.
        error: Mean squared error per dimension of the encoder's means, in model units.
        refined_error: That of the latents after refinement.
        vae_error: That of the VAE that the run began with; None without one, and where it is gone.
    """

    path: Path
    error: float
    refined_error: float
    vae_error: float | None = None


@dataclass(frozen=True)
class ReconstructedRows:
    """Reconstructions of a user's rows of a table.

    Attributes:
        path: A row for each that was given, in their order.
        same: Share of their categories that come back, gaps and values set apart among them; None
            without any.
        error: Root mean squared error of the numbers that come back as numbers, in model units, in
            which their deviation is about 1; None without any.
    """

    path: Path
    same: float | None
    error: float | None


def reconstruct(
    run: Folder,
    images: Path | None = None,
    out: Path | None = None,
    step: int | None = None,
    refine: int = 0,
    data: Path | None = None,
    console: Console | None = None,
) -> Reconstructed | ReconstructedRows:
    """Encode and decode images, or rows of a table, with a run's inference arm.

    The picture of a run that began with a VAE also shows what that made of them before the bridge,
    if it still lies where it lay.

    Args:
        run: Folder of the run.
        images: An image, a folder of images, or an .npy file.
        out: A .png for a picture, an .npy for an array, a .csv or .parquet for rows; by default in
            the run's folder.
        step: Updates of the checkpoint; by default the latest.
        refine: Steps of refinement for each latent, from the encoder's mean.
        data: A table with the columns of the run's, in place of images.
        console: Where to say what is read; nowhere by default.

    Raises:
        ValueError: The images or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    from ..runs.opening import open_run

    run, config, _ = at = open_run(run, step)
    if config.rows is not None:
        if data is None or images is not None or refine:
            raise ValueError(
                "the run's samples are rows of a table: give --data FILE, and no --images, no "
                "--refine"
            )
        return _rows(at, data, out, console)
    if images is None or data is not None:
        raise ValueError("the run's samples are no rows of a table: give --images, and no --data")
    require_given(images)
    shape = config.event_shape or ()
    path = out or run.inside(f"reconstructions-of-{images.resolve().stem}{ending(shape)}")
    require_output(path)

    import numpy as np

    from ..metrics.evaluation import in_chunks
    from ..runs.loading import inverted, load_model, samples_at, units_of

    model, units = load_model(at), units_of(at)
    given, _ = samples_at(images, config, console)
    x = units.normalize(given).to(model.log_sigma.dtype)
    latents, before, after = inverted(config, model, x, refine)
    decoded = in_chunks(model.decode, latents)
    pairs = np.stack([units.stored(x), units.stored(decoded)])
    vae = _before(config, model, console)
    of_vae = None if vae is None else in_chunks(vae.reconstruct, x)

    def draw(path: Path) -> None:
        shown = {"original": x, "VAE before": of_vae, "reconstruction": decoded}
        if refine and pairs.ndim == 5:
            unrefined = in_chunks(model.reconstruct, x)
            shown |= {"reconstruction": unrefined, "refined": decoded}
        rows = {name: units.stored(of) for name, of in shown.items() if of is not None}
        _draw(rows, path)

    write(pairs, path, draw)
    vae_error = None if of_vae is None else float((x - of_vae).square().mean())
    return Reconstructed(path, float(before.mean()), float(after.mean()), vae_error)


def _draw(rows: dict[str, NDArray[Any]], path: Path) -> None:
    """A picture of images, the first twelve, or of points, under names."""
    first = next(iter(rows.values()))
    if first.ndim == 4:
        from ..runs.mosaic import save_rows

        save_rows({name: images[:12] for name, images in rows.items()}, path)
        return
    import numpy as np

    from ..runs import plots

    plots.save_figure(plots.reconstructions(np.stack([*rows.values()]), [*rows]), path, 100)


def _before(config: Config, model: AlphaBridge, console: Console | None) -> AlphaBridge | None:
    """The VAE that a run began with, or a line on why there is none any more."""
    from ..runs.console_lines import printing
    from ..runs.loading import before_bridge

    if config.init is None:
        return None
    try:
        return before_bridge(config, model)
    except (ValueError, OSError) as error:
        printing(console)(f"the VAE before the bridge cannot be shown beside it: {error}")
        return None


def _rows(at: RunAt, data: Path, out: Path | None, console: Console | None) -> ReconstructedRows:
    require_given(data, "a table")
    path = table_destination(at.run, out, f"reconstructions-of-{data.resolve().stem}")

    import torch

    from ..data.tables import TableUnits, write_table
    from ..metrics.evaluation import decoded, in_chunks
    from ..metrics.table_quality import codes
    from ..runs.loading import given_to, load_model, units_of

    model, units = load_model(at), units_of(at)
    rows = model.rows
    assert isinstance(units, TableUnits) and rows is not None
    x, _ = given_to(data, at, console)
    y = decoded(model, in_chunks(model.encode, x))
    same = (codes(x, rows) == codes(y, rows)).float() if rows.categories else None
    places = [place for place, _ in rows.numbers]
    both = torch.stack([rows.there(x) * rows.there(y), (x - y)[:, places].square()])
    write_table(units.table(y), path)
    return ReconstructedRows(
        path,
        None if same is None else float(same.mean()),
        float((both.prod(0).sum() / both[0].sum()).sqrt()) if both[0].any() else None,
    )
