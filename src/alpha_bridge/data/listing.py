"""What lies in a folder: which files are images, and why each of the others is left out."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

from PIL import Image

from ..errors import printable
from ..files.kinds_of_files import ARCHIVES
from ..files.run_folder import is_no_data

TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables about the images beside which they lie."""
UNREAD = {".arw", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".nef", ".svg"}
"""Pictures that Pillow has no reader for."""
STUBS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
"""Formats that Pillow knows by name, and leaves to other programs."""
WITHOUT_PIXELS, UNREADABLE = "without pixels", "that Pillow cannot read"
PACKED, HIDDEN = "to be unpacked", "hidden"
"""Why a file is left out."""
NAMED = 5
"""Folders, files, endings, classes or columns that a line names, at most."""


@dataclass(frozen=True)
class Listing:
    """The files below a folder.

    Attributes:
        root: The folder.
        files: All of them but those of runs, in the order of their paths as text; links to folders
            are not followed.
        images: Those that are images, by their ending; without one, by their content.
        tables: Those with one of the names in ``TABLES``.
        left_out: The others, by the reason.
        links: Folders that are links, which are not followed.
        runs: Folders of runs, comparisons and exported models, which are not looked into: they
            change while one trains on the others.
    """

    root: Path
    files: Sequence[Path]
    images: Sequence[Path]
    tables: Sequence[Path]
    left_out: Mapping[str, Sequence[Path]]
    links: Sequence[Path]
    runs: Sequence[Path] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """A line on the folders that are not looked into, if there are any."""
        if not self.runs:
            return ()
        names = some([printable(run.relative_to(self.root).as_posix()) for run in self.runs])
        return (f"the files of runs and exported models in '{self.root}' are left out: {names}",)

    @property
    def reasons(self) -> dict[str, int]:
        """Why files are left out, with their endings where that helps, and how many."""
        return {
            reason if reason == HIDDEN else f"{reason} ({_endings(files)})": len(files)
            for reason, files in self.left_out.items()
            if files
        }

    def line(self, broken: int = 0) -> str:
        """How many images there are among how many files, and why the rest is left out."""
        tables = " and ".join(sorted({table.name for table in self.tables}))
        total = plural(len(self.files), "file") + (f" ({tables} beside them)" if tables else "")
        reasons = self.reasons | ({"broken": broken} if broken else {})
        return count_line(len(self.images) - broken, total, reasons)

    def require_images(self) -> None:
        """Raise ``ValueError`` if there are none, with what lies there instead."""
        if self.images:
            return
        if not self.files:
            what = "has nothing but runs and exported models" if self.runs else "is empty"
            raise ValueError(f"'{self.root}' {what}: give a folder of images")
        remedy = "give a folder of PNG or JPEG files"
        if self.left_out[PACKED]:
            remedy = f"unpack {self.left_out[PACKED][0].name} first"
        elif self.left_out[UNREADABLE]:
            remedy = "convert them to PNG or JPEG"
        elif arrays := [file for file in self.files if file.suffix == ".npy"]:
            remedy = f"give the array itself, {arrays[0]}"
        found = [f"{count} {reason}" for reason, count in self.reasons.items()]
        found += [table.name for table in self.tables]
        files = plural(len(self.files), "file")
        raise ValueError(
            f"'{self.root}' has no images among its {files} ({', '.join(found)}): {remedy}"
        )


def list_folder(root: Path, tables: bool = False) -> Listing:
    """List the files below a folder; ``tables``: those of metadata are of use.

    Raises:
        OSError: A folder in it cannot be read.
    """
    found: list[Path] = []
    links: list[Path] = []
    runs: list[Path] = []
    for folder, folders, names in os.walk(root, onerror=_refuse):
        if (place := Path(folder)) != root and is_no_data(place):
            runs.append(place)
            folders.clear()
            continue
        found += filter(_is_file, (place / name for name in names))
        links += filter(Path.is_symlink, (place / name for name in folders))
    kinds: dict[str, list[Path]] = {
        kind: [] for kind in ("image", "table", WITHOUT_PIXELS, UNREADABLE, PACKED, HIDDEN)
    }
    files = sorted(found, key=str)
    for file in files:
        kinds[_kind(file, file.relative_to(root), tables)].append(file)
    images, of_images = kinds.pop("image"), kinds.pop("table")
    return Listing(root, files, images, of_images, kinds, sorted(links), sorted(runs))


def count_line(images: int, total: str, left_out: Mapping[str, int]) -> str:
    """How many images there are among how many files or rows, and why the rest is left out.

    Example:
        >>> count_line(7, "10 files", {"without pixels (.txt)": 2, "hidden": 1})
        '7 images of 10 files; 3 left out: 2 without pixels (.txt), 1 hidden'
    """
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    more = f"; {sum(left_out.values())} left out: {reasons}" if reasons else ""
    return f"{plural(images, 'image')} of {total}{more}"


def plural(count: int, noun: str) -> str:
    """So many of a noun, which takes an s.

    Example:
        >>> plural(1, "file"), plural(0, "file")
        ('1 file', '0 files')
    """
    return f"{count} {noun}" + ("" if count == 1 else "s")


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _refuse(error: OSError) -> None:
    raise error


def _is_file(path: Path) -> bool:
    """Whether this is a file, or a link that leads nowhere: then it is one that is broken."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def _kind(file: Path, name: PurePath, tables: bool) -> str:
    ending = file.suffix.lower()
    if any(part.startswith(".") or part == "__MACOSX" for part in name.parts):
        return HIDDEN
    if tables and file.name in TABLES:
        return "table"
    if ending in ARCHIVES:
        return PACKED
    if ending in UNREAD:
        return UNREADABLE
    return "image" if _is_image(file, ending) else WITHOUT_PIXELS


def _is_image(file: Path, ending: str) -> bool:
    if re.match(r"\.[a-z]", ending):
        return ending in image_endings()
    try:
        with Image.open(file):
            return True
    except Exception:  # whatever a reader makes of a file that is none of its own
        return False


@cache
def image_endings() -> frozenset[str]:
    """Of files that Pillow reads, each with its dot."""
    endings = Image.registered_extensions().items()
    return frozenset(
        ending for ending, format in endings if format in Image.OPEN and format not in STUBS
    )


def _endings(files: Sequence[Path]) -> str:
    """Their endings, the commonest first."""
    return some([ending for ending, _ in Counter(map(_ending, files)).most_common()])


def _ending(file: Path) -> str:
    return file.suffix.lower() or "no ending"
