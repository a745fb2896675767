"""One update of Algorithm 1: every loss at the parameters before it, one step for every player."""

from collections.abc import Iterable
from itertools import chain

import torch
from accelerate import Accelerator
from torch import Tensor

from ..control import Moments
from ..gamma import Gamma
from ..objective import Noise, Objective
from ..penalty import Regularizer
from .state import TrainState
from .twins import centred_moments, twin_gradients

__all__ = ["update"]


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
    """Train θ, φ and β once.

    Args:
        state: Changed in place.
        x: Data samples, shape ``(*trials, batch, *event)``.
        noise: The update's random draws.
        alpha: α in [0, 1].
        gamma: The choice of γ.
        objective: What is bridged to what.
        regularizer: Of the discriminator.
        accelerator: Precision, and the processes to average the gradients with.

    Returns:
        Losses by player and the objective's diagnostics, each ``(*trials,)``, without a graph.
    """
    model, due = state.model, regularizer.due(state.step)
    if alpha < 1:

        def measure() -> Moments:
            return centred_moments(*twin_gradients(model, objective, x, noise, alpha), accelerator)

        gamma.observe(state.step, measure)
        state.memory.update(gamma.memory())
    with accelerator.autocast():
        losses = objective.losses(model, x, noise, alpha, gamma, penalized=due)
    penalties = [regularizer.penalty(real, f) for real, f in losses.real if due]
    numbers = dict(losses.diagnostics)
    for players, loss in losses.of_players.items():
        numbers["loss/" + "+".join(players)] = loss.detach().mean(-1)
        total = sum(penalties, loss) if "discriminator" in players else loss
        parameters = chain.from_iterable(map(model.player_parameters, players))
        reduce(total).backward(inputs=list(parameters), retain_graph=True)
    for player, optimizer in state.optimizers.items():
        average_gradients(model.player_parameters(player), accelerator)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    state.update_average()
    state.step += 1
    return numbers


def reduce(loss: Tensor) -> Tensor:
    """Mean over the batch, sum over trials: the one place where samples are put together.

    Example:
        >>> reduce(torch.tensor([[1.0, 3.0], [2.0, 2.0]]))
        tensor(4.)
    """
    return loss.mean(-1).sum()


def average_gradients(parameters: Iterable[torch.nn.Parameter], accelerator: Accelerator) -> None:
    """Replace each gradient by its mean over the processes, in one exchange."""
    if accelerator.num_processes == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = accelerator.reduce(torch._utils._flatten_dense_tensors(gradients), "mean")
    means = torch._utils._unflatten_dense_tensors(flat, gradients)
    torch._foreach_copy_(gradients, list(means))
