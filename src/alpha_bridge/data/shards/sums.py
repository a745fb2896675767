"""The sums of shards, each computed once: a file of the same size and time is not read again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...files import read_json, sha256, writing
from ..decode import Progress


def sums_of(
    files: Sequence[Path], images: Sequence[int], kept: Path, progress: Progress | None = None
) -> list[str]:
    """The SHA-256 sum of all bytes of each file.

    Args:
        files: The shards.
        images: How many images each of them has.
        kept: A file of the cache, with the sums of earlier calls beside the sizes and times that
            the shards had then; it is written anew, even if somebody stops before the last one.
        progress: Called with the number of images whose shards are summed up, and their total.
    """
    before = _read(kept)
    now: dict[str, list[Any]] = {}
    done, total = 0, sum(images)
    try:
        for file, its in zip(files, images, strict=True):
            status = file.stat()
            state = [status.st_size, status.st_mtime_ns]
            known = before.get(str(file), [])
            now[str(file)] = known if known[:2] == state else [*state, sha256(file)]
            done += its
            if progress is not None:
                progress(done, total)
    finally:
        with writing(kept) as record:
            record.write(json.dumps({**before, **now}).encode())
    return [str(now[str(file)][2]) for file in files]


def _read(kept: Path) -> Mapping[str, list[Any]]:
    """What earlier calls found; nothing of a file that is damaged, as all can be found again."""
    try:
        found: Mapping[str, list[Any]] = read_json(kept) if kept.exists() else {}
    except ValueError:
        return {}
    return found
