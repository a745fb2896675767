"""What can go wrong in training, and the numbers by which it is recognised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor

from ..errors import Halted
from ..model import AlphaBridge
from ..objective import Noise, Objective
from ..settings import WatchConfig
from .average import at_rest
from .closeness import closeness
from .state import TrainState

Kind = Literal["not-finite", "few-samples", "discriminator-won", "collapse"]

Number = TypeVar("Number", float, Tensor)

SHARE = 0.5
"""Share of the gradient from which a half of (12) counts: γ for the reverse one, 1 − γ for the
forward one. A weight or a discriminator that hardly anything follows does no harm: in Step I the
discriminator may be sure of every sample."""

ACCURACY, LOGIT, SPREAD = "watch/accuracy", "watch/logit", "watch/spread"


@dataclass(frozen=True)
class Incident:
    """What was recognised in a run.

    Attributes:
        step: Updates done, the one that shows it included.
        began: Updates done before it began.
        alpha: α of the update that shows it.
        trial: Of stacked trials, the one that has it; None of a single one.
        what: A line on it.
        numbers: Losses, diagnostics and measurements that show it.
    """

    kind: Kind
    step: int
    began: int
    alpha: float
    trial: int | None
    what: str
    numbers: Mapping[str, float]

    def __str__(self) -> str:
        of = "" if self.trial is None else f"trial {self.trial}: "
        return f"update {self.step}: {of}{self.what}"


class RollBack(Halted):
    """Training is to go on from before an incident, with something changed."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(str(incident))
        self.incident = incident


@torch.no_grad()
def measured(
    model: AlphaBridge, objective: Objective, x: Tensor, noise: Noise
) -> dict[str, Tensor]:
    """How the networks stand to each other on held-out data and fresh fakes.

    Nothing of the model is changed. A discriminator that estimates no ratio has no accuracy
    and no logits.

    Args:
        model: The networks that are trained.
        objective: What discriminates what.
        x: Held-out samples in model units, shape ``(*trials, batch, *event)``.
        noise: Draws for as many fakes.

    Returns:
        By name, each ``(*trials,)``: ``watch/accuracy``, the mean share of data and of fakes that
        the discriminator tells by the sign of its logit; ``watch/logit``, the mean size of those,
        in nats; ``watch/spread``, how many times as far apart samples lie as the data,
        :func:`~alpha_bridge.training.closeness.closeness`. Of several discriminators, the surest
        counts.
    """
    model = at_rest(model)
    fakes = objective.fakes(model, x, noise)
    numbers = {SPREAD: closeness(fakes, x, model.batch_ndim)}
    if getattr(getattr(objective, "adversarial", None), "estimates_ratio", True):
        outputs = objective.discrimination(model, x, noise).outputs
        # towards the side that is right, (discriminators, *trials, all of the batch, 2)
        sides = [torch.stack([one.f_data, -one.f_model], -1) for one in outputs]
        logits = torch.stack(sides).flatten(model.batch_ndim, -2)
        numbers[ACCURACY] = (logits > 0).float().mean((-1, -2)).amax(0)
        numbers[LOGIT] = logits.abs().mean((-1, -2)).amax(0)
    return numbers


def few_samples(numbers: Mapping[str, Tensor], gamma: float, watch: WatchConfig) -> Tensor | None:
    """Whether the weights of the half that counts leave few samples effective, ``(*trials,)``.

    None where none of ``numbers`` says: of another loss than the bridge's.
    """
    sizes = list(sizes_of_larger_half(numbers, gamma).values())
    if not sizes:
        return None
    # NaN, of weights that are all zero, is few
    return ~((torch.stack(sizes).amin(0) if sizes[1:] else sizes[0]) >= watch.ess)


def sizes_of_larger_half(numbers: Mapping[str, Number], gamma: float) -> dict[str, Number]:
    """The effective sample sizes of the half that has the larger share of the gradient."""
    half = "reverse" if gamma >= SHARE else "forward"
    return {k: v for k, v in numbers.items() if k.startswith("ess/") and k.endswith(half)}


