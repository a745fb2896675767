"""Fill the gaps of a table."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ..checks import at_least
from ..files.table_files import ENDINGS, is_table
from .paths import Folder, require_given, table_destination


def impute(
    run: Folder,
    data: Path,
    draws: int = 1,
    seed: int = 0,
    out: Path | None = None,
    step: int | None = None,
    console: Console | None = None,
) -> tuple[Path, ...]:
    """Fill the gaps of a table by draws from the model, given what is known of each row.

    Args:
        run: Folder of a run of a table.
        data: A table with the same columns, in any order.
        draws: How often the gaps are filled, for multiple imputation: a file each, OUT-1 and so on.
        seed: Of the draws.
        out: A .csv or .parquet; by default in the run's folder, of the kind that was given.
        step: Updates of the checkpoint; by default the latest.
        console: Where to say how many gaps there were and how good the draws are; nowhere by
            default.

    Raises:
        ValueError: A number is out of its range, the run is of no table, or the columns of the
            table differ from those of the run's.
        OSError: A file is missing, stands already or cannot be written.
    """
    from ..runs.opening import open_run

    at_least(1, "--draws", draws)
    at_least(0, "seed", seed)
    at = open_run(run, step)
    run = at.run
    if at.config.rows is None:
        raise ValueError(f"the samples of {run.folder} are no rows of a table: give a run of one")
    require_given(data, "a table, such as a CSV file")
    if not is_table(data):
        raise ValueError(f"'{data}' is no table: give a file of {', '.join(ENDINGS)}")
    ending = ".parquet" if data.is_dir() else data.suffix.lower()
    named = out or run.inside(f"{data.resolve().stem}-imputed-seed-{seed}{ending}")
    places = [named] if draws == 1 else [_numbered(named, draw) for draw in range(1, draws + 1)]
    paths = tuple(table_destination(run, place, "imputed") for place in places)

    from ..data.tables import TableUnits, read_table, write_table
    from ..inference import imputation
    from ..runs.console_lines import printing
    from ..runs.loading import load_model, units_of

    model, units, say = load_model(at), units_of(at), printing(console)
    assert isinstance(units, TableUnits)
    table = read_table(data, say, units.coding.texts_alone)
    imputed = imputation.impute(model, units, table, draws, seed, say)
    say(imputed.line)
    for table, path in zip(imputed.tables, paths, strict=True):
        write_table(table, path)
    return paths


def _numbered(path: Path, draw: int) -> Path:
    """Each draw has a file of its own, whose columns are those of the table and no other."""
    return path.with_name(f"{path.stem}-{draw}{path.suffix}")
