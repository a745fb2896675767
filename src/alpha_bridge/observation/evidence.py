r"""What is known of rows in part: how likely it is, and rows that agree with it.

.. math:: p_\theta(x_K \in A | z) = \prod_{v \in K} \; \sum_{k \in A_v} p_v(k|z)

over the known columns K. Of a number the sum is an integral over an interval, since a rounded
number stands for all that are rounded to it; where the interval is a point, it is the density.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..gaussian import LOG_TWO_PI
from .row import RowFamily

__all__ = ["RowEvidence"]

NARROW = 1e-3
"""Width of an interval, in units of σ, up to which the density in its middle stands for all."""


@dataclass(frozen=True)
class RowEvidence:
    """Which categories each row may have, and where each of its numbers lies.

    Attributes:
        rows: Where categories and numbers lie.
        allowed: Places of categories that may hold 1, ``(*lead, D)``, one of a known category and
            several of an unknown one; and all places of numbers.
        low: The lower end of each number, ``(*lead, N)``; −∞ of one that is unknown.
        high: The upper end likewise. Of a number that is known exactly both ends are that number.

    Example:
        >>> rows = RowFamily(categories=((0, 2),), numbers=((2, None),))
        >>> ends = torch.full((1, 1), torch.inf)
        >>> evidence = RowEvidence(rows, torch.tensor([[True, False, True]]), -ends, ends)
        >>> evidence.log_likelihood(torch.zeros(1, 4)).exp()
        tensor([0.5000], dtype=torch.float64)
    """

    rows: RowFamily
    allowed: Tensor
    low: Tensor
    high: Tensor

    def __getitem__(self, places: Any) -> "RowEvidence":  # noqa: ANN401
        """That of some rows, chosen as from a tensor of the shape ``lead``."""
        return RowEvidence(self.rows, self.allowed[places], self.low[places], self.high[places])

    def to(self, device: torch.device) -> "RowEvidence":
        """The same on a device."""
        return RowEvidence(
            self.rows, *(of.to(device) for of in (self.allowed, self.low, self.high))
        )

    @property
    def incomplete(self) -> Tensor:
        """Of which rows a category or a number is unknown, shape ``lead``."""
        unknown = self.low.isneginf() & self.high.isposinf()
        found = (self.rows.there(self.allowed.to(self.low)).bool() & unknown).any(-1)
        for start, size in self.rows.categories:
            found = found | (self.allowed[..., start : start + size].sum(-1) > 1)
        return found

    def log_likelihood(self, parameters: Tensor) -> Tensor:
        r"""How likely rows agree, :math:`\log p_\theta(x_K \in A | z)`.

        Args:
            parameters: What the generator made of latents, ``(*more, *lead, D + N)``.

        Returns:
            Nats in double precision, shape ``(*more, *lead)``; densities of numbers that are known
            exactly are in the units of the row.
        """
        nats = torch.zeros_like(parameters[..., 0], dtype=torch.float64)
        kept = self._masked(parameters)
        for start, size in self.rows.categories:
            share, whole = (
                of[..., start : start + size].logsumexp(-1) for of in (kept, parameters)
            )
            nats += share - whole
        if self.rows.numbers:
            nats += self._log_mass(*self.rows.moments_of_numbers(parameters.double())).sum(-1)
        return nats

    def draw(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Draw rows that agree; a known number lies in its interval, not by its distribution.

        Args:
            parameters: As of :meth:`log_likelihood`.
            noise: As of :meth:`~alpha_bridge.observation.RowFamily.draw`.

        Returns:
            Rows, ``(*more, *lead, D)``.
        """
        drawn = self.rows.draw(self._masked(parameters), noise)
        if not self.rows.numbers:
            return drawn.x
        low, high = self.low.to(drawn.values.dtype), self.high.to(drawn.values.dtype)
        return self.rows.with_numbers(drawn.x, drawn.values.maximum(low).minimum(high))

    def _masked(self, parameters: Tensor) -> Tensor:
        impossible = F.pad(~self.allowed, (0, len(self.rows.numbers)))
        return parameters.masked_fill(impossible, -torch.inf)

    def _log_mass(self, mean: Tensor, log_sigma: Tensor) -> Tensor:
        """Log of each number's probability to lie between its ends, or of its density there."""
        low, high = ((end - mean) * torch.exp(-log_sigma) for end in (self.low, self.high))
        flipped = low > 0  # where Φ is near 0 it has more digits than where it is near 1
        low, high = torch.where(flipped, -high, low), torch.where(flipped, -low, high)
        below, upto = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
        mass = upto + torch.log1p(-torch.exp(below - upto))
        width = self.high - self.low
        density = -((low + high) / 2).square() / 2 - LOG_TWO_PI / 2 - log_sigma
        density = density + torch.where(width > 0, width, 1.0).log()
        return torch.where(high - low < NARROW, density, mass)
