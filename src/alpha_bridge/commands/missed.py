"""Rank the real samples of a run by how well its generator covers them, and show the worst."""

from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import arg

from ..checks import at_least
from .missed_rows import MissedRows, missed_rows
from .missed_samples import Missed, missed_samples
from .paths import Folder


def missed(
    run: Folder,
    images: Path | None = None,
    count: int = 1000,
    n: Annotated[int, arg(aliases=["-n"])] = 12,
    draws: int = 50,
    step: int | None = None,
    out: Path | None = None,
    data: str | None = None,
    console: Console | None = None,
) -> Missed | MissedRows:
    """Show the real samples that a run's generator does not cover, the worst first.

    Images and vectors are ranked by a bound on their likelihood and by their reconstructions, rows
    of a table by the log ratio of data to model.

    Args:
        run: Folder of the run.
        images: An image, a folder of images or an .npy file; by default held-out data of the run.
        count: Largest number of samples to rank.
        n: Number of samples to show, the worst first.
        draws: Latents for each sample in the importance-weighted bound.
        step: Updates of the checkpoint; by default the latest.
        out: A .png for the picture, beside which a .json has the numbers, or a .csv or .parquet for
            rows; by default in the run's folder.
        data: Data in place of the run's; a hub id in the run's configuration is not fetched.
        console: Where to show progress; nowhere by default.

    Returns:
        The samples, the worst first, and the files that were written.

    Raises:
        ValueError: A number is out of its range, there are no samples, or the run or its data
            cannot be used.
        OSError: There are no such images, or a file stands already or cannot be written.

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    from ..runs.opening import open_run, require_plain

    for name, number in {"count": count, "n": n, "draws": draws}.items():
        at_least(1, name, number)
    if images is not None and data is not None:
        raise ValueError(f"give --images {images} or --data {data}, not both")
    console = console or Console(quiet=True)
    at = open_run(run, step)
    run = at.run
    require_plain(at.config)
    if at.config.rows is not None:
        if images is not None:
            raise ValueError(f"the run's samples are rows of a table: give --data {images}")
        return missed_rows(at, count, n, out, data, console)
    stem = f"missed{'' if images is None else f'-of-{images.resolve().stem}'}"
    picture = out or run.inside(f"{stem}{'' if step is None else f'-step-{step}'}.png")
    table = picture.with_suffix(".json") if out else run.inside(f"{picture.stem}.json")
    return missed_samples(at, images, count, n, draws, (picture, table), data, console)
