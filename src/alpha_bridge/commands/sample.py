"""Draw samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from ..checks import at_least
from .paths import Folder, destination, table_destination, write


def sample(
    run: Folder,
    n: Annotated[int, arg(aliases=["-n"])] = 64,
    seed: int = 0,
    out: Path | None = None,
    step: int | None = None,
) -> Path:
    """Draw samples from a run's generator.

    Args:
        run: Folder of the run.
        n: Number of samples.
        seed: Seed of the latents.
        out: A .png for a picture, an .npy for an array, a .csv or .parquet for rows of a table; by
            default in the run's folder.
        step: Updates of the checkpoint; by default the latest.

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
    if config.rows is not None:
        path = table_destination(run, out, stem)
    else:
        path = destination(run, config.event_shape, out, stem)

    from ..metrics.evaluation import decoded
    from ..runs import plots
    from ..runs.loading import latents_of, load_model, units_of

    model, _ = load_model(run, config, step)
    drawn = decoded(model, latents_of(config, model, n, seed), seed)
    units = units_of(run, config, step)
    if config.rows is not None:
        from ..data.tables import TableUnits, write_table

        assert isinstance(units, TableUnits)
        write_table(units.table(drawn, seed), path)
        return path
    samples = units.stored(drawn)
    return write(samples, path, lambda path: plots.save_png(samples, path))
