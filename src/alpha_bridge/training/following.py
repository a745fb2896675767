"""How far the model follows α: what an adaptive path decides by."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..control import AdaptivePath, Reading
from ..gaussian import reparameterize
from ..model import AlphaBridge
from ..objective import DataBridge, Noise
from ..path import AlphaSchedule
from .average import at_rest
from .batches import Batches
from .events import Callback, Event
from .processes import of_main_process
from .update import Updates

__all__ = ["Arrival", "following"]

SAMPLES = 128
"""Of the held-out data, and as many fresh ones of the model, in a reading."""
TWENTY = math.log(20)


def following(
    path: AlphaSchedule, updates: Updates, batches: Batches
) -> Callable[[], dict[str, Tensor]]:
    """What is called after each update, and gives numbers to log.

    For an adaptive path it measures how far the model follows, and lets the path decide.

    Raises:
        ValueError: The path is adaptive, and the objective is not that of the data, by whose ratio
            it is decided, or the discriminator is a critic, which gives no ratio.
    """
    if not isinstance(path, AdaptivePath):
        return dict
    return _Follower(path, updates, batches)


class Arrival(Callback):
    """Tells at the end why an adaptive path did not reach its end."""

    def __init__(self, path: AlphaSchedule, tell: Callable[[str], object]) -> None:
        """Give a line to ``tell`` if there is something to say of ``path``."""
        self.path, self.tell = path, tell

    def after(self, event: Event) -> None:
        if event.last and isinstance(self.path, AdaptivePath) and (line := self.path.verdict):
            self.tell(line)


class _Follower:
    """Readings change nothing but the path, whose state is kept in the memory of the training."""

    def __init__(self, path: AdaptivePath, updates: Updates, batches: Batches) -> None:
        if not isinstance(updates.objective, DataBridge):
            raise ValueError(
                "an adaptive path is decided by the ratio of data and model, got "
                f"{type(updates.objective).__name__}: use DataBridge, or a path of fixed steps"
            )
        if not updates.objective.adversarial.estimates_ratio:
            raise ValueError(
                "an adaptive path is decided by the ratio of data and model, which the "
                f"discriminator of {type(updates.objective.adversarial).__name__} does not give: "
                "use another loss, or a path of fixed steps"
            )
        path.recall(updates.state.memory)
        self.path, self.updates, self.batches = path, updates, batches
        self.adversarial = updates.objective.adversarial
        self.numbers = self._to_log()

    def __call__(self) -> dict[str, Tensor]:
        path, state = self.path, self.updates.state
        if path.due(state.step):
            reading = self._reading(state.model, *self.batches.unseen(state.step, SAMPLES))
            numbers = of_main_process(reading.tolist(), self.updates.accelerator)
            path.observe(state.step, Reading(*numbers))
            state.memory.update(path.memory())
            self.numbers = self._to_log()
        return self.numbers

    def _to_log(self) -> dict[str, Tensor]:
        """The last reading's average and the decision, from the path, which remembers them."""
        if self.path.average is None:
            return {}
        numbers = {**vars(self.path.average), "direction": self.path.direction}
        shape = self.updates.state.model.trial_shape
        return {f"control/{k}": torch.full(shape, float(v)) for k, v in numbers.items()}

    @torch.no_grad()
    def _reading(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Tensor:
        """The numbers of a :class:`Reading`, means over the trials."""
        model = at_rest(model)
        z = reparameterize(*model.posterior(x), noise.posterior)
        error = x - model.decode(z)
        fakes = self.updates.objective.fakes(model, x, noise)
        f_data, f_model = (model.logits(one).flatten(model.batch_ndim - 1) for one in (x, fakes))
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
        """Of the weights at the next α, as both halves of the gradient take part in it.

        A half without weights takes all samples.
        """
        alpha = self.path.next_alpha
        gamma = self.updates.gamma(alpha)
        sizes = self.adversarial.diagnostics(f_data, f_model, alpha)
        shares, whole = {"ess/forward": 1 - gamma, "ess/reverse": gamma}, f_data.new_ones(())
        parts = (share * sizes.get(name, whole).mean() for name, share in shares.items())
        return sum(parts, torch.zeros(()))
