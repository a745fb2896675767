"""A folder of images as a data set: its splits, its classes, and the tables beside the images."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import one_line
from .attributes import FILE_COLUMNS
from .listing import Listing, plural, some

if TYPE_CHECKING:
    from datasets import DatasetDict
    from pyarrow import ChunkedArray, Table

IMAGE, LABEL = "image", "label"
SPLITS = (
    dict.fromkeys(("train", "training"), "train")
    | dict.fromkeys(("test", "testing", "eval", "evaluation"), "test")
    | dict.fromkeys(("val", "valid", "validation", "dev"), "validation")
)
"""Which split a folder of that name is."""

Names = Sequence[PurePosixPath]


def read_folder(listing: Listing) -> "tuple[DatasetDict, tuple[str, ...]]":
    """Take the images of a folder for a data set; also lines on what was decided.

    All images are one split, unless the topmost folders are plainly splits: their names say so in
    any case, one of them is for training, and no image lies beside them. The folders in which the
    images lie are their classes, if they lie equally deep in several. Columns of a table
    beside the images, by the names of their files, are columns of the data set.

    Raises:
        ValueError: There are no images, or a table cannot be read.
    """
    import datasets
    import pyarrow

    listing.require_images()
    names = [PurePosixPath(file.relative_to(listing.root).as_posix()) for file in listing.images]
    splits, depth, notes = _splits(names)
    columns, more = _columns(listing, names)
    notes += more
    features = datasets.Features.from_arrow_schema(pyarrow.table(columns).schema)
    if LABEL not in columns:
        classes, more = _classes([name.parts[depth:] for name in names])
        notes += more
        if classes:
            codes = {name: code for code, name in enumerate(classes)}
            features[LABEL] = datasets.ClassLabel(names=classes)
            columns[LABEL] = pyarrow.array([codes[name.parent.name] for name in names])
    features[IMAGE] = datasets.Image()
    cells = [{"bytes": None, "path": str(name)} for name in names]
    columns[IMAGE] = pyarrow.array(cells, datasets.Image.pa_type)
    table = pyarrow.table(columns)
    data = {
        split: datasets.Dataset(
            datasets.table.InMemoryTable(table.take(rows)),
            datasets.DatasetInfo(features=features),
            fingerprint=split,
        )
        for split, rows in splits.items()
    }
    return datasets.DatasetDict(data), tuple(notes)


def _splits(names: Names) -> tuple[dict[str, list[int]], int, list[str]]:
    """The rows of each split, below how many folders they lie, and a line if there are several."""
    above = len(PurePosixPath(os.path.commonpath([name.parent for name in names])).parts)
    folders = [name.parts[above] if len(name.parts) > above + 1 else "" for name in names]
    kinds = [SPLITS.get(folder.lower()) for folder in folders]
    if None in kinds or "train" not in kinds or len({*kinds}) == 1:
        return {"train": list(range(len(names)))}, above, []
    rows = {kind: [row for row, its in enumerate(kinds) if its == kind] for kind in SPLITS.values()}
    splits = {kind: found for kind, found in rows.items() if found}
    note = f"the folders {some(sorted({*folders}))} are splits, not classes"
    return splits, above + 1, [note]


def _classes(places: Sequence[tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """The names of the classes, in order, by the parts of where each image lies; and a line."""
    folders = sorted({place[-2] for place in places if len(place) > 1})
    if len(folders) < 2:
        return [], []
    if len({*map(len, places)}) > 1:
        note = "are no classes, for the images do not lie equally deep: they give no labels"
    elif all(folder.lower() in SPLITS for folder in folders):
        note = "are neither splits nor classes: all images are taken together, without labels"
    else:
        return folders, [f"the classes are the names of the folders: {some(folders)}"]
    return [], [f"the folders {some(folders)} {note}"]


def _columns(listing: Listing, names: Names) -> "tuple[dict[str, ChunkedArray], list[str]]":
    """What the tables beside the images say of each, empty where they say nothing; and lines."""
    import pyarrow

    lines: dict[str, int] = {}
    tables: list[Table] = []
    notes: list[str] = []
    for file in listing.tables:
        table = _read_table(file)
        key = next((name for name in FILE_COLUMNS if name in table.column_names), None)
        if key is None:
            notes.append(f"{file.name} has no column {FILE_COLUMNS[0]}: it is left out")
            continue
        place = file.parent.relative_to(listing.root).as_posix()
        for number, cell in enumerate(table[key].to_pylist(), sum(map(len, tables))):
            name = os.path.normpath(f"{place}/{cell}")
            if name in lines:
                raise ValueError(f"{file} has a second line for {cell}: keep one of them")
            lines[name] = number
        tables.append(table.drop_columns([key]))
    if not tables:
        return {}, notes
    table = joined(tables)
    found = [lines.get(str(name)) for name in names]
    notes += _unmatched(len(lines), found, " or ".join(sorted({t.name for t in listing.tables})))
    table = table.take(pyarrow.array(found, "int64"))
    return {name: table[name] for name in table.column_names if name != IMAGE}, notes


def _read_table(file: Path) -> "Table":
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    try:
        if file.suffix == ".csv":
            empty = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
            return pyarrow.csv.read_csv(file, convert_options=empty)
        if file.suffix == ".jsonl":
            return pyarrow.json.read_json(file)
        return pyarrow.parquet.read_table(file)
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(
            f"{file} cannot be read ({one_line(error)}): repair or remove it"
        ) from error


def joined(tables: "Iterable[Table]") -> "Table":
    """Tables one below the other; ``ValueError`` where their columns are of several types."""
    import pyarrow

    try:
        return pyarrow.concat_tables(tables, promote_options="permissive")
    except pyarrow.ArrowException as error:
        raise ValueError(
            f"the tables of the data do not go together ({one_line(error)}): give their columns "
            "the same types"
        ) from error


def _unmatched(lines: int, found: Sequence[int | None], tables: str) -> list[str]:
    """Lines about images that are in no table, and about lines for no image."""
    unknown, known = found.count(None), len(found) - found.count(None)
    notes = []
    if unknown:
        images = plural(unknown, "image")
        notes.append(f"no line in {tables} for {images}, of which its columns are unknown")
    if lines > known:
        absent = plural(lines - known, "line")
        notes.append(f"{absent} of {tables} for images that are not here: left out")
    return notes
