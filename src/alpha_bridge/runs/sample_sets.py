"""Two sets of samples that are compared: of a run, or from files, in the units of the first run.

Without a run they are read as a run that is trained on the first would read them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from ..data import Units, read_named_samples
from ..files.table_files import is_table
from ..inference.calibrated_ratio import generated
from ..observation import RowFamily
from ..recipe.domains import build_source
from ..recipe.presets import of_data
from .console_lines import printing
from .loading import load_model, units_of
from .opening import open_run, require_plain

__all__ = ["SampleSet", "pair_of_sets"]


@dataclass(frozen=True)
class SampleSet:
    """Samples of one side.

    Attributes:
        path: A run, or a file or folder.
        x: Of them, in model units, ``(N, *event)``.
        places: Where each stands in the file, or among the samples of the run.
        units: Those of x.
        rows: Where the columns of a table lie; None for other samples.
        files: Names of the images of a folder, by their places; none of other samples.
    """

    path: Path
    x: Tensor
    places: list[int]
    units: Units
    rows: RowFamily | None
    files: Sequence[str] = ()


@dataclass(frozen=True)
class _Form:
    """How samples of a file are read."""

    shape: tuple[int, ...]
    units: Units
    white: int | None = None
    skip_broken: bool = False

    def read(self, data: object, say: Callable[[str], None]) -> tuple[Tensor, list[str]]:
        """Samples of a path, or rows of a table in memory, in model units; names of their files."""
        from ..data.tables import TableUnits, read_rows

        if isinstance(self.units, TableUnits):
            return self.units.normalize(read_rows(data, self.units, say)), []
        assert isinstance(data, Path)
        if is_table(data):
            raise ValueError(
                f"'{data}' is a table, and the other samples are of shape {self.shape}: give two "
                "sets of one kind"
            )
        x, files = read_named_samples(data, self.shape, self.white, self.skip_broken, say)
        return self.units.normalize(x), files

    @property
    def rows(self) -> RowFamily | None:
        """Of a table."""
        return getattr(self.units, "rows", None)


def _has_config(path: Path) -> bool:
    """Whether a folder is a run's, or an exported model's, which is then refused by its name."""
    return (path / "config.json").is_file()


def pair_of_sets(
    paths: tuple[Path, Path], count: int, seed: int, console: Console
) -> tuple[SampleSet, SampleSet]:
    """Up to ``count`` samples of each of two runs, files or folders.

    Args:
        paths: The two.
        count: Most samples of each; those of a file are chosen at random.
        seed: Of the draws.
        console: Where to tell how they are read.

    Raises:
        ValueError: A run, a file or a sample cannot be used, or the two are of different kinds.
    """
    say = printing(console)
    form = _form(next(filter(_has_config, paths), paths[0]))
    first, second = (_set(path, form, count, seed, turn, say) for turn, path in enumerate(paths))
    return first, second


def _form(path: Path) -> _Form:
    """How a run was trained to see samples, or would be if it were trained on these."""
    if _has_config(path):
        at = open_run(path)
        config, units = at.config, units_of(at)
        return _Form(config.event_shape or (), units, config.white, config.images.skip_broken)
    source = build_source(of_data(str(path)), fetch=())
    return _Form(source.event_shape, source.units)


def _set(
    path: Path, form: _Form, count: int, seed: int, turn: int, say: Callable[[str], None]
) -> SampleSet:
    if _has_config(path):
        x = _of_run(path, form, count, seed, turn, say)
        return SampleSet(path, x, [*range(len(x))], form.units, form.rows)
    x, files = form.read(path, say)
    places = np.sort(np.random.default_rng(seed).permutation(len(x))[:count])
    if len(x) > count:
        say(f"{count:,} of the {len(x):,} samples of {path} are compared: --count")
    chosen = x[torch.from_numpy(places)]
    return SampleSet(path, chosen, places.tolist(), form.units, form.rows, files)


def _of_run(
    path: Path, form: _Form, count: int, seed: int, turn: int, say: Callable[[str], None]
) -> Tensor:
    """Samples that a run's model draws, other ones for each side."""
    from ..data.tables import TableUnits

    at = open_run(path)
    config = at.config
    require_plain(config)
    model, units = load_model(at), units_of(at)
    x = generated(model, units, count, seed, turn)
    if isinstance(units, TableUnits) and form.rows is not None:
        return form.read(units.table(x, seed), say)[0]
    if (config.rows is None) != (form.rows is None) or config.event_shape != form.shape:
        raise ValueError(
            f"{path} makes samples of shape {config.event_shape}, the others have {form.shape}: "
            "give two sets of one kind"
        )
    return form.units.normalize(units.denormalize(x))
