"""Classes from the names of folders, read where ``datasets`` leaves them out or makes them up."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import DatasetBuilder, DatasetDict

IMAGE, LABEL = "image", "label"
NAMED = 5
"""Folders that a line names, at most."""


def with_classes(
    data: "DatasetDict", builder: "DatasetBuilder"
) -> "tuple[DatasetDict, tuple[str, ...]]":
    """Splits of a folder of images, with the classes that its subfolders name, and notes.

    The folders are classes if all images lie equally deep, and the folders divide them further than
    the splits do. ``datasets`` takes ``train`` and ``test`` for classes where there are no others,
    and leaves the classes out where a table of metadata lies in the folder. Data that are no
    files of images, or whose table has labels, are left as they are.
    """
    import datasets
    from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder

    features = next(iter(data.values())).features
    kind = features.get(LABEL)
    if not isinstance(builder, ImageFolder) or not isinstance(features.get(IMAGE), datasets.Image):
        return data, ()
    left_out = _left_out(data, builder)
    if not (kind is None or isinstance(kind, datasets.ClassLabel)):
        return data, left_out
    images = {split: _images(data, split) for split in data}
    folders = {split: [image.parent.name for image in images[split]] for split in data}
    names = sorted({name for split in folders.values() for name in split})
    if not _are_classes(images, folders):
        if kind is None:
            return data, left_out
        note = f"the folders {_some(names)} are splits, not classes: they give no labels"
        return data.remove_columns(LABEL), (*left_out, note)
    codes = {name: code for code, name in enumerate(names)}
    labels = {split: [codes[name] for name in folders[split]] for split in data}
    if kind is not None and all(data[split][LABEL][:] == labels[split] for split in data):
        return data, left_out
    bare = data if kind is None else data.remove_columns(LABEL)
    classes = datasets.ClassLabel(names=names)
    labelled = {
        split: bare[split].add_column(LABEL, labels[split], feature=classes) for split in data
    }
    note = f"the classes are the names of the folders: {_some(names)}"
    return datasets.DatasetDict(labelled), (*left_out, note)


def _images(data: "DatasetDict", split: str) -> list[PurePath]:
    cells = data[split].data.column(IMAGE).to_pylist()
    return [PurePath((cell or {}).get("path") or "") for cell in cells]


def _are_classes(
    images: Mapping[str, Sequence[PurePath]], folders: Mapping[str, Sequence[str]]
) -> bool:
    depths = {len(image.parts) for split in images.values() for image in split}
    names = {name for split in folders.values() for name in split}
    within = max(len({*split}) for split in folders.values())
    return len(depths) == 1 and len(names) > 1 and within > 1


def _left_out(data: "DatasetDict", builder: "DatasetBuilder") -> tuple[str, ...]:
    """How many images have no line in the table of metadata, if there is one."""
    files = [PurePath(str(file)) for split in builder.config.data_files.values() for file in split]
    tables = {file.name for file in files if file.name in builder.METADATA_FILENAMES}
    images = [file for file in files if file.suffix.lower() in builder.EXTENSIONS]
    missing = len(images) - sum(map(len, data.values()))
    if not tables or missing <= 0:
        return ()
    return (f"{missing} images have no line in {' or '.join(sorted(tables))}: they are left out",)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
