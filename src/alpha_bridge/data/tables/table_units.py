"""Between compact rows of a table and the rows that the networks see."""

from collections.abc import Mapping
from functools import cached_property

import pyarrow
import torch
from torch import Tensor

from ...observation import RowEvidence, RowFamily
from ..units import Units
from .coding import Coding
from .stored_coding import coding_of, tensors_of


class TableUnits(Units):
    """Compact rows, which have a code for a category, and model rows, with a one-hot block for it.

    Attributes:
        coding: Between the table and its compact rows.
        rows: Where categories and numbers lie in a model row.
    """

    def __init__(self, coding: Coding) -> None:
        """Raise ``ValueError`` where no column has anything to learn."""
        self.coding = coding
        blocks: list[tuple[int, int]] = []
        numbers: list[tuple[int, int | None]] = []
        end = 0
        for column in coding.columns:
            gate = end + column.slots - 1 if column.slots else None
            if column.slots:
                blocks.append((end, column.slots))
                end += column.slots
            if column.numeric:
                numbers.append((end, gate))
                end += 1
        if not end:
            raise ValueError(
                "all columns of the table identify rows or are constant: there is nothing to learn"
            )
        self.rows = RowFamily(tuple(blocks), tuple(numbers))

    @property
    def names(self) -> list[str]:
        """Columns that are learned, in order."""
        return [column.name for column in self.coding.columns if column.slots or column.numeric]

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "TableUnits":
        """Those that gave these ``tensors``."""
        return cls(coding_of(tensors))

    def normalize(self, x: Tensor) -> Tensor:
        """Of an unknown category the block is 0, as is an unknown number."""
        codes, numbers = (places.to(x.device) for places in self._places)
        starts = torch.tensor([start for start, _ in self.rows.categories], device=x.device)
        own, beyond = x[..., codes].long(), self.rows.size
        at = torch.where(own < 0, beyond, own + starts)
        model = torch.zeros(*x.shape[:-1], beyond + 1, device=x.device).scatter_(-1, at, 1.0)
        places = torch.tensor([place for place, _ in self.rows.numbers], device=x.device).long()
        model[..., places] = x[..., numbers].float().nan_to_num(0.0)
        return model[..., :beyond]

    def place(self, x: Tensor, device: torch.device) -> Tensor:
        # codes and numbers are whole in float32: not every accelerator has float64
        return self.normalize(x.float().to(device, non_blocking=True))

    def denormalize(self, x: Tensor) -> Tensor:
        """The category of a block is its largest entry; of one that is 0 it is unknown."""
        codes, numbers = (places.to(x.device) for places in self._places)
        dtype = torch.float32 if self.coding.dtype.itemsize == 4 else torch.float64
        compact = torch.zeros(*x.shape[:-1], self.coding.width, dtype=dtype, device=x.device)
        chosen = {}
        for code, (start, size) in zip(codes.tolist(), self.rows.categories, strict=True):
            largest, at = x[..., start : start + size].max(-1)
            compact[..., code] = torch.where(largest > 0, at, -1).to(dtype)
            chosen[start + size - 1] = at == size - 1
        for number, (place, gate) in zip(numbers.tolist(), self.rows.numbers, strict=True):
            value = x[..., place].to(dtype)
            compact[..., number] = value if gate is None else torch.where(chosen[gate], value, 0.0)
        return compact

    def table(self, x: Tensor, seed: int = 0) -> pyarrow.Table:
        """Model rows as a table; identifiers are made up with a seed."""
        return self.coding.table(self.denormalize(x).numpy(force=True), seed)

    def rows_of(self, table: pyarrow.Table) -> Tensor:
        """Model rows of a table, ``(N, D)``, the way back from :meth:`table`.

        Raises:
            ValueError: A column is missing or of another type, or a number is infinite; one line.
        """
        return self.normalize(torch.from_numpy(self.coding.compact(table)))

    def tensors(self) -> dict[str, Tensor]:
        return tensors_of(self.coding)

    def evidence(self, x: Tensor, gaps: bool) -> RowEvidence:
        """What compact rows ``(N, width)`` say, some columns of which are unknown.

        Args:
            x: The rows.
            gaps: Whether a gap is a value like others, which an unknown column may have too; else
                it is unknown, and so is what no training row has, and both have some value.
        """
        allowed = torch.ones(*x.shape[:-1], self.rows.size, dtype=torch.bool, device=x.device)
        blocks = iter(self.rows.categories)
        for column, (code, _) in zip(self.coding.columns, self.coding.places, strict=True):
            if code is None:
                continue
            start, size = next(blocks)
            own, places = x[..., code, None].long(), torch.arange(size, device=x.device)
            gap = -1 if gaps or column.gap is None else column.gap
            unknown = (own < 0) | (own == gap)
            allowed[..., start : start + size] = torch.where(unknown, places != gap, places == own)
        ends = torch.from_numpy(self.coding.ends(x.numpy(force=True))).to(x.device)
        return RowEvidence(self.rows, allowed, *ends)

    @cached_property
    def _places(self) -> tuple[Tensor, Tensor]:
        """Of codes and of numbers in a compact row."""
        both = zip(*self.coding.places, strict=True)
        codes, numbers = ([place for place in one if place is not None] for one in both)
        return torch.tensor(codes, dtype=torch.long), torch.tensor(numbers, dtype=torch.long)
