"""Move images or vectors along attributes, or from one to another, in a run's latent space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks import at_least
from ..errors import one_line
from .directions import LABELLED, directions_of
from .edit_options import EditOptions
from .paths import destination, require_given, write

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

    from ..data import Attributes, Source
    from ..inference.editing import Direction
    from ..model import AlphaBridge
    from ..recipe import Config
    from ..runs.sample_files import Array


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


def edit_images(
    wanted: EditOptions, between: str | None, images: Path | None, labels: Path | None, refine: int
) -> Edited:
    """Write a row of samples for each direction and latent, or for each pair to go between.

    Arguments and errors as of :func:`~alpha_bridge.commands.edit`.
    """
    run, config, _ = at = wanted.at
    _require_subjects(config, images, wanted.samples, refine)
    require_given(labels, "a CSV file with --labels")
    stem = wanted.stem(f"between-{between}") if between else wanted.stem("edit", *wanted.attribute)
    path = destination(run, config.event_shape, wanted.out, stem)

    import numpy as np

    from ..runs import plots
    from ..runs.loading import data_of, inverted, latents_of, load_model, samples_at, units_of

    model, units = load_model(at), units_of(at)
    source = cache(partial(data_of, at, wanted.console, wanted.data))
    originals, errors = None, None
    if wanted.samples:
        z = latents_of(config, model, wanted.n, wanted.seed)
    else:
        if images is None:
            x = source().held_out(wanted.n)
        else:
            x = samples_at(images, config, wanted.console)[0][: wanted.n]
        z, before, after = inverted(config, model, units.normalize(x), refine)
        originals = units.stored(units.normalize(x))
        errors = float(before.mean()), float(after.mean())
    directions: list[Direction] = []
    if between:
        places = np.linspace(0, 1, wanted.columns).tolist()
        cells, headings = _between(model, z, between, len(places)), [f"{t:.2g}" for t in places]
    else:
        labelled = _labelled(wanted, source, images, labels)
        directions = directions_of(wanted, model, units, *labelled)
        places = wanted.strengths
        cells, headings = _moved(model, z, directions, places), [f"{s:+.3g}" for s in places]
    flat = units.stored(cells.flatten(0, 1))
    array: Array = flat.reshape(*cells.shape[:2], *flat.shape[1:])
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
    wanted: EditOptions, source: Callable[[], Source], images: Path | None, labels: Path | None
) -> tuple[Tensor, Attributes]:
    """Samples, in storage units, for which one of the attributes is known, and what is known."""
    import numpy as np

    from ..data import read_images, read_labels
    from ..runs.console_lines import printing

    config, say = wanted.at.config, printing(wanted.console)
    names = [*wanted.attribute, *wanted.against]
    places = [Path(place).expanduser() for place in (images, wanted.data or config.data) if place]
    table = None if labels is None else read_labels(labels, *filter(Path.is_dir, places))
    if table is not None and table.files is not None:
        for note in table.notes:
            say(note)
        kept = np.flatnonzero([not apart for apart in _apart(table.files, places[-1], source, say)])
        if left_out := len(table.files) - len(kept):
            why = "held out, or broken" if config.images.skip_broken else "held out"
            say(f"{left_out} of {len(table.files)} labelled images are left out: they are {why}")
        chosen = kept[_chosen(table.attributes[kept], names)]
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


def _apart(
    files: Sequence[Path], data: Path, source: Callable[[], Source], say: Callable[[str], None]
) -> list[bool]:
    """Of each file, whether it is an image of the folder ``data`` that training never sees."""
    folder = data.resolve()
    # an image may be a link; the folder that it lies in is none
    places = [file.parent.resolve() / file.name for file in files]
    if not any(place.is_relative_to(folder) for place in places):
        return [False] * len(files)  # and the data need not be there any more
    try:
        found = source()
    except (ValueError, OSError) as error:
        say(f"all labelled images are used, for none is known to be held out: {one_line(error)}")
        return [False] * len(files)
    rows = found.training_attributes(found.size or LABELLED).rows
    trained = set() if rows is None else {*rows.tolist()}
    apart = {folder / name for row, name in enumerate(found.files) if name and row not in trained}
    return [place in apart for place in places]


def _chosen(attributes: Attributes, names: Sequence[str]) -> NDArray[np.int64]:
    """The first samples for which one of the attributes is known."""
    import numpy as np

    known = np.any([attributes.known(name) >= 0 for name in names], axis=0)
    if not known.any():
        raise ValueError(
            f"no training sample has a label for {' or '.join(names)}: give more labels"
        )
    return np.flatnonzero(known)[:LABELLED]
