"""The folder that the studio works in: its runs, its data, and what is uploaded into it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import strftime

from ..errors import printable
from ..files import within
from ..files.nearby import IMAGES, data_nearby
from ..files.run_folder import is_run
from ..files.table_files import ENDINGS
from ..recipe.availability import BUNDLED
from ..recipe.presets import PRESETS
from ..runs.folder import Run
from ..runs.status import runs_below

LEVELS = 3
"""How far below the folder a run may lie."""
UPLOADS = "uploads"
"""Where in the folder uploaded files are kept."""
MOST_FILES, MOST_BYTES = 5000, 512 << 20
"""Of one upload."""


@dataclass(frozen=True)
class Workspace:
    """A folder, outside of which nothing that the page names is read or written.

    Example:
        >>> import tempfile
        >>> Workspace(Path(tempfile.mkdtemp())).run("../elsewhere")
        Traceback (most recent call last):
        ...
        ValueError: '../elsewhere' lies outside the folder of the studio: choose a run within it
    """

    folder: Path

    @property
    def is_run(self) -> bool:
        """Whether it is the folder of a single run."""
        return is_run(self.folder)

    def run_names(self) -> list[str]:
        """Its runs, and their stacked trials, by their paths in the folder."""
        found = []
        for run in runs_below(self.folder, LEVELS):
            trials = sorted(run.folder.glob("trial-*"), key=lambda path: (len(path.name), path))
            found += [run.folder, *filter(is_run, trials)]
        return [str(path.relative_to(self.folder)) for path in found]

    def run(self, name: str | None) -> Run:
        """The run of that name; ``ValueError`` where it lies outside, ``OSError`` without one."""
        if not name:
            there = (
                "no run is chosen: choose one"
                if self.run_names()
                else "there is no run yet: train one"
            )
            raise ValueError(there)
        return Run.open(self._inside(name, "a run"))

    def is_there(self, name: str) -> bool:
        """Whether there is such a run."""
        return is_run(self._inside(name, "a run"))

    def place(self, name: str) -> Path:
        """Where a new run of that name belongs."""
        if self.is_run:
            raise ValueError(
                f"the studio was started on the run {self.folder.name}: start it on the folder of "
                "your runs to train another"
            )
        if not name or Path(name).name != name or name.startswith((".", "-")):
            raise ValueError(f"{name!r} cannot be the name of a run: give letters and digits")
        return self._inside(name, "a name")

    def data_names(self) -> list[str]:
        """Data that were found by name, and those that need no file."""
        found: list[str] = []
        for folder in (self.folder, self.folder / UPLOADS):
            if folder.is_dir() and not is_run(folder):
                runs = {run.folder for run in runs_below(folder, 1)}
                nearby = data_nearby(folder, {*runs, self.folder / UPLOADS})[0]
                found += [self._named(one.path) for one in nearby if one.kind != "VAE"]
        return [*found, *dict.fromkeys((*BUNDLED, *(p for p in PRESETS if p in BUNDLED)))]

    def data(self, name: str | None) -> str:
        """What training is given for data of that name: a path in the folder, or data without one.

        Raises:
            ValueError: They lie outside the folder, or something in them leads there.
            FileNotFoundError: There are none.
        """
        if not name:
            raise ValueError("no data are chosen: drop files, or choose some")
        if name in BUNDLED:
            return name
        path = self._inside(name, "data")
        if not path.exists():
            raise FileNotFoundError(f"there are no data {printable(name)!r} in the folder")
        if path.is_dir():
            for inside in path.rglob("*"):
                if inside.is_symlink():
                    within(self.folder, inside)
        return str(path)

    def keep(self, files: Sequence[str | Path]) -> str:
        """Keep uploaded files, and return the name of the data that they are.

        Raises:
            ValueError: There are none, too many, too large ones, or of different kinds.
        """
        paths = [Path(file) for file in files]
        kinds = {_kind(path) for path in paths}
        if not paths or len(kinds) > 1 or (kinds != {"images"} and len(paths) > 1):
            raise ValueError(
                f"{len(paths)} files were dropped: give images, or one table, or one .npy file"
            )
        size = sum(path.stat().st_size for path in paths)
        if len(paths) > MOST_FILES or size > MOST_BYTES:
            raise ValueError(
                f"{len(paths):,} files of {size >> 20:,} MiB are too many for an upload, at most "
                f"{MOST_FILES:,} of {MOST_BYTES >> 20} MiB: put them into the folder {self.folder}"
            )
        (kind,) = kinds
        place = self._new_upload(kind, "" if kind == "images" else paths[0].suffix.lower())
        for number, path in enumerate(paths):
            # names of strangers are not kept but for what is plain in them
            name = "".join(c for c in path.name if c.isalnum() or c in " ._-").lstrip(". ")
            shutil.copyfile(path, place / f"{number:04}-{name}" if kind == "images" else place)
        return self._named(place)

    def _new_upload(self, kind: str, ending: str) -> Path:
        """An empty folder, or a file of that ending: a number tells those of one second apart."""
        stem, number = f"{UPLOADS}/{kind}-{strftime('%Y%m%d-%H%M%S')}", 1
        while True:
            place = self._inside(f"{stem}{f'-{number}' if number > 1 else ''}{ending}", "data")
            place.parent.mkdir(exist_ok=True)
            try:
                if ending:
                    place.touch(exist_ok=False)
                else:
                    place.mkdir()
                return place
            except FileExistsError:
                number += 1

    def _inside(self, name: str, what: str) -> Path:
        try:
            return within(self.folder, self.folder / name)
        except ValueError as error:
            raise ValueError(
                f"{printable(name)!r} lies outside the folder of the studio: choose {what} within "
                "it"
            ) from error

    def _named(self, path: Path) -> str:
        return str(path.relative_to(self.folder))


def _kind(path: Path) -> str:
    ending = path.suffix.lower()
    if ending in IMAGES:
        return "images"
    if ending in ENDINGS:
        return "table"
    if ending == ".npy":
        return "array"
    raise ValueError(
        f"{printable(path.name)} is no image, table or .npy file: drop files with one of the "
        f"endings {', '.join((*IMAGES, *ENDINGS, '.npy'))}"
    )
