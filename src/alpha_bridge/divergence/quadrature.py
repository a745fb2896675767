r"""The α-divergence of any two densities on the line.

The integral adds up the non-negative :math:`[\alpha p + (1-\alpha) q - p^\alpha q^{1-\alpha}]
/ (\alpha(1-\alpha))`, so that nothing cancels near the ends of [0, 1], and a point that only one
of the two can reach counts as it should.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from ..checks import between_zero_and_one
from .density import (
    batch_shape,
    centers,
    interior,
    log_density,
    names,
    require,
    result_dtype,
    spread,
    support_bounds,
    supports,
)
from .excess import excess_of_exp
from .logarithmic import log_overlap

REACH = 5.0  # sinh-spaced nodes reach e^{±233} scales from an end
FEWEST_NODES, MOST_NODES = 64, 2**13


def alpha_divergence_quadrature(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    r"""α-divergence (8) of two continuous densities on the line, by quadrature.

    .. math::
        D_\alpha = \int \frac{\alpha p + (1-\alpha) q - p^\alpha q^{1-\alpha}}{\alpha (1-\alpha)} dx

    The line is cut at the ends of both supports and at both means (or modes); each piece takes
    the double exponential rule, whose nodes double until the value stands still to 1e-10. Both
    densities are integrated beside it: a part of them that the nodes miss is an error, not a
    wrong value. An integral whose terms do not vanish towards an end is infinite. Computed in
    float64 whatever the parameters; ten digits where the densities are smooth between the cuts.

    Returns:
        The divergence with gradients to all parameters, the broadcast batch shape.

    Raises:
        ValueError: ``alpha`` is outside [0, 1], the events are not numbers, or the nodes do not
            resolve the densities.

    Example:
        >>> from torch.distributions import Laplace
        >>> alpha_divergence_quadrature(Laplace(1.0, 1.0), Laplace(0.0, 1.0), 1.0)
        tensor(0.3679)

    Source:
        Takahasi and Mori, Double Exponential Formulas for Numerical Integration, Publications
        RIMS 1974.
    """
    between_zero_and_one("alpha", alpha)
    return integrate(p, q, alpha)[0]


def integrate(p: Distribution, q: Distribution, alpha: float) -> tuple[Tensor, Tensor]:
    """The divergence, and the logarithm of the overlap."""
    require("quadrature needs two densities on the line", False, p, q)
    edges, scale = _edges(p, q)
    last = torch.full((), torch.nan, device=scale.device)
    nodes = FEWEST_NODES
    while nodes <= MOST_NODES:
        with torch.no_grad():
            divergence, overlap, missed = _integrate(p, q, alpha, edges, scale, nodes)
        value = torch.stack([divergence, overlap])
        size = torch.stack([divergence, 1 + overlap.abs()])
        still = ((value - last).abs() <= 1e-10 * size) | value.isinf()
        if bool((still & (missed < 1e-6)).all()):
            divergence, overlap, _ = _integrate(p, q, alpha, edges, scale, nodes)
            return divergence.to(result_dtype(p, q)), overlap.to(result_dtype(p, q))
        last, nodes = value, 2 * nodes
    raise ValueError(
        f"{MOST_NODES} nodes do not resolve {names(p, q)} at alpha {alpha} (they miss "
        f"{missed.max().item():.1g} of the mass): use alpha_divergence_monte_carlo"
    )


def _edges(p: Distribution, q: Distribution) -> tuple[Tensor, Tensor]:
    """Where the line is cut, shape ``(cuts, *batch)``, and the scale of its infinite pieces."""
    shape = batch_shape(p, q)
    cuts = [*support_bounds(p), *support_bounds(q), *centers(p), *centers(q)]
    scale = (spread(p) * spread(q)).sqrt()
    return torch.stack([cut.expand(shape) for cut in cuts]).sort(0).values, scale.expand(shape)


def _integrate(
    p: Distribution, q: Distribution, alpha: float, edges: Tensor, scale: Tensor, nodes: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The divergence, the logarithm of the overlap, and how much of p or q the nodes miss."""
    x, weight = _double_exponential(edges[:-1], edges[1:], scale, nodes)
    inside = (x > edges[:-1]) & (x < edges[1:]) & (weight > 0)
    log_p = log_density(p, x, inside, interior(p))
    log_q = log_density(q, x, inside, interior(q))
    for d, log_d in ((p, log_p), (q, log_q)):  # a node where one underflows is left out
        inside = inside & ((log_d != -torch.inf) | ~supports(d, x))
    log_weight = weight.masked_fill(~inside, 1).log()
    cells_p = (log_p + log_weight).masked_fill(~inside, -torch.inf)
    cells_q = (log_q + log_weight).masked_fill(~inside, -torch.inf)
    terms = excess_of_exp(cells_p, cells_q, log_p - log_q, alpha)
    value = terms.sum((0, 1))
    ends = torch.maximum(terms[0], terms[-1]).amax(0)
    masses = [cells.exp().sum((0, 1)) for cells in (cells_p, cells_q)]
    missed = torch.maximum(*((mass - 1).abs() for mass in masses))
    overlap = torch.zeros_like(value)
    if 0 < alpha < 1:
        overlap = log_overlap(cells_p.flatten(0, 1), cells_q.flatten(0, 1), alpha, 0)
    return value.masked_fill(ends > 1e-6 * value, torch.inf), overlap, missed


def _double_exponential(
    lower: Tensor, upper: Tensor, scale: Tensor, nodes: int
) -> tuple[Tensor, Tensor]:
    """Nodes and weights of each piece, shape ``(nodes, *pieces)``; one end may be infinite."""
    t = torch.linspace(-REACH, REACH, nodes, dtype=torch.float64, device=lower.device)
    t = t.reshape(-1, *[1] * lower.ndim)
    z, slope = math.pi * t.sinh(), math.pi * t.cosh() * (2 * REACH / (nodes - 1))
    no_lower, no_upper = lower.isinf(), upper.isinf()
    a, b = lower.masked_fill(no_lower, 0), upper.masked_fill(no_upper, 0)
    near_a, near_b = (b - a) * z.sigmoid(), (b - a) * (-z).sigmoid()
    x = torch.where(z < 0, a + near_a, b - near_b)
    tail = scale * z.exp()
    x = torch.where(no_upper, a + tail, torch.where(no_lower, b - tail, x))
    weight = torch.where(no_upper | no_lower, tail, near_a * (-z).sigmoid())
    return x, weight * slope
