"""What an update is given, as a function of seed and step: data, noise, the draws of networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..checks import require_crop
from ..data import Source, normal, share, stream, uniform
from ..data.rng import Purpose
from ..data.units import Units
from ..model import AlphaBridge
from ..objective import Noise

if TYPE_CHECKING:
    from accelerate import Accelerator

HostDraws = list[tuple[Tensor, ...]]

APART = 2**63
"""What is added to a seed for the samples of a second domain, so that they are not drawn as those
of the first one are."""


class Batches:
    """Data and noise of each update, for this process's share of the batch.

    An update with several ``draws`` has as many pairs of its own: those of all updates are one
    sequence, so that a single draw an update is the plain case. With ``crop``, an update has a
    random square of that many pixels of each image; what no update is given is whole.
    """

    def __init__(
        self,
        model: AlphaBridge,
        source: Source,
        size: int,
        seed: int,
        accelerator: Accelerator,
        draws: int = 1,
        prior: Source | None = None,
        crop: int | None = None,
    ) -> None:
        ranks, rank = accelerator.num_processes, accelerator.process_index
        if size % ranks:
            raise ValueError(f"batch_size must be a multiple of the {ranks} processes, got {size}")
        self.model, self.source, self.size, self.draws = model, source, size, draws
        self.seeds = [seed + trial for trial in range(math.prod(model.trial_shape))]
        self.rank, self.ranks, self.device = rank, ranks, accelerator.device
        self.prior = prior
        self.crop = None if crop is None else require_crop(crop, source.event_shape)
        self._kept: dict[tuple[bool, int], Tensor] = {}
        # of samples, latents, the encoder's noise, the regulariser's and that of rows
        self.units = (source.units, prior.units if prior else Units(), *[Units()] * 3)

    def first(self) -> Tensor:
        """Samples of the first update in model units, on the device."""
        return self._in(self.source.units, self._samples(0, crop=None))

    def unseen(self, step: int, count: int) -> tuple[Tensor, Noise]:
        """Up to ``count`` samples that training never sees, and noise for update ``step``.

        Of data none of which are held out, they are samples of training. The noise is no part of
        what any update is given; every process has the same.
        """
        x = self._held_out(self.source, count)
        z = None if self.prior is None else self._held_out(self.prior, len(x))
        shape = (len(x) if z is None else min(len(x), len(z)), *(self.model.latent_shape or ()))
        drawn = [
            self._stack(
                [normal(seed, step, Purpose.UNSEEN + purpose, shape) for seed in self.seeds]
            )
            for purpose in (Purpose.PRIOR, Purpose.POSTERIOR)
        ]
        if z is not None:
            drawn[0] = self._stack([z[: shape[0]] for _ in self.seeds])
        seen = self._stack([x[: shape[0]] for _ in self.seeds])
        return self._placed(seen, *drawn)

    @contextmanager
    def ahead(self, steps: range) -> Iterator[Iterator[list[tuple[Tensor, Noise]]]]:
        """Data and noise of each update, on the device: samples in model units, and noise.

        They are drawn by a thread of their own while an accelerator computes the update before.
        Where the processor itself computes, a second thread would only stand in its way.
        """
        with ExitStack() as stack:
            drawn: Iterator[HostDraws] = map(self._drawn, steps)
            if self.device.type != "cpu":
                thread = stack.enter_context(ThreadPoolExecutor(1, "batches"))
                drawn = _ahead(thread.submit(self._drawn, step) for step in steps)
            yield ([self._placed(*draw) for draw in draws] for draws in drawn)

    def _drawn(self, step: int) -> HostDraws:
        """Samples in storage units and noise of update ``step``, on the host."""
        draws = range(step * self.draws, (step + 1) * self.draws)
        return [
            (
                self._samples(draw, self.crop),
                self._latents(draw),
                self._noise(normal, draw, Purpose.POSTERIOR, self._latent_shape()),
                self._noise(uniform, draw, Purpose.PENALTY, ()),
                *self._columns(draw),
            )
            for draw in draws
        ]

    def _samples(self, draw: int, crop: int | None) -> Tensor:
        """Samples in storage units, or a random square of ``crop`` pixels of each."""
        part = (draw, self.size, self.rank, self.ranks)
        trials = [self.source.batch(seed, *part) for seed in self.seeds]
        if crop is not None:
            trials = [
                cropped(x, self._corners(seed, draw, crop), crop)
                for seed, x in zip(self.seeds, trials, strict=True)
            ]
        return self._stack(trials)

    def _corners(self, seed: int, draw: int, crop: int) -> NDArray[np.int64]:
        """Where squares begin, a row and a column for each sample of this process."""
        places = [pixels - crop + 1 for pixels in self.source.event_shape[1:]]
        drawn = stream(seed, draw, Purpose.CROPS).integers(places, size=(self.size, 2))
        return drawn[share(self.size, self.rank, self.ranks)]

    def _latent_shape(self) -> tuple[int, ...]:
        """Shape of a latent of what an update is given."""
        shape = self.model.latent_shape or ()
        if self.crop is None:
            return shape
        sides = zip(shape[1:], self.source.event_shape[1:], strict=True)
        return shape[0], *(side * self.crop // pixels for side, pixels in sides)

    def _held_out(self, source: Source, count: int) -> Tensor:
        """Samples that are read once: of Parquet, each may take a group of rows."""
        key = source is self.prior, count
        if key not in self._kept:
            held_out = source.held_out(count)
            self._kept[key] = held_out if len(held_out) else source.training(count)
        return self._kept[key]

    def _latents(self, draw: int) -> Tensor:
        if self.prior is None:
            return self._noise(normal, draw, Purpose.PRIOR, self._latent_shape())
        part = (draw, self.size, self.rank, self.ranks)
        return self._stack([self.prior.batch(APART + seed, *part) for seed in self.seeds])

    def _columns(self, draw: int) -> list[Tensor]:
        """What generated rows are drawn with; nothing where samples are no rows."""
        rows = self.model.rows
        return [] if rows is None else [self._noise(uniform, draw, Purpose.ROWS, (rows.draws,))]

    def _noise(
        self, kind: Callable[..., Tensor], draw: int, purpose: int, event: tuple[int, ...]
    ) -> Tensor:
        """Numbers of the shape ``event`` for each sample."""
        part = share(self.size, self.rank, self.ranks)
        shape = (self.size, *event)
        return self._stack([kind(seed, draw, purpose, shape)[part] for seed in self.seeds])

    def _stack(self, trials: list[Tensor]) -> Tensor:
        """Trials side by side, or the only one as it is, where the device can fetch it."""
        x = torch.stack(trials) if self.model.trial_shape else trials[0]
        return x.pin_memory() if self.device.type == "cuda" else x

    def _placed(self, *draws: Tensor) -> tuple[Tensor, Noise]:
        x, *noise = (self._in(units, draw) for units, draw in zip(self.units, draws, strict=False))
        return x, Noise(*noise)

    def _in(self, units: Units, samples: Tensor) -> Tensor:
        """Samples in model units, on the device."""
        return units.place(samples, self.device).to(self.model.log_sigma.dtype)


def cropped(x: Tensor, corners: NDArray[np.int64], size: int) -> Tensor:
    """Of each image ``(batch, channels, height, width)`` the square that begins at its corner.

    Example:
        >>> cropped(torch.arange(16).reshape(1, 1, 4, 4), np.array([[1, 2]]), 2).flatten()
        tensor([ 6,  7, 10, 11])
    """
    places = zip(x, corners, strict=True)
    return torch.stack([image[:, i : i + size, j : j + size] for image, (i, j) in places])


def _ahead(futures: Iterator[Future[HostDraws]]) -> Iterator[HostDraws]:
    """Results in order; the next future is taken, and so started, before a result is given out."""
    return (future.result() for future, _ in pairwise(chain(futures, [Future()])))


@contextmanager
def networks_draws(seed: int, accelerator: Accelerator) -> Iterator[Callable[[int], None]]:
    """Let torch's generators, of the host and of the device, begin each update as the seed says.

    The function that it gives is called with the number of each update before it. So no state of
    theirs has to be kept to go on from a checkpoint, on any device and in any number of processes.
    Afterwards they are where the caller left them.
    """
    device, rank = accelerator.device, accelerator.process_index
    kinds = [torch] if device.type == "cpu" else [torch, torch.get_device_module(device)]
    before = [kind.get_rng_state() for kind in kinds]

    def begin(step: int) -> None:
        number = int(stream(seed, step, Purpose.NETWORKS).integers(2**63, size=rank + 1)[rank])
        torch.default_generator.manual_seed(number)  # torch.manual_seed is slow where CUDA sleeps
        for kind in kinds[1:]:
            kind.manual_seed(number)

    try:
        yield begin
    finally:
        for kind, state in zip(kinds, before, strict=True):
            kind.set_rng_state(state)
