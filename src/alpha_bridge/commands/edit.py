"""Move samples along attributes, or from one to another, in a run's latent space."""

from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
from tyro.conf import UseAppendAction, arg

from ..checks import at_least, positive
from .edit_images import Edited, edit_images
from .edit_options import EditOptions
from .edit_rows import EditedRows, edit_rows
from .paths import Folder

Names = UseAppendAction[tuple[str, ...]]


def edit(
    run: Folder,
    attribute: Names = (),
    between: Literal["slerp", "lerp"] | None = None,
    strength: float = 2.0,
    images: Path | None = None,
    samples: bool = False,
    labels: Path | None = None,
    against: Names = (),
    method: Literal["means", "normal"] = "means",
    n: Annotated[int, arg(aliases=["-n"])] = 8,
    columns: int = 7,
    refine: int = 0,
    step: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    data: str | None = None,
    console: Console | None = None,
) -> Edited | EditedRows:
    """Edit images or rows along attributes, or interpolate between images, in a run's latent space.

    Args:
        run: Folder of the run.
        attribute: Attribute to add and take away, such as Smiling or label=3, or of a table
            job=cook or age; may be given several times.
        between: Interpolate between pairs of images instead: along an arc, or a straight line.
        strength: Largest step in either direction, in standard deviations of the latents along it.
        images: An image, a folder of images or an .npy file; by default held-out data of the run.
        samples: Edit samples of the generator instead.
        labels: A CSV file: a column file_name or row, and columns of attributes; by default the
            data's.
        against: Attribute to leave alone; may be given several times.
        method: Direction: the difference of the classes' means, or the normal of a linear
            classifier.
        n: Number of images, or rows, at most.
        columns: Images in a row, or how often a row of a table is written.
        refine: Steps of refinement for each latent, from the encoder's mean.
        step: Updates of the checkpoint; by default the latest.
        out: A .png for a picture, an .npy for an array, a .csv or .parquet for rows; by default in
            the run's folder.
        seed: Seed of the latents of --samples, and of the draws of rows.
        data: Data in place of the run's; a hub id in the run's configuration is not fetched. Of a
            table, the rows to edit.
        console: Where to show progress; nowhere by default.

    Raises:
        ValueError: There is no such attribute or it has one class, a number is out of its range,
            or the run or its data cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    from ..runs.opening import open_run

    if bool(attribute) == bool(between):
        raise ValueError("edit needs either --attribute NAME or --between slerp|lerp")
    if between and (labels or against):
        option = f"--labels {labels}" if labels else f"--against {' '.join(against)}"
        raise ValueError(f"--between {between} goes along no attribute: leave out {option}")
    positive("strength", strength)
    at_least(2, "columns", columns)
    at_least(1, "n", n)
    at_least(0, "seed", seed)
    wanted = EditOptions(
        at=open_run(run, step),
        attribute=attribute,
        against=against,
        method=method,
        strength=strength,
        columns=columns,
        n=n,
        samples=samples,
        seed=seed,
        data=data,
        out=out,
        console=console or Console(quiet=True),
    )
    if wanted.at.config.rows is None:
        return edit_images(wanted, between, images, labels, refine)
    if between or images or labels or refine:
        raise ValueError(
            "the run's samples are rows of a table: give --attribute COLUMN=VALUE, or COLUMN "
            "of numbers, and no --between, --images, --labels or --refine"
        )
    return edit_rows(wanted)
