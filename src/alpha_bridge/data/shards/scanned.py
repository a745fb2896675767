"""What one look through a shard finds: where its images lie, and what it says of each."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import one_line
from ..folders import joined

if TYPE_CHECKING:
    from datasets import DatasetDict
    from pyarrow import Array, ChunkedArray, Table

PLACE = np.dtype([("at", "<i8"), ("part", "<u4")])
"""Where an image lies: in a tar file, from which byte on and how many; in a table, in which of the
groups of rows of all tables, and in which row of it."""
MOST_TEXTS = 1000
"""Values of a column of texts in the shards of a split: one of more describes single images."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What is found in one look through a shard, which decodes nothing.

    Attributes:
        path: The shard.
        index: Where each image lies, the groups counted in this shard.
        sizes: Bytes of each group of rows; 0 where it is mapped, and nothing need be read at once.
        cells: What the shard says of each image; its images are empty, but for the names of the
            files that they once were, where these are asked for.
        images: The columns of images, with the mode that they state.
        bare: Samples without an image.
        mixed: Columns that are left out, for their values are of several types, or of one that no
            column holds.
        columns: All columns of a table.
        folders: In which images of a tar file lie, a few of them.
    """

    path: Path
    index: NDArray[Any]
    sizes: NDArray[np.int64]
    cells: Table
    images: Mapping[str, str | None]
    bare: int = 0
    mixed: Sequence[str] = ()
    columns: Sequence[str] = ()
    folders: Sequence[str] = ()


def data_set(splits: Mapping[str, Sequence[Scan]]) -> DatasetDict:
    """What shards say of their images, split by split, in the columns that all of a split have.

    Raises:
        ValueError: A column has several types, or shards name their images in several ways.
    """
    import datasets

    found = {}
    for split, scans in splits.items():
        # a shard without rows says nothing of its columns
        scans = [one for one in scans if len(one.index)] or scans
        names = [
            name
            for name in scans[0].cells.column_names
            if all(name in one.cells.column_names for one in scans)
        ]
        _require_common_images(scans)
        table = joined(one.cells.select(names) for one in scans)
        features = datasets.Features.from_arrow_schema(table.schema)
        for name in {*names} & {*scans[0].images}:
            features[name] = datasets.Image(mode=scans[0].images[name])
        found[split] = datasets.Dataset(
            datasets.table.InMemoryTable(table.replace_schema_metadata()),
            datasets.DatasetInfo(features=features),
            fingerprint=split,
        )
    return datasets.DatasetDict(found)


def _require_common_images(scans: Sequence[Scan]) -> None:
    """Raise ``ValueError`` for a shard without any column of images that another has."""
    named = next((one for one in scans if one.images), scans[0])
    for one in scans:
        if named.images and not {*named.images} & {*one.images}:
            raise ValueError(
                f"shard {named.path} has the images in column {', '.join(named.images)}, and "
                f"{one.path.name} in {', '.join(one.images) or 'none'}: call it alike in all shards"
            )


def no_images(count: int, files: Array | None) -> Array:
    """So many cells of images without bytes."""
    import pyarrow

    bytes_ = pyarrow.nulls(count, "binary")
    files = pyarrow.nulls(count, "string") if files is None else files.cast("string")
    return pyarrow.StructArray.from_arrays([bytes_, files], ["bytes", "path"])


def of_few_texts(scans: Iterable[Scan]) -> tuple[list[Scan], list[str]]:
    """The shards of a split without columns whose texts are different for most images, as captions
    are, and the names of these columns.

    Such a column is let go as soon as the shards that were looked through have too many texts.
    """
    found: list[Scan] = []
    texts: dict[str, set[str]] = {}
    many: list[str] = []
    for one in scans:
        kept = _without(one, many)
        more = [
            name for name in _text_columns(kept.cells) if _are_many(kept.cells[name], texts, name)
        ]
        many += more
        found.append(kept)
        if more:
            found = [_without(earlier, more) for earlier in found]
    return found, many


def _without(one: Scan, names: Iterable[str]) -> Scan:
    drop = [name for name in names if name in one.cells.column_names]
    return replace(one, cells=one.cells.drop_columns(drop)) if drop else one


def _text_columns(cells: Table) -> list[str]:
    return [field.name for field in cells.schema if is_text(field.type)]


def _are_many(cells: ChunkedArray, texts: dict[str, set[str]], name: str) -> bool:
    """Whether a column has too many texts, with those of earlier shards, which are added to."""
    from pyarrow import compute

    own, known = compute.unique(cells).drop_null(), texts.setdefault(name, set())
    if len(own) <= MOST_TEXTS:
        known.update(own.to_pylist())
    return max(len(own), len(known)) > MOST_TEXTS


def is_text(kind: Any) -> bool:  # noqa: ANN401
    """Whether cells of a type are texts."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in a line which shard cannot be read."""
    import pyarrow

    try:
        yield
    except (OSError, tarfile.TarError, pyarrow.ArrowException) as error:
        raise ValueError(
            f"shard {path} cannot be read ({one_line(error)}): replace or remove it"
        ) from error
