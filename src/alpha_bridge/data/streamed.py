"""Images that stay encoded in their shards, and are decoded when an update draws them."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decode import BATCH, NAMED, Broken, Pixels, Shape, decode_all, refusal
from .rows import Rows
from .sampler import Indices
from .shards.encoded_images import Shards
from .survey import Survey

LOOKS, RUN = 64, 64
"""Places in the data, evenly spread, at which images are looked at before training, and how many in
a row at each: they lie in few groups of rows."""


@dataclass(frozen=True, eq=False)
class StreamedRows(Rows):
    """Some of the images of shards; to others they look like rows of an array of pixels.

    Attributes:
        shards: All images, encoded.
        image_shape: What they are brought to.
        skip_broken: Whether the next image stands in for one that cannot be decoded.
    """

    shards: Shards = field(kw_only=True)
    image_shape: Shape = field(kw_only=True)
    skip_broken: bool = field(kw_only=True)
    _broken: set[int] = field(default_factory=set, init=False)

    @classmethod
    def of(
        cls, shards: Shards, rows: NDArray[np.int64], shape: Shape, skip_broken: bool
    ) -> "StreamedRows":
        """The images with these numbers."""
        # all zeros are one: the array has a shape and a type, and takes no memory
        unread = np.broadcast_to(np.uint8(0), (len(shards), *shape.pixels))
        return cls(
            unread,
            rows,
            shards.groups(rows),
            shards=shards,
            image_shape=shape,
            skip_broken=skip_broken,
        )

    def __getitem__(self, part: slice | Indices) -> NDArray[Any]:
        """Decoded images.

        Raises:
            ValueError: One cannot be decoded, and none stands in for it.
        """
        places = np.arange(*part.indices(len(self))) if isinstance(part, slice) else part
        pixels = np.empty((len(places), *self.image_shape.pixels), np.uint8)
        left = np.arange(len(places))
        for shift in range(len(self)):
            broken = dict(self._decode(pixels, left, (places[left] + shift) % len(self)))
            if not broken:
                return pixels
            if not self.skip_broken:
                remedy = ", or skip them with --images.skip-broken"
                raise refusal([*broken.values()], len(places), remedy)
            left = np.array([*broken])
        raise ValueError("no image of a split can be decoded: repair them, or give another split")

    def _decode(
        self, pixels: Pixels, left: Indices, places: Indices
    ) -> Iterator[tuple[int, Broken]]:
        """Decode images into the rows ``left`` of ``pixels``, in the order in which they lie."""
        rows = self.rows[places]
        order = np.argsort(rows, kind="stable")
        pieces = (order[begin : begin + BATCH] for begin in range(0, len(order), BATCH))
        batches = (self.shards.encoded(rows[piece]) for piece in pieces)
        for place, image in zip(order, decode_all(batches, self.image_shape), strict=True):
            if isinstance(image, Broken):
                self._say(int(rows[place]), image)
                yield int(left[place]), image
            else:
                pixels[left[place]] = image

    def _say(self, row: int, image: Broken) -> None:
        """Count an image that is broken, once; the first ones by name, then at each doubling."""
        if not self.skip_broken or row in self._broken:
            return
        self._broken.add(row)
        count = len(self._broken)
        if count <= NAMED or count & (count - 1) == 0:
            warnings.warn(
                f"{image.name} cannot be decoded ({image.reason}): the next image stands in for "
                f"it; {count} left out so far",
                stacklevel=2,
            )


def look_at(shards: Shards) -> Survey:
    """Look at images of shards that are evenly spread; at all, where they are few."""
    count = len(shards)
    begins = np.linspace(0, max(count - RUN, 0), LOOKS).astype(np.int64)
    rows = np.unique((begins[:, None] + np.arange(RUN)).ravel())
    rows = rows[rows < count] if count > LOOKS * RUN else np.arange(count)
    pieces = (rows[begin : begin + BATCH] for begin in range(0, len(rows), BATCH))
    return Survey.of(image for piece in pieces for image in shards.encoded(piece))
