"""Data and noise of each update: what an update is given, as a function of seed and step."""

import math

import torch
from accelerate import Accelerator
from torch import Tensor

from ..data import Source, normal, share
from ..model import AlphaBridge
from ..objective import Noise

__all__ = ["Batches"]


class Batches:
    """Data and noise of each update, for this process's share of the batch.

    An update with several ``draws`` has as many pairs of its own: those of all updates are one
    sequence, so that a single draw an update is the plain case.
    """

    def __init__(
        self,
        model: AlphaBridge,
        source: Source,
        size: int,
        seed: int,
        accelerator: Accelerator,
        draws: int = 1,
    ) -> None:
        ranks, rank = accelerator.num_processes, accelerator.process_index
        if size % ranks:
            raise ValueError(f"batch_size must be a multiple of the {ranks} processes, got {size}")
        self.model, self.source, self.size, self.draws = model, source, size, draws
        self.seeds = [seed + trial for trial in range(math.prod(model.trial_shape))]
        self.rank, self.ranks, self.device = rank, ranks, accelerator.device

    def of(self, step: int) -> list[tuple[Tensor, Noise]]:
        """Data and noise of each draw of update ``step``."""
        return [self._draw(step * self.draws + draw) for draw in range(self.draws)]

    def _draw(self, step: int) -> tuple[Tensor, Noise]:
        batches = [
            self.source.batch(seed, step, self.size, self.rank, self.ranks) for seed in self.seeds
        ]
        x = self.source.units.normalize(self._stack(batches)).to(self.model.log_sigma.dtype)
        if self.model.latent_shape is None:
            with torch.no_grad():
                self.model.posterior(x)
        return x, Noise(prior=self._normal(step, 1), posterior=self._normal(step, 2))

    def _normal(self, step: int, purpose: int) -> Tensor:
        shape = (self.size, *(self.model.latent_shape or ()))
        part = share(self.size, self.rank, self.ranks)
        draws = self._stack([normal(seed, step, purpose, shape)[part] for seed in self.seeds])
        return draws.to(self.model.log_sigma.dtype)

    def _stack(self, trials: list[Tensor]) -> Tensor:
        """Trials side by side on the device, or the only one as it is."""
        x = torch.stack(trials) if self.model.trial_shape else trials[0]
        return x.to(self.device, non_blocking=True)
