r"""How far three convex functions lie below their chords, without cancellation.

For a convex φ, weights α on x and 1 − α on y, and :math:`m = \alpha x + (1-\alpha) y`,

.. math::
    E_\alpha[\varphi](x, y)
    = \frac{\alpha \varphi(x) + (1-\alpha) \varphi(y) - \varphi(m)}{\alpha (1-\alpha)} \ge 0

is the skewed Jensen divergence; its limits at α = 0 and 1 are the two Bregman divergences. The
α-divergences of exponential families are made of it (Nielsen and Boltz, The Burbea-Rao and
Bhattacharyya Centroids, IEEE Transactions on Information Theory 2011). The functions below keep
their digits where x is near y and where α is near an end.
"""

import math
from functools import cache

import torch
from torch import Tensor

NEAR = 0.5  # below this relative distance a series is used, above it the difference
TERMS = 16  # the slower series, in powers of r <= 1/3, leaves r^34 = 6e-17 of itself
NODES = 64


def log_ratio(x: Tensor, y: Tensor, log_x: Tensor, log_y: Tensor) -> Tensor:
    """Logarithm of x / y, from the difference x − y where the two are near.

    Example:
        >>> one, none = torch.tensor(1.0), torch.tensor(0.0)
        >>> log_ratio(one + 1e-7, one, none + 1e-7, none)
        tensor(1.1921e-07)
    """
    gap = x - y
    near = gap.abs() < NEAR * y
    return torch.where(near, torch.log1p(gap.where(near, 0) / y.where(near, 1)), log_x - log_y)


def excess_of_exp(log_x: Tensor, log_y: Tensor, u: Tensor, alpha: float) -> Tensor:
    r"""Gap between two means of positive numbers, the excess of :math:`\varphi = \exp`.

    .. math:: \frac{\alpha x + (1-\alpha) y - x^\alpha y^{1-\alpha}}{\alpha (1-\alpha)}

    Summed over x = p and y = q it is the α-divergence: every term is non-negative.

    Args:
        log_x: log x, any shape; −∞ for x = 0, which is a constant to the gradient.
        log_y: log y, a shape that broadcasts with that of ``log_x``.
        u: log x − log y, where it is known better than from the difference; read only where x and
            y are positive.
        alpha: α, any real number.

    Returns:
        The gap, the broadcast shape; zero for x = y = 0.

    Example:
        >>> log_x, log_y = torch.tensor([0.0, -torch.inf]), torch.tensor(0.0)
        >>> excess_of_exp(log_x, log_y, log_x - log_y, 0.5)
        tensor([0., 2.])
    """
    if alpha > 0.5:
        log_x, log_y, u, alpha = log_y, log_x, -u, 1 - alpha
    log_x, log_y, u = torch.broadcast_tensors(log_x, log_y, u)
    no_x, no_y = log_x == -torch.inf, log_y == -torch.inf
    log_x, log_y = log_x.masked_fill(no_x, 0), log_y.masked_fill(no_y, 0)
    x, y = log_x.exp(), log_y.exp()
    u = u.masked_fill(no_x | no_y, 0)
    near = u.abs() * max(1.0, abs(alpha)) < NEAR
    far_value = (x - y - _weighted_tsallis_log(log_y, u, alpha)) / (1 - alpha)
    value = torch.where(near, y * _exp_series(u.masked_fill(~near, 0), alpha), far_value)
    only_x = x / (1 - alpha)
    only_y = y / alpha if alpha > 0 else torch.full_like(y, torch.inf)
    value = torch.where(no_x, only_y, torch.where(no_y, only_x, value))
    return value.masked_fill(no_x & no_y, 0)


def _weighted_tsallis_log(log_y: Tensor, u: Tensor, a: float) -> Tensor:
    r""":math:`y \ln_a e^u`, which does not overflow where :math:`y e^{au}` does not."""
    if not a:
        return log_y.exp() * u
    exponent = a * u
    larger = torch.exp(log_y + exponent.relu())
    return -exponent.sign() * larger * torch.expm1(-exponent.abs()) / a


def _exp_series(u: Tensor, alpha: float) -> Tensor:
    r""":math:`E_\alpha[\exp](u, 0) = \sum_k (1 + \alpha + … + \alpha^k) u^{k+2} / (k+2)!`."""
    total = torch.zeros_like(u)
    for k in reversed(range(TERMS)):
        total = total * u + sum(alpha**j for j in range(k + 1)) / math.factorial(k + 2)
    return total * u.square()


