"""Kinds of files that are data, and what to do with those of other kinds."""

from pathlib import Path

ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"}
"""Endings of files that have to be unpacked first."""
REMEDIES = {
    ".npz": "save one of its arrays, numpy.save('x.npy', numpy.load(FILE)[NAME]), and give that",
    ".tar": "give the folder of shards in which it lies, or unpack it and give that folder",
    ".pt": "save the tensor, numpy.save('x.npy', torch.load(FILE).numpy()), and give it",
    ".xls": "save the sheet as a CSV file, and give that",
    ".xlsx": "save the sheet as a CSV file, and give that",
    ".json": "give a table as a CSV or Parquet file",
    ".jsonl": "give a table as a CSV or Parquet file",
}
"""What to do with files of other kinds, by their endings."""


def folder_or_array(path: Path, option: str = "--data") -> Path:
    """Return the folder or array of data, given with ``option``, if it is one."""
    if path.is_dir() or path.suffix == ".npy":
        return path
    ending = path.suffix.lower()
    remedy = "give a folder of images, or a table such as a CSV file"
    remedy = "unpack it, and give the folder" if ending in ARCHIVES else remedy
    remedy = REMEDIES.get(ending, remedy)
    raise ValueError(f"'{path}' is no folder and no .npy file: {remedy} with {option} PATH")
