"""How far the model follows α: what an adaptive path decides by."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from ..control import AdaptivePath, Reading
from ..data import Source, normal
from ..gamma import Gamma
from ..gaussian import reparameterize
from ..model import AlphaBridge
from ..objective import DataBridge, Objective
from ..path import AlphaSchedule
from .batches import FOLLOWED
from .events import Callback, Event
from .processes import noticing_loss
from .state import TrainState

__all__ = ["Arrival", "following"]

SAMPLES = 128
"""Of the held-out data, and as many fresh ones of the model, in a reading."""
HELD_OUT = 2048
"""Samples that readings take turns of."""
TWENTY = math.log(20)


def following(
    path: AlphaSchedule,
    state: TrainState,
    gamma: Gamma,
    objective: Objective,
    source: Source,
    seed: int,
    accelerator: Accelerator,
) -> Callable[[Tensor], dict[str, Tensor]]:
    """What is called with the batch of each update after it, and gives numbers to log.

    For an adaptive path it measures how far the model follows, and lets the path decide.

    Raises:
        ValueError: The path is adaptive, and the objective is not that of the data, by whose ratio
            it is decided.
    """
    if not isinstance(path, AdaptivePath):
        return lambda _: {}
    return _Follower(path, state, gamma, objective, source, seed, accelerator)


class Arrival(Callback):
    """Tells at the end why an adaptive path did not reach its end."""

    def __init__(self, path: AlphaSchedule, tell: Callable[[str], object]) -> None:
        """Give a line to ``tell`` if there is something to say of ``path``."""
        self.path, self.tell = path, tell

    def after(self, event: Event) -> None:
        if event.last and isinstance(self.path, AdaptivePath) and (line := self.path.verdict):
            self.tell(line)


class _Follower:
    """Readings draw their noise from the seed and the number of updates alone, and change nothing
    but the path, whose state is kept in the memory of the training state."""

    def __init__(
        self,
        path: AdaptivePath,
        state: TrainState,
        gamma: Gamma,
        objective: Objective,
        source: Source,
        seed: int,
        accelerator: Accelerator,
    ) -> None:
        if not isinstance(objective, DataBridge):
            raise ValueError(
                "an adaptive path is decided by the ratio of data and model, got "
                f"{type(objective).__name__}: use DataBridge, or a path of fixed steps"
            )
        path.recall(state.memory)
        self.path, self.state = path, state
        self.gamma, self.adversarial = gamma, objective.adversarial
        self.seed, self.accelerator = seed, accelerator
        self.held_out = source.units.normalize(source.held_out(HELD_OUT))
        self.numbers: dict[str, Tensor] = {}

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        path, state = self.path, self.state
        if path.due(state.step):
            reading = self._agreed(self._reading(state.model, self._batch(x), state.step))
            path.observe(state.step, Reading(*reading.tolist()))
            state.memory.update(path.memory())
            numbers = {**vars(path.average), "direction": path.direction}
            shape = state.model.trial_shape
            self.numbers = {f"control/{k}": torch.full(shape, float(v)) for k, v in numbers.items()}
        return self.numbers

    def _batch(self, x: Tensor) -> Tensor:
        """The next of the held-out data, in turns; without any, the batch ``x`` of the update."""
        count = len(self.held_out)
        if not count:
            return x
        first = self.state.step // self.path.limits.every * SAMPLES
        chosen = self.held_out[torch.arange(first, first + min(SAMPLES, count)) % count]
        return chosen.to(x).expand(*self.state.model.trial_shape, *chosen.shape)

    @torch.no_grad()
    def _reading(self, model: AlphaBridge, x: Tensor, step: int) -> Tensor:
        """The numbers of a :class:`Reading`, means over the trials."""
        training = model.training
        model.eval()
        mean, log_variance = model.posterior(x)
        prior, noise = (normal(self.seed, step, of, mean.shape).to(mean) for of in FOLLOWED)
        error = x - model.decode(reparameterize(mean, log_variance, noise))
        f_data, f_model = model.log_ratio(x), model.log_ratio(model.decode(prior))
        model.train(training)
        logits = torch.stack([f_data, -f_model])  # of the right answer
        p = logits.sigmoid()
        entropy = p * F.softplus(-logits) + (1 - p) * F.softplus(logits)
        numbers = (
            self._ess(f_data, f_model),
            (logits > 0).float().mean(),
            (F.softplus(-logits) - entropy).sum(0).mean(),
            (f_data > TWENTY).float().mean(),
            error.square().mean().sqrt(),
        )
        return torch.stack([number.double() for number in numbers])

    def _ess(self, f_data: Tensor, f_model: Tensor) -> Tensor:
        """Of the weights at the next α, as both halves of the gradient take part in it."""
        alpha = self.path.next_alpha
        gamma = self.gamma(alpha)
        sizes = self.adversarial.diagnostics(f_data, f_model, alpha)
        shares = {"ess/forward": 1 - gamma, "ess/reverse": gamma}
        return sum((shares[name] * sizes[name].mean() for name in sizes), torch.zeros(()))

    def _agreed(self, numbers: Tensor) -> Tensor:
        """The same in every process."""
        if self.accelerator.num_processes == 1:
            return numbers
        with noticing_loss(self.accelerator):
            agreed: Tensor = self.accelerator.reduce(numbers, "mean")
            return agreed
