"""Draw samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from tyro.conf import arg

from ..checks import at_least
from .conditions import meeting, parsed
from .paths import Folder, destination, table_destination, write

if TYPE_CHECKING:
    import pyarrow

    from ..recipe import Config
    from ..runs.folder import Run


def sample(
    run: Folder,
    n: Annotated[int, arg(aliases=["-n"])] = 64,
    seed: int = 0,
    out: Path | None = None,
    step: int | None = None,
    where: tuple[str, ...] = (),
    console: Console | None = None,
) -> Path:
    """Draw samples from a run's generator.

    Args:
        run: Folder of the run.
        n: Number of samples.
        seed: Seed of the latents.
        out: A .png for a picture, an .npy for an array, a .csv or .parquet for rows of a table; by
            default in the run's folder.
        step: Updates of the checkpoint; by default the latest.
        where: Of a table, conditions such as income=>50K: rows are drawn until enough meet them.
        console: Where to tell how many did; nowhere by default.

    Raises:
        ValueError: A number is out of its range, or the run cannot be used.
        OSError: The file stands already or cannot be written.
    """
    from ..runs.opening import open_run, require_plain

    at_least(1, "count", n)
    at_least(0, "seed", seed)
    run, config, step = open_run(run, step)
    require_plain(config)
    stem = f"samples-{n}-seed-{seed}"
    conditions = parsed(where)
    if config.rows is not None:
        path = table_destination(run, out, stem)
        return _rows(run, config, step, n, seed, conditions, path, console or Console(quiet=True))
    if conditions:
        raise ValueError(f"--where is for tables, got {where[0]}: leave it out")
    path = destination(run, config.event_shape, out, stem)

    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.loading import latents_of, load_model, units_of

    model, _ = load_model(run, config, step)
    decoded = in_chunks(model.decode, latents_of(config, model, n, seed))
    samples = units_of(run, config, step).stored(decoded)
    return write(samples, path, lambda path: plots.save_png(samples, path))


def _rows(
    run: Run,
    config: Config,
    step: int,
    n: int,
    seed: int,
    conditions: dict[str, str],
    path: Path,
    console: Console,
) -> Path:
    """Draw rows of a table, those that meet the conditions if there are any."""
    from ..data import normal
    from ..data.tables import TableUnits, write_table
    from ..metrics.evaluation import decoded
    from ..runs.loading import load_model, units_of

    model, _ = load_model(run, config, step)
    units = units_of(run, config, step)
    assert isinstance(units, TableUnits)

    def drawn(count: int, turn: int) -> pyarrow.Table:
        z = normal(seed, turn, 0, (count, *(model.latent_shape or ())))
        return units.table(decoded(model, z, seed, turn), seed + turn)

    if conditions:
        rows, share = meeting(drawn, n, conditions)
        console.print(f"{share:.2%} of the rows that were drawn meet the conditions")
    else:
        rows = drawn(n, 0)
    write_table(rows, path)
    return path
