"""The images of shards, which stay encoded where they lie until they are asked for."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...files import read_json, save_array
from ..decode import Encoded, encoded
from ..rows import read_array
from ..sampler import HELD, Groups
from .arrow_tables import mapped
from .kinds import PARQUET, TAR
from .scanned import Scan, reading

if TYPE_CHECKING:
    from pyarrow import ChunkedArray, Table

STREAMED = "streamed samples"
"""What a fingerprint calls the images of shards that are not decoded beforehand."""
INDEX, SIZES, RECORD = "index.npy", "sizes.npy", "shards.json"


class Shards:
    """The images of several shards of one kind, read where they lie.

    Attributes:
        files: The shards.
        starts: The number of the first image of each, and after them that of all images.
        index: Where each image lies, of :data:`PLACE`: 12 bytes, which may be mapped.
        sizes: Bytes of each group of rows of all tables; 0 where nothing need be read at once.
        firsts: The number of the first group of each table, which may have no rows.
    """

    def __init__(
        self,
        files: Sequence[Path],
        starts: Sequence[int],
        index: NDArray[Any],
        sizes: NDArray[np.int64],
        firsts: Sequence[int],
        column: str,
        mode: str | None,
        root: Path,
    ) -> None:
        """Read ``column`` of tables in ``mode``; paths in it lead into ``root`` alone."""
        self.files, self.starts, self.index, self.sizes = files, starts, index, sizes
        self.firsts = firsts
        self.column, self.mode, self.root = column, mode, root
        self._read = self._member if files[0].suffix == TAR else self._cell
        self._tables: dict[int, Table] = {}
        self._held: OrderedDict[int, ChunkedArray] = OrderedDict()
        self._lock = Lock()  # updates are drawn by a thread of their own

    @classmethod
    def of(cls, scans: Sequence[Scan], column: str, root: Path) -> Shards:
        """All images that were found in ``scans``, one after the other."""
        firsts = np.cumsum([0, *(len(one.sizes) for one in scans[:-1])])
        index = np.concatenate([one.index for one in scans])
        if scans[0].path.suffix != TAR:
            index["at"] += np.repeat(firsts, [len(one.index) for one in scans])
        return cls(
            [one.path for one in scans],
            np.cumsum([0, *(len(one.index) for one in scans)]).tolist(),
            index,
            np.concatenate([one.sizes for one in scans]),
            firsts.tolist(),
            column,
            scans[0].images.get(column),
            root,
        )

    def save(self, folder: Path) -> None:
        """Write what :meth:`open` reads."""
        save_array(self.index, folder / INDEX)
        save_array(self.sizes, folder / SIZES)
        record = {
            "files": [*map(str, self.files)],
            "starts": self.starts,
            "firsts": self.firsts,
            "column": self.column,
            "mode": self.mode,
            "root": str(self.root),
        }
        (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Shards:
        """What was saved, its index mapped and not read."""
        record, index = read_json(folder / RECORD), read_array(folder / INDEX, mapped=True)
        # an older record has none, and no table whose first group is empty could be read
        known = [int(index["at"][at]) if at < len(index) else 0 for at in record["starts"][:-1]]
        firsts = record.get("firsts", known)
        return cls(
            [*map(Path, record["files"])],
            record["starts"],
            index,
            read_array(folder / SIZES),
            firsts,
            record["column"],
            record["mode"],
            Path(record["root"]),
        )

    def __len__(self) -> int:
        return len(self.index)

    def groups(self, rows: NDArray[np.int64]) -> Groups | None:
        """In which groups images are read; None where they are read one by one."""
        if not self.sizes.any():
            return None
        return Groups(self.index["at"][rows].astype(np.int32), self.sizes)

    def fingerprint(self, sums: Sequence[str], *others: NDArray[Any]) -> str:
        """Number and sum of all images, wherever they lie: of the names of the files, of ``sums``
        of their bytes, of the column, the index, and ``others``."""
        digest = hashlib.sha256(f"{self.column}\n".encode())
        for file, its in zip(self.files, sums, strict=True):
            digest.update(f"{file.name} {its}\n".encode())
        for array in (self.index, self.sizes, *others):
            digest.update(np.ascontiguousarray(array).data)
        return f"{len(self)} {STREAMED}, sha256 {digest.hexdigest()[:16]}"

    def encoded(self, rows: NDArray[np.int64]) -> list[Encoded]:
        """The images with these numbers, which are best in order."""
        with self._lock:
            return [self._encoded(row) for row in rows.tolist()]

    def _encoded(self, row: int) -> Encoded:
        number = bisect_right(self.starts, row) - 1
        file, (at, part) = self.files[number], self.index[row].item()
        name = f"image {row - self.starts[number]} of {file.name}"
        with reading(file):
            return encoded(self._read(number, at, part), name, (self.root,), self.mode)

    def _member(self, number: int, at: int, size: int) -> bytes:
        """A piece of a tar file."""
        with self.files[number].open("rb") as file:
            file.seek(at)
            return file.read(size)

    def _cell(self, number: int, group: int, row: int) -> Any:  # noqa: ANN401
        """A cell of a table, whose group of rows is held until others need its room."""
        if group not in self._held:
            while sum(self.sizes[one] for one in self._held) > HELD:
                self._held.popitem(last=False)
            self._held[group] = self._column(number, group)
        self._held.move_to_end(group)
        return self._held[group][row].as_py()

    def _column(self, number: int, group: int) -> ChunkedArray:
        import pyarrow.parquet

        file, first = self.files[number], self.firsts[number]
        if file.suffix == PARQUET:
            with pyarrow.parquet.ParquetFile(file) as table:
                return table.read_row_group(group - first, [self.column])[self.column]
        if number not in self._tables:
            self._tables[number] = mapped(file)
        return self._tables[number][self.column].chunk(group - first)
