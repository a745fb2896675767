"""The paths that a command is given: a run to open, files to read, a file to leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tyro.conf import Positional

from ..files import save_array, writing
from ..files.table_files import ENDINGS, is_table

if TYPE_CHECKING:
    from ..recipe import Config
    from ..runs.folder import Run
    from ..runs.sample_files import Array

    Folder: TypeAlias = Path | Run
else:
    Folder = Positional[Path]  # as the command line reads it; Python may have a run at hand


def require_given(path: Path | None, kind: str = "an image, a folder or an .npy file") -> None:
    """Refuse a file that is not there."""
    if path is not None and not path.expanduser().exists():
        raise FileNotFoundError(f"{path} does not exist: give {kind}")


def require_output(path: Path | None) -> None:
    """Refuse a file that stands already, or that is neither a picture nor an array."""
    if path is None:
        return
    require_new(path)
    if path.suffix not in (".png", ".npy"):
        raise ValueError(f"the file must end with .png or .npy, got {path}")


def require_new(path: Path) -> None:
    """Refuse a file that stands already."""
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another file with --out")


def ending(shape: tuple[int, ...] | None) -> str:
    """Of a file of samples: a picture for images, an array for vectors."""
    return ".png" if len(shape or ()) == 3 else ".npy"


def table_destination(run: Run, out: Path | None, stem: str) -> Path:
    """Where rows of a table are written: ``out``, or a file of that stem in the run's folder."""
    return require_rows(out or run.inside(f"{stem}.csv"))


def require_rows(path: Path) -> Path:
    """The same file, refused if it stands already or can hold no rows."""
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"the run's samples are rows: let {path} end in {', '.join(ENDINGS)}")
    require_new(path)
    return path


def scores_destination(data: Path, run: Run, config: Config, out: Path | None, name: str) -> Path:
    """Where scores of given samples are written, a table; samples of another kind are refused."""
    rows = config.rows is not None
    require_given(data, "a table" if rows else "an image, a folder or an .npy file")
    if rows != is_table(data):
        has = "rows of a table" if rows else "no rows of a table"
        raise ValueError(f"the run's samples are {has}, got {data}: give samples like them")
    path = out or run.inside(f"{name}-of-{data.resolve().stem}.csv")
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"what is written is a table: let {path} end in {', '.join(ENDINGS)}")
    require_new(path)
    return path


def write_scores(columns: Mapping[str, Any], files: Sequence[str], path: Path) -> None:
    """Write a row for each sample that was read, under its file if there are any."""
    import pyarrow

    from ..data import tables

    named = {"file": files} if files else {}
    tables.write_table(pyarrow.table({**named, **columns}), path)


def destination(run: Run, shape: tuple[int, ...] | None, out: Path | None, stem: str) -> Path:
    """Where samples of a run are written: ``out``, or a file of that stem in the run's folder."""
    kind = ending(shape)
    path = out or run.inside(f"{stem}{kind}")
    if kind == ".npy" != path.suffix:
        raise ValueError(f"the run's samples are vectors, not images: end {path} with .npy")
    require_output(path)
    return path


def write(array: Array, path: Path, picture: Callable[[Path], object]) -> Path:
    """Write ``array`` as a picture or as an array, by the ending of ``path``."""
    require_output(path)
    if path.suffix == ".npy":
        save_array(array, path)
    else:
        picture(path)
    return path


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write ``content`` as JSON."""
    text = json.dumps(content, indent=1, allow_nan=False)
    with writing(path) as file:
        file.write(f"{text}\n".encode())
