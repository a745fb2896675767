"""Say what can be done next in a folder: with the runs that it holds, and with data and VAEs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from tyro.conf import Positional

from ..files.nearby import Nearby, data_nearby

if TYPE_CHECKING:
    from ..runs.folder import Run
    from ..runs.status import RunStatus

SHOWN = 8
"""Runs whose folders are read, the last ones that were written."""


@dataclass(frozen=True)
class Start:
    """Data or a VAE that were found, and the command that starts from them."""

    found: Nearby
    command: str


@dataclass(frozen=True)
class Overview:
    """What a folder holds.

    Attributes:
        runs: The latest runs, the last that was written first.
        further: How many there are besides.
        starts: Data and VAEs.
        cut: Whether the folder holds more than was looked at.
    """

    runs: tuple[RunStatus, ...]
    further: int
    starts: tuple[Start, ...]
    cut: bool


def overview(folder: Positional[Path] = Path()) -> Overview:
    """Say what can be done next: go on with a run, or train on data that lie here.

    Args:
        folder: Where to look.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: give one to look in")

    from ..runs.status import runs_below, status_of

    runs = [*runs_below(folder, 1), *runs_below(folder / "runs", 2)]
    runs.sort(key=_written, reverse=True)
    starts: list[Nearby] = []
    cut = False
    if not any(run.folder == folder for run in runs):
        starts, cut = data_nearby(folder, {folder / "runs", *(run.folder for run in runs)})
    return Overview(
        tuple(map(status_of, runs[:SHOWN])),
        len(runs[SHOWN:]),
        tuple(Start(found, _command(found, starts)) for found in starts),
        cut,
    )


def _written(run: Run) -> float:
    """When a run's records were written last; without any, its configuration."""
    paths = (run.folder / "metrics.jsonl", run.folder / "config.json")
    return next((path.stat().st_mtime for path in paths if path.is_file()), 0.0)


def _command(found: Nearby, beside: Sequence[Nearby]) -> str:
    if found.kind != "VAE":
        return f"alpha-bridge train {_typed(found.path)}"
    images = (_typed(one.path) for one in beside if one.kind == "images")
    return f"alpha-bridge train {next(images, 'my/photos')} --from {quote(str(found.path))}"


def _typed(path: Path) -> str:
    """A path as it is typed where a preset may have the same name."""
    from ..recipe.availability import BUNDLED
    from ..recipe.presets import PRESETS

    text = str(path)
    apart = text in (*PRESETS, *BUNDLED) or text.startswith("-")
    return quote(f"./{text}" if apart else text)
