"""Where a data set comes from, and what shows that it has changed.

What a data set says of itself is another's word. Its files are read where the user pointed, in the
folder or in the repository of that id, and nowhere else.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .choice import encoded_images
from .decode import BATCH, Encoded
from .listing import count_line, plural
from .shards.encoded_images import Shards
from .shards.scanned import Scan

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


@dataclass(frozen=True, eq=False)
class Loaded:
    """A data set that an origin has loaded.

    Attributes:
        data: Its splits, without the images of shards.
        places: Folders that the images may lie in, that of the data first.
        notes: What a user should know of how the data were read, a line each.
        scans: What was found in the shards of each split; empty if the data lie in other files.
    """

    data: "DatasetDict"
    places: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    scans: Mapping[str, Sequence[Scan]] = field(default_factory=dict)

    def images(self, splits: "dict[str, Dataset]", column: str) -> Iterator[list[Encoded]]:
        """The images of some of the splits in order, a few at a time."""
        if not self.scans:
            return encoded_images(splits, column, self.places)
        shards = self.shards(splits, column)
        rows = np.arange(len(shards))
        begins = range(0, len(shards), BATCH)
        return (shards.encoded(rows[begin : begin + BATCH]) for begin in begins)

    def shards(self, splits: "Mapping[str, Dataset]", column: str) -> Shards:
        """The images of some of the splits, which lie in shards."""
        scans = [one for split in splits for one in self.scans[split]]
        return Shards.of(scans, column, self.places[0])


class Origin(ABC):
    """A folder on this machine, or a data set of the hub.

    Attributes:
        name: What a message calls it.
    """

    name: str

    @abstractmethod
    def fingerprint(self) -> str:
        """What changes when the data may have changed."""

    def changing_notes(self) -> tuple[str, ...]:
        """Lines on what may change in its place while the data stay the same."""
        return ()

    @abstractmethod
    def load(self, scratch: Path, column: str | None = None, names: bool = True) -> Loaded:
        """Its splits, and where their images are.

        Args:
            scratch: Where to write what has to be written on the way.
            column: That of the images, where there may be several.
            names: Whether the names of the images' files are of use.

        Raises:
            ValueError: There are no images, or a file cannot be read.
        """

    def line(self, rows: int, broken: int) -> str:
        """How many images there are, and why the others are left out."""
        reasons = {"broken": broken} if broken else {}
        return count_line(rows - broken, plural(rows, "row"), reasons)

    def is_streamed(self, asked: bool | None, least: int) -> bool:  # noqa: ARG002
        """Whether images are decoded when they are drawn; if nobody ``asked``, by their bytes."""
        return False

    def note_on_shards(self, streamed: bool) -> tuple[str, ...]:  # noqa: ARG002
        """A line on shards, and on how to have them read in the other way."""
        return ()
