"""One update of Algorithm 1: every loss at the parameters before it, one step for every network."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from torch import Tensor

from ..control import Moments
from ..gamma import Gamma
from ..model import NETWORKS, NetworkName
from ..objective import Losses, Noise, Objective
from ..penalty import Regularizer
from .backpropagation import Backpropagation
from .exchange import Exchange
from .gradients import centred_moments, twin_gradients
from .processes import share_buffers
from .state import TrainState

if TYPE_CHECKING:
    from accelerate import Accelerator

Draw = tuple[Tensor, Noise]
"""Data and noise of one step of the optimisers, on the device."""


@dataclass(frozen=True)
class Updates:
    """What makes an update of the state before it, whenever and as often as it is called.

    Attributes:
        state: What an update changes.
        begin: Seeds what networks draw by themselves, with the number of updates done.
        steps: Updates of the whole path, which the learning rates follow.
    """

    state: TrainState
    gamma: Gamma
    objective: Objective
    regularizer: Regularizer
    accelerator: Accelerator
    begin: Callable[[int], None]
    steps: int

    def __call__(self, draws: Sequence[Draw], alpha: float) -> dict[str, Tensor]:
        """Do the next update, as :func:`update` at the last of ``draws``; β has them all."""
        *before, (x, noise) = draws
        state, gamma, objective = self.state, self.gamma, self.objective
        self.begin(state.step)
        state.pace(alpha, self.steps)
        for draw in before:
            update_discriminator(state, *draw, objective, self.regularizer, self.accelerator)
        return update(state, x, noise, alpha, gamma, objective, self.regularizer, self.accelerator)

    def go_to(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take the state that :meth:`TrainState.tensors` gave after ``step`` updates."""
        self.state.load(tensors, step)
        self.gamma.recall(self.state.memory)


def update(
    state: TrainState,
    x: Tensor,
    noise: Noise,
    alpha: float,
    gamma: Gamma,
    objective: Objective,
    regularizer: Regularizer,
    accelerator: Accelerator,
) -> dict[str, Tensor]:
    """Train θ, φ and β once: losses by network and diagnostics, ``(*trials,)``, without a graph."""
    model, due = state.model, regularizer.due(state.step)
    if alpha < 1:

        def measure() -> Moments:
            return centred_moments(twin_gradients(model, objective, x, noise, alpha), accelerator)

        gamma.observe(state.step, measure)
        state.memory.update(gamma.memory())
    written_out = Backpropagation.of(model, objective, regularizer, accelerator)
    if written_out is not None:
        losses = written_out(x, noise, alpha, gamma, due)
        _step(state, NETWORKS)
    else:
        with accelerator.autocast():
            losses = objective.losses(model, x, noise, alpha, gamma, penalized=due)
        _descend(state, losses, regularizer, accelerator, completed(alpha))
    share_buffers(model, accelerator)
    state.average.update(earlier=state.step)
    state.step += 1
    means = {f"loss/{network}": loss.detach().mean(-1) for network, loss in losses.values.items()}
    return {**losses.diagnostics, **means}


def update_discriminator(
    state: TrainState,
    x: Tensor,
    noise: Noise,
    objective: Objective,
    regularizer: Regularizer,
    accelerator: Accelerator,
) -> None:
    """Train β alone once more before an update, which pays the penalty if the update does."""
    with accelerator.autocast():
        due = regularizer.due(state.step)
        losses = objective.discrimination(state.model, x, noise, penalized=due)
    _descend(state, losses, regularizer, accelerator, NETWORKS)


def completed(alpha: float) -> tuple[NetworkName, ...]:
    """Networks in the order in which one backward pass completes their gradients.

    It ends with what was computed first: the fakes, which have a graph where α > 0. A function of α
    alone, this is the order in which all processes exchange gradients, whatever passes they make.
    """
    return NETWORKS if alpha == 0 else ("encoder", "discriminator", "generator")


def _descend(
    state: TrainState,
    losses: Losses,
    regularizer: Regularizer,
    accelerator: Accelerator,
    order: Sequence[NetworkName],
) -> None:
    """One step of each network that ``losses`` train, all from the parameters before it."""
    penalties = [
        regularizer.penalty(outputs.detached())
        for outputs in losses.outputs
        if regularizer.due(state.step)
    ]
    passes = [
        (sum(penalties, loss) if "discriminator" in networks else loss, state.parameters(*networks))
        for networks, loss in sorted(
            losses.of_networks.items(), key=lambda served: min(map(order.index, served[0]))
        )
    ]
    trained = set(chain.from_iterable(losses.of_networks))
    parts = [state.parameters(network) for network in order if network in trained]
    exchange = Exchange(parts, accelerator)
    for left, (loss, parameters) in zip(reversed(range(len(passes))), passes, strict=True):
        with exchange.during(parameters):
            reduce(loss).backward(inputs=parameters, retain_graph=left > 0)
    # before the first step, so that the loss of a process leaves no network ahead of the others
    exchange.wait()
    _step(state, trained)


def _step(state: TrainState, networks: Container[NetworkName]) -> None:
    """One step of each of the networks by the gradients that it has."""
    for network, optimizer in state.optimizers.items():
        if network in networks:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def reduce(loss: Tensor) -> Tensor:
    """Mean over the batch, sum over trials: the one place where samples are put together.

    Example:
        >>> import torch
        >>> reduce(torch.tensor([[1.0, 3.0], [2.0, 2.0]]))
        tensor(4.)
    """
    return loss.mean(-1).sum()
