"""Draw samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from tyro.conf import arg

from ..checks import at_least
from .by_ratio import ByRatio
from .conditions import parsed
from .paths import Folder, destination, require_rows, table_destination, write

if TYPE_CHECKING:
    from torch import Tensor

    from ..data import Units
    from ..model import AlphaBridge


def sample(
    run: Folder,
    n: Annotated[int, arg(aliases=["-n"])] = 64,
    seed: int = 0,
    out: Path | None = None,
    step: int | None = None,
    where: tuple[str, ...] = (),
    weights: bool = False,
    reject: float | None = None,
    resample: float | None = None,
    held_out: str | None = None,
    console: Console | None = None,
) -> Path:
    """Draw samples from a run's generator.

    By the log ratio, calibrated on held-out data, samples can be given weights or be chosen, so
    that they follow the data more closely.

    Args:
        run: Folder of the run, or of the model of a table that was exported.
        n: Number of samples.
        seed: Seed of the latents.
        out: A .png for a picture, an .npy for an array, a .csv or .parquet for rows of a table; by
            default in the run's folder, or here.
        step: Updates of the checkpoint; by default the latest.
        where: Of a table, conditions such as income=>50K: rows are drawn given these.
        weights: Write weights towards the data beside them, an .npy file with sum 1.
        reject: Keep one of so many draws on average, those that are most probably data.
        resample: Choose by weights, with replacement, from so many times as many draws.
        held_out: Data to calibrate the ratio on in place of the run's, of which a tenth is taken.
        console: Where to show how that went; nowhere by default.

    Raises:
        ValueError: A number is out of its range, the run cannot be used, or weights cannot be
            relied on.
        OSError: The file stands already or cannot be written.
    """
    from ..runs.folder import is_exported
    from ..runs.opening import open_run, require_plain

    at_least(1, "count", n)
    at_least(0, "seed", seed)
    stem = f"samples-{n}-seed-{seed}"
    conditions, console = parsed(where), console or Console(quiet=True)
    by_ratio = ByRatio(weights, reject, resample, held_out)
    if isinstance(run, Path) and is_exported(run):
        own = [*by_ratio.options, *(["--step"] if step is not None else [])]
        if own:
            raise ValueError(f"{own[0]} needs a run, and {run} is an exported model: leave it out")
        return _of_shared(run, n, seed, conditions, out or Path(f"{stem}.csv"), console)
    run, config, step = at = open_run(run, step)
    require_plain(config)
    if conditions and by_ratio.options:
        raise ValueError(f"--where {where[0]} excludes {by_ratio.options[0]}: leave one out")
    if conditions and config.rows is None:
        raise ValueError(f"--where is for tables, got {where[0]}: leave it out")
    if config.rows is not None:
        path = table_destination(run, out, stem)
    else:
        path = destination(run, config.event_shape, out, stem)
    by_ratio.require(config, step, n, path)

    from ..metrics.evaluation import decoded
    from ..runs.loading import latents_of, load_model, units_of
    from ..runs.mosaic import save_png

    model, units = load_model(at), units_of(at)
    if conditions:
        return _meeting(model, units, n, seed, conditions, path, console)
    if by_ratio:
        x = by_ratio.draw(at, model, units, n, seed, path, console)
    else:
        x = decoded(model, latents_of(config, model, n, seed), seed)
    if config.rows is not None:
        return _write_rows(units, x, seed, path)
    samples = units.stored(x)
    return write(samples, path, lambda path: save_png(samples, path))


def _meeting(
    model: AlphaBridge,
    units: Units,
    n: int,
    seed: int,
    conditions: dict[str, str],
    path: Path,
    console: Console,
) -> Path:
    """Draw rows of a table that meet the conditions."""
    from ..data.tables import TableUnits, write_table
    from ..inference.conditional_rows import rows_given

    assert isinstance(units, TableUnits)
    found = rows_given(model, units, conditions, n, seed)
    console.print(found.line)
    write_table(found.table, path)
    return path


def _of_shared(
    folder: Path, n: int, seed: int, conditions: dict[str, str], path: Path, console: Console
) -> Path:
    """Draw rows by an exported model: those that the run draws with the same seed."""
    require_rows(path)

    from .. import sharing
    from ..data.rng import latents
    from ..metrics.evaluation import decoded

    model, units = sharing.load(folder)
    if model.rows is None:
        raise ValueError(
            f"{folder} is an exported model of no table: draw from it with "
            "alpha_bridge.sharing.load"
        )
    if conditions:
        return _meeting(model, units, n, seed, conditions, path, console)
    z = latents(seed, n, model.latent_shape)
    return _write_rows(units, decoded(model, z, seed), seed, path)


def _write_rows(units: Units, x: Tensor, seed: int, path: Path) -> Path:
    from ..data.tables import TableUnits, write_table

    assert isinstance(units, TableUnits)
    write_table(units.table(x, seed), path)
    return path
