"""The monotone map of a column of numbers to N(0, 1), by its quantiles, and back."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

LANDMARKS = 1000
"""Quantiles that are kept, at most."""
OFTEN = 10
"""Rows of each value, in the mean, from which a column of few values has no others in between."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Values of a column in order, with the share of the numbers below each.

    Quantiles rather than a power: the prior's N(0, 1) then gives back the marginal as it is,
    several modes, ends and repeated values included. A value that many rows hold is a range of
    shares, of which each row has one, so that the networks see no steps; the way back has them all.
    Inside the ends this is scikit-learn's ``QuantileTransformer``, which however sends the least
    and the largest value to ±5.2, however many rows have it: here it depends on how many there are.

    A value between two that many rows hold is taken for one of them.

    Attributes:
        values: In ascending order, shape ``(K,)``; some twice.
        shares: From 0 to 1, in ascending order, shape ``(K,)``.
        count: Numbers that they were taken from.

    Example:
        >>> map = Quantiles.fitted(np.array([1.0, 2.0, 2.0, 5.0]))
        >>> map.inverse(map.forward(np.array([1.0, 2.0, 5.0]))).round(9).tolist()
        [1.0, 2.0, 5.0]
    """

    values: Numbers
    shares: Numbers
    count: int

    @classmethod
    def fitted(cls, x: Numbers) -> "Quantiles":
        """From the numbers of the training rows, shape ``(N,)``."""
        values, counts = np.unique(x, return_counts=True)
        if len(values) <= LANDMARKS and len(x) >= OFTEN * len(values):
            ends = np.concatenate([[0.0], np.cumsum(counts) / len(x)])
            return cls(values.repeat(2), ends.repeat(2)[1:-1], len(x))
        shares = np.linspace(0, 1, min(len(x), LANDMARKS))
        return cls(np.maximum.accumulate(np.quantile(x, shares)), shares, len(x))

    def widened(self, low: float, high: float) -> "Quantiles":
        """The same, whose ends hold rows that it was not fitted on."""
        values = self.values.copy()
        values[0], values[-1] = min(values[0], low), max(values[-1], high)
        return Quantiles(values, self.shares, self.count)

    def forward(self, x: Numbers, within: Numbers | float = 0.5) -> Numbers:
        """From values to N(0, 1); beyond the ends, farther out by the logarithm of the distance.

        So that a number no training row comes near to is an outlier, and the networks can take it.

        Args:
            x: Values, shape ``(N,)``.
            within: Where in the range of a repeated value, in (0, 1): one for all, or one each.
        """
        given, x = x, x.clip(self.values[0], self.values[-1])
        within = np.where(given > x, 1.0, np.where(given < x, 0.0, within))
        left = np.searchsorted(self.values, x, "left")
        right = np.searchsorted(self.values, x, "right") - 1
        low, high = self.shares[left], self.shares[right.clip(0)]
        share = low + within * (high - low)
        if (between := right < left).any():
            at, above = x[between], left[between]
            below = above - 1
            part = (at - self.values[below]) / (self.values[above] - self.values[below])
            share[between] = self.shares[below] + part * (self.shares[above] - self.shares[below])
        outside = 0.5 / self.count
        normal = torch.special.ndtri(torch.from_numpy(outside + (1 - 2 * outside) * share))
        z: Numbers = normal.numpy()
        farther = given - x
        if farther.any():
            unit = (self.values[-1] - self.values[0]) / np.ptp(self._ends) or 1.0
            z = z + np.sign(farther) * np.log1p(np.abs(farther) / unit)
        return z

    @property
    def _ends(self) -> Numbers:
        """What the least and the largest value are sent to."""
        shares = torch.tensor([0.5, self.count - 0.5], dtype=torch.float64) / self.count
        ends: Numbers = torch.special.ndtri(shares).numpy()
        return ends

    def ends(self, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
        """Between what ends of N(0, 1) lie the values from ``low`` to ``high``, each ``(N,)``.

        What lies beyond the ends is taken for them, so that these reach to infinity.
        """
        z_low = np.where(low <= self.values[0], -np.inf, self.forward(low, 0.0))
        return z_low, np.where(high >= self.values[-1], np.inf, self.forward(high, 1.0))

    def inverse(self, z: Numbers) -> Numbers:
        """From N(0, 1) to values, shape ``(N,)``."""
        outside = 0.5 / self.count
        share = torch.special.ndtr(torch.from_numpy(z.astype(np.float64))).numpy()
        share = ((share - outside) / (1 - 2 * outside)).clip(0, 1)
        x: Numbers = np.interp(share, self.shares, self.values)
        return x
