"""Samples of the user through a run's encoder: reconstructed, edited, and rows completed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from ..runs.folder import Run
from ..runs.opening import open_run
from . import markup

if TYPE_CHECKING:
    from ..runs.sample_files import Array

CHOICES = 200
"""Values of a column that are offered, at most."""


def reconstructed(run: Run, image: Path, refine: int, out: Path) -> str:
    """An image, or vectors in an ``.npy`` file, beside the reconstruction, and its error.

    Args:
        run: Of images or vectors.
        image: The file.
        refine: Steps of refinement of the latent.
        out: A folder for what is written on the way.
    """
    import numpy as np

    from ..commands import Reconstructed, reconstruct
    from ..runs import plots
    from ..runs.panel import Panel, svg

    path = out / "reconstruction.npy"
    found = reconstruct(run, images=image, refine=refine, out=path)
    assert isinstance(found, Reconstructed)
    error = f"mean squared error {found.error:.4g}"
    if refine:
        error += f", after {refine} steps of refinement {found.refined_error:.4g}"
    pairs = np.load(path)
    if pairs.ndim == 5:
        return markup.gallery(pairs[:, 0], ("original", "reconstruction"), error)
    if pairs.shape[2] < 2:
        return markup.lines([error])
    panel = Panel("Reconstructions", error, "Originals and reconstructions.", "")
    return markup.figures([panel._replace(source=svg(plots.reconstructions(pairs)))])


def edited(run: Run, image: Path, attribute: str, strength: float, out: Path) -> str:
    """An image moved along an attribute, and how sure the direction is."""
    from ..commands import edit

    _require_images(run)
    found = edit(run, (attribute,), images=image, strength=strength, out=out / "edited.png")
    sure = [f"{of.name}: accuracy {of.evidence.accuracy:.2f}" for of in found.directions]
    sure += [of.evidence.doubt for of in found.directions if of.evidence.doubt]
    return markup.lines(sure) + markup.picture(found.path, f"The image along {attribute}")


def between(run: Run, first: Path, second: Path, curve: Literal["slerp", "lerp"], out: Path) -> str:
    """The way from one image to another through the latent space."""
    import shutil

    from ..commands import edit

    _require_images(run)
    pair = out / "pair"
    pair.mkdir()
    for number, path in enumerate((first, second)):
        shutil.copyfile(path, pair / f"{number}{path.suffix.lower()}")
    found = edit(run, between=curve, images=pair, out=out / "between.png")
    return markup.picture(found.path, "The way from the first image to the second")


def _require_images(run: Run) -> None:
    if len(run.config.get("event_shape") or ()) != 3:
        raise ValueError(f"{run.folder.name} is no run of images, of which edits are shown")


def attributes(run: Run) -> list[str]:
    """Attributes that the run's data have labels for."""
    from ..runs.loading import data_of

    at = open_run(run)
    if at.config.rows is not None:
        return []
    return data_of(at, Console(quiet=True)).training_attributes(1000).names


def background(run: Run) -> int:
    """The ground of a drawing for a run of images, 0 or 255: as at the corners of its images."""
    pairs = run.reconstructions
    if not pairs or pairs[max(pairs)].ndim != 5:
        return 255
    originals: Array = pairs[max(pairs)][0]
    return 255 * int(originals[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean() > 127)


def drawing(sketch: Mapping[str, Any] | None, run: Run, out: Path) -> Path | None:
    """A drawing as an image on the ground that the run's images have; None where nothing is drawn.

    Args:
        sketch: Of gradio, its ``composite`` ``(H, W, 4)``: dark strokes on white or on nothing.
        run: Of images.
        out: A folder for the file.
    """
    import numpy as np

    image = None if sketch is None else sketch.get("composite")
    if image is None:
        return None
    array = np.asarray(image).astype(float)
    opaque = array[..., 3:] / 255 if array.shape[-1] == 4 else np.ones_like(array[..., :1])
    grey = (array[..., :3].mean(-1, keepdims=True) * opaque + 255 * (1 - opaque)).round()
    if grey.min() > 250:
        return None
    if background(run) == 0:
        grey = 255 - grey
    path = out / "drawing.png"
    markup.as_image(grey.astype(np.uint8)).save(path)
    return path


def columns(run: Run) -> dict[str, list[str]]:
    """The columns of a table's run, each with the values of its categories; none of a number."""
    recorded = run.config.get("columns") or {}
    return {
        name: [str(value) for value in of.get("values", ())][:CHOICES]
        if of.get("kind") in ("category", "boolean")
        else []
        for name, of in recorded.items()
    }


def completed(run: Run, cells: Mapping[str, str | None], draws: int, out: Path) -> str:
    """A row whose empty cells are filled ``draws`` times, and the row as it is reconstructed."""
    from ..commands import impute, reconstruct
    from ..data.tables import read_table

    given = out / "row.csv"
    with given.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*cells], ["" if c is None else c for c in cells.values()]])
    gaps = sum(not cell for cell in cells.values())
    shown = ""
    if gaps:
        places = impute(run, given, draws=draws, out=out / "filled.csv")
        rows = [row for place in places for row in read_table(place).to_pylist()]
        shown += markup.table(rows, f"{gaps} gaps filled, {draws} draws")
    else:
        reconstruct(run, data=given, out=out / "again.csv")
        shown += markup.table(read_table(out / "again.csv").to_pylist(), "The row, reconstructed")
    return shown
