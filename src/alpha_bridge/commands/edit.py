"""Move samples along attributes, or from one to another, in a run's latent space."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich.console import Console
from tyro.conf import UseAppendAction, arg

from ..checks import at_least, positive
from .directions import LABELLED, directions_of
from .edit_rows import EditedRows, edit_rows
from .paths import Folder, destination, require_given, write

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

    from ..data import Attributes, Source
    from ..inference.editing import Direction
    from ..model import AlphaBridge
    from ..recipe import Config
    from ..runs.folder import Array

Names = UseAppendAction[tuple[str, ...]]


@dataclass(frozen=True)
class Edited:
    """An edit.

    Attributes:
        path: The picture, or the array ``(rows, columns, *event)``.
        columns: Strength, or share of the way, of each column.
        directions: Along which it went, with how sure they are.
        errors: Mean squared error per dimension of the samples' latents before and after
            refinement, in model units; None for samples of the generator, whose latents are known.
    """

    path: Path
    columns: Sequence[float]
    directions: Sequence[Direction]
    errors: tuple[float, float] | None


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
    positive("strength", strength)
    at_least(2, "columns", columns)
    at_least(1, "n", n)
    at_least(0, "seed", seed)
    run, config, step = open_run(run, step)
    if config.rows is not None:
        if between or images or labels or refine:
            raise ValueError(
                "the run's samples are rows of a table: give --attribute COLUMN=VALUE, or COLUMN "
                "of numbers, and no --between, --images, --labels or --refine"
            )
        return edit_rows(
            run,
            config,
            step,
            attribute=attribute,
            against=against,
            strength=strength,
            columns=columns,
            n=n,
            samples=samples,
            method=method,
            out=out,
            seed=seed,
            data=data,
            console=console or Console(quiet=True),
        )
    _require_subjects(config, images, samples, refine)
    require_given(labels, "a CSV file with --labels")
    stem = f"between-{between}" if between else "-".join(["edit", *attribute])
    path = destination(run, config.event_shape, out, re.sub(r"[^\w.=-]+", "-", stem))

    import numpy as np

    from ..runs import plots
    from ..runs.loading import (
        data_of,
        inverted,
        latents_of,
        load_model,
        printing,
        samples_at,
        units_of,
    )

    console = console or Console(quiet=True)
    model, _ = load_model(run, config, step)
    units = units_of(run, config, step)
    source = cache(partial(data_of, run, config, console, data, step))
    errors: tuple[float, float] | None = None
    if samples:
        z = latents_of(config, model, n, seed)
    else:
        x = source().held_out(n) if images is None else samples_at(images, config, console)[:n]
        z, before, after = inverted(config, model, units.normalize(x), refine)
        errors = float(before.mean()), float(after.mean())
    directions: list[Direction] = []
    if between:
        places = np.linspace(0, 1, columns).tolist()
        cells, headings = _between(model, z, between, columns), [f"{t:.2g}" for t in places]
    else:
        folders = [Path(place).expanduser() for place in (images, data or config.data) if place]
        labelled = _labelled(
            source, config, [*attribute, *against], labels, folders, printing(console)
        )
        directions = directions_of(model, units, *labelled, attribute, against, method)
        places = np.linspace(-strength, strength, columns).tolist()
        cells, headings = _moved(model, z, directions, places), [f"{s:+.3g}" for s in places]
    flat = units.stored(cells.flatten(0, 1))
    array: Array = flat.reshape(*cells.shape[:2], *flat.shape[1:])
    originals = None if samples else units.stored(units.normalize(x))
    write(
        array,
        path,
        lambda path: plots.save_figure(_drawn(array, headings, directions, originals), path),
    )
    return Edited(path, places, directions, errors)


def _drawn(
    cells: Array, headings: Sequence[str], directions: Sequence[Direction], originals: Array | None
) -> Figure:
    """Edits beside the images that they were made of, with how sure each direction is."""
    import numpy as np

    from ..runs import plots

    sides = [cells]
    if originals is not None and directions:
        sides = [np.concatenate([originals] * len(directions))[:, None], cells]
        headings = ["original", *headings]
    elif originals is not None:
        first, second = (originals[at : 2 * len(cells) : 2, None] for at in (0, 1))
        sides, headings = [first, cells, second], ["original", *headings, "original"]
    names = [
        "\n".join(
            filter(None, [of.name, f"accuracy {of.evidence.accuracy:.2f}", of.evidence.doubt])
        )
        for of in directions
    ]
    return plots.strips(np.concatenate(sides, axis=1), headings, names)


def _require_subjects(config: Config, images: Path | None, samples: bool, refine: int) -> None:
    """Refuse images that are not there, and options that exclude each other."""
    from ..runs.opening import require_plain

    if samples:
        require_plain(config)
    if samples and images is not None:
        raise ValueError(f"give --samples or --images {images}, not both")
    if samples and refine:
        raise ValueError(
            "the latents of samples are known, so there is nothing to refine: leave out --refine"
        )
    require_given(images)


def _between(model: AlphaBridge, z: Tensor, curve: str, columns: int) -> Tensor:
    """Samples ``(pairs, columns, *event)`` from the first latent to the second, and so on."""
    from ..interpolation import lerp, slerp

    pairs = at_least(2, "the number of samples to go between", len(z)) // 2
    start, end = z[: 2 * pairs : 2], z[1 : 2 * pairs : 2]
    return model.traverse(start, end, columns, {"slerp": slerp, "lerp": lerp}[curve]).transpose(
        0, 1
    )


def _moved(
    model: AlphaBridge, z: Tensor, directions: Sequence[Direction], strengths: Sequence[float]
) -> Tensor:
    """Samples ``(directions · latents, strengths, *event)`` along each direction."""
    import torch

    from ..inference.editing import strip
    from ..metrics.evaluation import in_chunks

    decode = partial(in_chunks, model.decode)
    return torch.cat([strip(decode, z, direction, strengths) for direction in directions])


def _labelled(
    source: Callable[[], Source],
    config: Config,
    names: Sequence[str],
    labels: Path | None,
    folders: Sequence[Path],
    say: Callable[[str], None],
) -> tuple[Tensor, Attributes]:
    """Samples, in storage units, for which one of the attributes is known, and what is known."""
    from ..data import read_images, read_labels

    table = None if labels is None else read_labels(labels, *filter(Path.is_dir, folders))
    if table is not None and table.files is not None:
        for note in table.notes:
            say(note)
        chosen = _chosen(table.attributes, names)
        files = [table.files[row] for row in chosen]
        x = read_images(files, config.event_shape or (), config.white)
        return x, table.attributes[chosen]
    data = source()
    everything = data.size or LABELLED
    attributes = data.training_attributes(everything)
    if table is not None:
        attributes, trained = table.of(attributes.rows), attributes.rows
        for note in table.unmatched(trained, data.held_out_attributes(everything).rows):
            say(note)
    chosen = _chosen(attributes, names)
    return data.chosen(everything, chosen), attributes[chosen]


def _chosen(attributes: Attributes, names: Sequence[str]) -> NDArray[np.int64]:
    """The first samples for which one of the attributes is known."""
    import numpy as np

    known = np.any([attributes.known(name) >= 0 for name in names], axis=0)
    if not known.any():
        raise ValueError(
            f"no training sample has a label for {' or '.join(names)}: give more labels"
        )
    return np.flatnonzero(known)[:LABELLED]
