"""What all images of a data set have in common: found in one look at each before decoding."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from ..checks import halvings
from .decode import Broken, Encoded, Look, Shape

SIZES = (8, 16, 28, 32, 64)
"""Pixels of a side that images become where their own differ, or are of no use to networks."""
WHITES = (255, 1023, 4095, 16383, 65535)
"""Ends of the ranges that whole numbers of more than 8 bits are taken to lie in."""


@dataclass(frozen=True)
class Survey:
    """How many images there are of each look, and the largest of their deep pixels."""

    looks: Counter[Look]
    largest: int

    @classmethod
    def of(cls, images: Iterable[Encoded]) -> "Survey":
        """Look at all images; those that are broken are passed over.

        Raises:
            ValueError: An image has pixels that are not read: floats, or beyond 16 bits.
        """
        looks: Counter[Look] = Counter()
        largest = 0
        for image in images:
            with suppress(Broken):
                look = image.look()
                if look.deep:
                    largest = max(largest, image.brightest())
                looks[look] += 1
        return cls(looks, largest)

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Survey":
        """What :meth:`record` gave."""
        looks = {Look(tuple(size), *kinds): count for (size, *kinds), count in record["looks"]}
        return cls(Counter(looks), record["largest"])

    def record(self) -> dict[str, Any]:
        """The survey as JSON has it."""
        return {"looks": [*self.looks.items()], "largest": self.largest}

    @property
    def white(self) -> int | None:
        """What is white in deep images: the end of the range that holds them all; None without."""
        if not self._count("deep"):
            return None
        return next(white for white in WHITES if white >= self.largest)

    def shape(self, size: int | None, channels: int | None) -> Shape:
        """What the images are brought to; what is None is decided from all of them.

        The size is their own if all are equal squares that networks take; else the largest of
        :data:`SIZES` that the smaller side of the median image has. The channels are 3 if any image
        is in colour.
        """
        grey = self._count("grey") == self.looks.total()
        return Shape(size or self._size(), channels or (1 if grey else 3), self.white)

    def notes(self, shape: Shape) -> list[str]:
        """Lines on what became of colours and depth."""
        total, grey, deep = self.looks.total(), self._count("grey"), self._count("deep")
        notes = []
        if grey < total and (grey or shape.channels == 1):
            other, read = ("in colour", "grey") if shape.channels == 1 else ("grey", "colour")
            images = "some images are" if grey else "the images are"
            notes.append(f"{images} {other}: all are read in {read}")
        if deep:
            notes.append(
                f"images of more than 8 bits: {deep} of {total}, the largest value {self.largest}: "
                f"{self.white} is white"
            )
        if cut := self._count("cut"):
            notes.append(
                f"images of 16 bits a colour: {cut} of {total}, whose upper 8 bits are read: if "
                "they come out dark, save them in 8 bits"
            )
        return notes

    def _count(self, kind: str) -> int:
        return sum(count for look, count in self.looks.items() if getattr(look, kind))

    def _size(self) -> int:
        sizes = Counter(look.size for look in self.looks.elements())
        typical = median_low([*map(min, sizes.elements())] or SIZES)
        if {*sizes} == {(typical, typical)} and halvings(typical):
            return typical
        return max(size for size in SIZES if size <= max(typical, SIZES[0]))
