r"""Tables of few cells, of which all can be enumerated: exact divergence, distance, missed mass.

A table of categories alone has :math:`\prod_v K_v` cells. What a model gives each of them is an
integral over its latents, of which the mean over many draws is unbiased,

.. math:: p_\theta(x) \approx \frac{1}{n} \sum_i \prod_v p_v(x_v | z_i)
"""

import math

import torch
from torch import Tensor

from ..data import normal
from ..data.rng import Purpose
from ..model import AlphaBridge
from ..observation import RowFamily

__all__ = ["divergence", "enumerable", "missed", "shares", "shares_of_model", "total_variation"]

MOST = 2**16
"""Cells of a table that are enumerated."""
LATENTS = 2**14
"""Draws of the latent that p is the mean over."""
AT_ONCE = 2**10


def enumerable(rows: RowFamily) -> bool:
    """Whether a table has categories alone, and few cells."""
    return not rows.numbers and math.prod(size for _, size in rows.categories) <= MOST


def shares(x: Tensor, rows: RowFamily) -> Tensor:
    """The share of each cell among rows ``(N, D)``, in double precision; the last column is the
    fastest."""
    cell = torch.zeros(len(x), dtype=torch.long)
    for at, size in rows.categories:
        cell = cell * size + x[:, at : at + size].argmax(1)
    cells = math.prod(size for _, size in rows.categories)
    return torch.bincount(cell, minlength=cells).double() / len(x)


@torch.no_grad()
def shares_of_model(
    model: AlphaBridge, latents: int = LATENTS, seed: int = 0
) -> tuple[Tensor, Tensor]:
    r"""The probability of each cell under a model of rows.

    Half of the columns and the other half are independent given z, so that the mean over z is one
    product of matrices.

    Args:
        model: A single model of an :func:`enumerable` table.
        latents: n, draws of z.
        seed: Of these draws.

    Returns:
        Unbiased estimates, and the variance of each of them, in double precision.
    """
    rows, shape = model.rows, model.latent_shape or ()
    assert rows is not None
    half = len(rows.categories) // 2
    first, second = rows.categories[:half], rows.categories[half:]
    total = squares = torch.zeros((), dtype=torch.float64)
    for z in normal(seed, 0, Purpose.ENUMERATED, (latents, *shape)).split(AT_ONCE):
        given = rows.log_shares(model.generator(z.to(model.sigma))).double().exp().cpu()
        one, other = (_products(given, of) for of in (first, second))
        total = total + one.T @ other
        squares = squares + one.square().T @ other.square()
    mean, square = total.flatten() / latents, squares.flatten() / latents
    return mean, (square - mean.square()).clamp(min=0) / latents


def _products(given: Tensor, categories: tuple[tuple[int, int], ...]) -> Tensor:
    """Of each draw, the probabilities of all cells of some columns, ``(draws, cells)``."""
    found = given.new_ones(len(given), 1)
    for at, size in categories:
        found = (found[:, :, None] * given[:, None, at : at + size]).flatten(1)
    return found


def divergence(q: Tensor, p: Tensor, variance: Tensor) -> tuple[float, float]:
    r"""KL(q‖p) in nats, and by how much the noise of p makes it too large; of ``(cells,)``.

    .. math:: \sum_x q(x) \log \frac{q(x)}{p(x)}, \qquad
        \sum_x q(x) \frac{\mathrm{Var}[p(x)]}{2 \, p(x)^2}

    the latter in second order. A q of few rows has cells that p must share with others: of the
    same q, only differences between models count.
    """
    there = q > 0
    q, p, variance = q[there], p[there], variance[there]
    return float((q * (q / p).log()).sum()), float((q * variance / (2 * p.square())).sum())


def total_variation(q: Tensor, p: Tensor) -> float:
    """Half of the absolute difference over all cells, of ``(cells,)``."""
    return float((q - p).abs().sum() / 2)


def missed(q: Tensor, p: Tensor, count: int | None = None) -> float:
    r"""Mass of q in cells that are not met, :math:`\sum_x q(x) (1 - p(x))^n`.

    Args:
        q: Shares of the data, ``(cells,)``.
        p: Those of a model, likewise; or of rows that were generated, without ``count``.
        count: n, rows that are drawn.
    """
    never = (p == 0).double() if count is None else (1 - p).pow(count)
    return float((q * never).sum())