def _few_samples(
    numbers: Mapping[str, float], gamma: float, lasted: int, watch: WatchConfig
) -> str:
    sizes = sizes_of_larger_half(numbers, gamma)
    name = min(sizes, key=lambda name: sizes[name])
    return (
        f"few samples decide: for {lasted} updates {name}, the effective sample size, has been "
        f"under {watch.ess:g}, now {sizes[name]:.3g}"
    )


def collapsed(
    numbers: Mapping[str, Tensor],
    gamma: float,  # noqa: ARG001
    watch: WatchConfig,
) -> Tensor | None:
    """Whether samples lie closer together than the limit, ``(*trials,)``; None if not measured."""
    return numbers[SPREAD] < watch.spread if SPREAD in numbers else None


def _collapsed(
    numbers: Mapping[str, float],
    gamma: float,  # noqa: ARG001
    lasted: int,
    watch: WatchConfig,
) -> str:
    return (
        f"the generator has collapsed: for {lasted} updates its samples have lain "
        f"{numbers[SPREAD]:.3g} times as far apart as the data (limit {watch.spread:g})"
    )


def discriminator_won(
    numbers: Mapping[str, Tensor], gamma: float, watch: WatchConfig
) -> Tensor | None:
    """Whether the discriminator, where it counts, is surer than the limits, ``(*trials,)``.

    None where its accuracy is not measured.
    """
    if ACCURACY not in numbers:
        return None
    sure = (numbers[ACCURACY] >= watch.accuracy) | (numbers[LOGIT] >= watch.logit)
    return sure & torch.full_like(sure, gamma >= SHARE)


def _discriminator_won(
    numbers: Mapping[str, float],
    gamma: float,  # noqa: ARG001
    lasted: int,
    watch: WatchConfig,
) -> str:
    return (
        f"the discriminator has won: for {lasted} updates it has been sure of held-out data "
        f"and fresh fakes, accuracy {numbers[ACCURACY]:.3g} (limit {watch.accuracy:g}), "
        f"logits of {numbers[LOGIT]:.3g} nats (limit {watch.logit:g})"
    )


class Lasting(NamedTuple):
    """An incident that counts once it has lasted.

    Attributes:
        beyond: Whether the numbers of an update are beyond the limit at its γ, ``(*trials,)``; None
            where they do not say.
        line: A line on it, of the numbers of one trial, γ, and for how many updates it has lasted.
        measured: Whether it is seen on held-out data, by what :func:`measured` finds.

    Example:
        >>> LASTING["collapse"].line({"watch/spread": 0.1}, 1.0, 500, WatchConfig())
        'the generator has collapsed: for 500 updates its samples have lain 0.1 times as far apart \
as the data (limit 0.25)'
    """

    beyond: Callable[[Mapping[str, Tensor], float, WatchConfig], Tensor | None]
    line: Callable[[Mapping[str, float], float, int, WatchConfig], str]
    measured: bool = True


LASTING: Mapping[Kind, Lasting] = {
    "few-samples": Lasting(few_samples, _few_samples, measured=False),
    "collapse": Lasting(collapsed, _collapsed),
    "discriminator-won": Lasting(discriminator_won, _discriminator_won),
}
"""What counts once it has lasted."""

MEASURED = tuple(kind for kind, lasting in LASTING.items() if lasting.measured)
"""What is seen on held-out data."""


def shows(
    kind: Kind, state: TrainState, numbers: Mapping[str, Tensor], gamma: float, watch: WatchConfig
) -> bool:
    """Whether the update that left ``state`` and ``numbers`` shows an incident, in any trial."""
    if kind == "not-finite":
        losses = (value for name, value in numbers.items() if name.startswith("loss/"))
        return not all(bool(loss.isfinite().all()) for loss in losses) or bool(state.broken())
    beyond = LASTING[kind].beyond(numbers, gamma, watch)
    return beyond is not None and bool(beyond.any())
