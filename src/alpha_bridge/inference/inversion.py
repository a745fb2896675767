"""Inversion: a better latent for each sample than the encoder's, by a few steps of descent."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import at_least, positive
from ..model import AlphaBridge
from ..networks.adam import Adam

__all__ = ["Inversion", "Refined", "refine"]


@dataclass(frozen=True, eq=False)
class Inversion:
    """A latent for each sample, and how good it is.

    Attributes:
        latents: Shape ``(*trials, batch, *latent_shape)``.
        objective: What :func:`refine` makes small, in nats, shape ``(*trials, batch)``.
        error: Mean squared error per dimension of the decoded latents, in model units, likewise.
    """

    latents: Tensor
    objective: Tensor
    error: Tensor


@dataclass(frozen=True, eq=False)
class Refined:
    """Means of the encoder, and the best latents on the way from them."""

    before: Inversion
    after: Inversion


def refine(model: AlphaBridge, x: Tensor, steps: int = 100, rate: float = 0.05) -> Refined:
    r"""Descend from the encoder's mean to a latent of higher posterior density.

    .. math:: \min_z \frac{\|x - G_\theta(z)\|^2}{2\sigma^2} + \frac{\|z\|^2}{2}

    is, up to a constant, :math:`-\log \tilde p_\theta(x, z)` of the surrogate (13): its minimum is
    the mode of the exact posterior, which :math:`q_\phi(z|x)` only approximates. Each sample keeps
    the best latent on its way, so that none ends above where it began, and no sample touches
    another. The objective weighs error against the prior: where a mean has a norm that the prior
    finds unlikely, the error may rise.

    Args:
        model: In evaluation mode, so that its generator does not mix samples; its parameters get
            no gradients.
        x: Samples in model units, shape ``(*trials, batch, *event)``.
        steps: Steps of Adam, zero or more; zero leaves the means.
        rate: Its learning rate, in the units of the latents.

    Source:
        Zhu et al., Generative Visual Manipulation on the Natural Image Manifold, ECCV 2016.
    """
    at_least(0, "refine", steps)
    positive("rate", rate)
    way = _descent(model, x, steps, rate)
    before = after = next(way)
    for point in way:
        after = _better(after, point)
    return Refined(before, after)


def _descent(model: AlphaBridge, x: Tensor, steps: int, rate: float) -> Iterator[Inversion]:
    """Where descent begins, and where it is after each step."""
    with torch.no_grad():
        z = model.encode(x)
    z.requires_grad_()
    optimizer = Adam([z], lr=rate)
    for left in range(steps, -1, -1):
        with torch.set_grad_enabled(left > 0):  # nothing descends from the last point
            error = (x - model.decode(z)).square().flatten(model.batch_ndim)
            prior = z.square().flatten(model.batch_ndim).sum(-1) / 2
            objective = error.sum(-1) / (2 * model.sigma**2) + prior
            total = objective.sum()
        yield Inversion(z.detach().clone(), objective.detach(), error.detach().mean(-1))
        if left:
            (z.grad,) = torch.autograd.grad(total, z)
            optimizer.step()


def _better(first: Inversion, second: Inversion) -> Inversion:
    """The better latent of each sample, the first of equals."""
    wins = second.objective < first.objective
    across = wins.reshape(*wins.shape, *[1] * (first.latents.ndim - wins.ndim))
    return Inversion(
        torch.where(across, second.latents, first.latents),
        torch.where(wins, second.objective, first.objective),
        torch.where(wins, second.error, first.error),
    )
