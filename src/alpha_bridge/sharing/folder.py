"""Folders and files that appear complete or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["appearing", "require_free"]


def require_free(folder: Path) -> Path:
    """Return ``folder`` if it is new or empty.

    Raises:
        FileExistsError: It holds something already, or is a file.
    """
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not empty: choose another folder")
    return folder


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Fill a folder under another name, which it loses when the context ends well.

    Args:
        folder: New or empty; parents are made.

    Yields:
        Where to write for the time being.

    Raises:
        FileExistsError: The folder holds something already, or is a file.
        PermissionError: It cannot be written.
    """
    folder = require_free(folder)
    partial = folder.absolute().with_name(f".{folder.absolute().name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except PermissionError as error:
        raise PermissionError(
            f"cannot write to {folder} ({error.strerror or error}): choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