def excess_of_log_det(gaps: Tensor, log_det: Tensor, alpha: float) -> Tensor:
    r"""Excess of :math:`\varphi = -\log\det` at two positive definite matrices X and Y.

    With :math:`g_i` the eigenvalues of :math:`Y^{-1} X - I` it is

    .. math:: \frac{1}{1-\alpha} \Big[ \sum_i \tfrac1\alpha \log(1 + \alpha g_i)
        - \log\det(Y^{-1} X) \Big]

    Args:
        gaps: :math:`g_i > -1`, shape ``(*batch, d)``.
        log_det: :math:`\log\det(Y^{-1} X)`, shape ``batch``, where it is known better than from
            the gaps.
        alpha: α, a real number of at most 1/2: exchange X and Y above it.

    Returns:
        The excess, shape ``batch``; infinity where αX + (1−α)Y is not positive definite.

    Example:
        >>> excess_of_log_det(torch.ones(1), torch.tensor(2.0).log(), 0.0)
        tensor(0.3069)
    """
    assert alpha <= 0.5
    definite = (1 + alpha * gaps > 0).all(-1)
    gaps = torch.where(definite[..., None], gaps, 0)
    near = (gaps.abs() * max(1.0, abs(alpha)) < NEAR).all(-1)
    g = torch.where(near[..., None], gaps, 0)
    near_value = (g.square() * (_log_series(g) - alpha * _log_series(alpha * g))).sum(-1)
    mixed = (torch.log1p(alpha * gaps) / alpha if alpha else gaps).sum(-1)
    value = torch.where(near, near_value, mixed - log_det) / (1 - alpha)
    return torch.where(definite, value, torch.inf)


def _log_series(z: Tensor) -> Tensor:
    r""":math:`(z - \log(1 + z)) / z^2` for \|z\| below one half.

    With :math:`r = z / (2 + z)` the logarithm is :math:`2 (r + r^3/3 + r^5/5 + …)`.
    """
    k = 1 / (2 + z)
    r = z * k
    total = torch.zeros_like(r)
    for j in reversed(range(TERMS)):
        total = total * r.square() + 1 / (2 * j + 3)
    return k - 2 * k.square() * r * total


def excess_of_log_gamma(x: Tensor, y: Tensor, alpha: float) -> Tensor:
    r"""Excess of :math:`\varphi = \log\Gamma`.

    .. math::
        E_\alpha = (x - y) \Big[ \int_y^m \frac{s - y}{m - y} \psi'(s) \, ds
        - \int_x^m \frac{s - x}{m - x} \psi'(s) \, ds \Big]

    The trigamma function ψ′ has no pole within π of the real axis as a function of log s, so
    that 64 Gauss-Legendre nodes in log s are enough for ratios x / y up to a million. It is taken
    as the Hurwitz zeta function ζ(2, s): torch's own trigamma has nine digits.

    Returns:
        The excess, the broadcast shape; infinity where αx + (1−α)y is not positive.

    Example:
        >>> excess_of_log_gamma(torch.tensor(2.0), torch.tensor(1.0), 0.0)
        tensor(0.5772)
    """
    x, y = torch.broadcast_tensors(x, y)
    inside = alpha * x + (1 - alpha) * y > 0
    x, y = torch.where(inside, x, 1), torch.where(inside, y, 1)
    mixed = alpha * x + (1 - alpha) * y
    from_y = _slope_excess(y, mixed, alpha * (x - y))
    from_x = _slope_excess(x, mixed, (1 - alpha) * (y - x))
    return torch.where(inside, (x - y) * (from_y - from_x), torch.inf)


def _slope_excess(start: Tensor, end: Tensor, gap: Tensor) -> Tensor:
    r""":math:`\int \frac{s - a}{b - a} \psi'(s) ds` from a to b, whose difference is ``gap``."""
    nodes, weights = (values.to(end) for values in _gauss_legendre())
    up, down = gap.clamp(min=0) / start, (-gap).clamp(min=0) / end
    length = torch.log1p(up) - torch.log1p(down)  # log(end / start)
    same = gap == 0
    stretch = torch.where(same, 1, length * start / gap.masked_fill(same, 1))
    exponent = nodes * length[..., None]
    growth, s = torch.expm1(exponent), start[..., None] * torch.exp(exponent)
    trigamma = torch.special.zeta(torch.full_like(s, 2), s)
    integral: Tensor = stretch * (weights * growth * s * trigamma).sum(-1)
    return integral


@cache
def _gauss_legendre() -> tuple[Tensor, Tensor]:
    """Nodes and weights on [0, 1], from the eigenvectors of the Jacobi matrix.

    Source:
        Golub and Welsch, Calculation of Gauss Quadrature Rules, Mathematics of Computation 1969.
    """
    k = torch.arange(1, NODES, dtype=torch.float64)
    off_diagonal = torch.diag(k / torch.sqrt(4 * k.square() - 1), 1)
    nodes, vectors = torch.linalg.eigh(off_diagonal + off_diagonal.T)
    return (1 + nodes) / 2, vectors[0].square()
