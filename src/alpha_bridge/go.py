r"""Gradients of expectations over variables that cannot be reparameterised: GO gradients.

A sample of :math:`p_\theta` moves with its parameters by
:math:`\partial_\theta x = -\nabla_\theta F_\theta(x) / p_\theta(x)`, with F the distribution
function. Where x is continuous this is implicit reparameterisation, and multiplies a slope;
where x is an integer it multiplies a difference. One formula therefore serves Bernoulli, Poisson,
geometric, negative binomial and categorical variables, the last in the order of their categories.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

__all__ = ["attach", "surrogate"]


def surrogate(p: Distribution, x: Tensor, w: Callable[[Tensor], Tensor]) -> Tensor:
    r"""A number for each sample of a discrete model, whose mean has the gradient of E[w].

    .. math::
        \nabla_\theta E_{p_\theta}[w(x)] = E_{p_\theta}\Big[ \sum_d
        -\frac{\nabla_\theta F_\theta(x_d)}{p_\theta(x_d)} \, (w(x + e_d) - w(x)) \Big]

    Its value is w(x) itself. F is the sum of the probabilities up to x, so time and memory grow
    with the largest sample, and its gradient is as exact as a number near 1 can be: single
    precision sees little of samples rarer than 1e-6.

    Args:
        p: The model: integers from 0 on, alone or as ``Independent``; its parameters may carry a
            graph.
        x: Samples of it, shape ``(*sample, *batch, *event)``.
        w: The function under the expectation, from ``(*more, *x.shape)`` to
            ``(*more, *sample, *batch)``; used as a constant.

    Returns:
        The surrogate of each sample, shape ``(*sample, *batch)``.

    Raises:
        ValueError: ``p`` is not a product of scalar variables.

    Example:
        >>> from torch.distributions import Bernoulli
        >>> share = torch.tensor(0.25, requires_grad=True)
        >>> surrogate(Bernoulli(share), torch.zeros(1), lambda x: 3 * x).backward()
        >>> share.grad  # each 0 becomes 1 at the rate 1 / 0.75
        tensor(4.)

    Source:
        Cong et al., GO Gradient for Expectation-Based Objectives, ICLR 2019.
    """
    x = x.detach()
    event, batch_ndim = p.event_shape, x.ndim - len(p.event_shape)
    size = math.prod(event)
    unit = torch.eye(size, dtype=x.dtype, device=x.device)
    unit = unit.reshape(size, *[1] * batch_ndim, *event)
    last = _last(marginals(p))
    with torch.no_grad():
        here = w(x)
        difference = w((x + unit).clamp(max=last)) - here
    move = _displacement(p, x).reshape(*x.shape[:batch_ndim], size).movedim(-1, 0)
    return here + (move * difference).sum(0)


def attach(p: Distribution, x: Tensor) -> Tensor:
    r"""Give samples of a continuous model the gradient that ``rsample`` would have given them.

    Returns:
        ``x`` itself, with :math:`\partial_\theta x = -\nabla_\theta F_\theta(x) / p_\theta(x)`.

    Raises:
        ValueError: ``p`` is not a product of scalar variables, or has no distribution function.

    Example:
        >>> from torch.distributions import Normal
        >>> scale = torch.tensor(2.0, requires_grad=True)
        >>> attach(Normal(0.0, scale), torch.tensor(3.0)).backward()
        >>> scale.grad
        tensor(1.5000)

    Source:
        Figurnov et al., Implicit Reparameterization Gradients, NeurIPS 2018.
    """
    return x.detach() + _displacement(p, x.detach())


def marginals(p: Distribution) -> Distribution:
    """The scalar variables that ``p`` is a product of."""
    while isinstance(p, Independent):
        p = p.base_dist
    if p.event_shape:
        raise ValueError(
            f"GO gradients need scalar variables, got {type(p).__name__} with events of shape "
            f"{tuple(p.event_shape)}: use Independent over scalar variables, or Categorical"
        )
    return p


def is_discrete(p: Distribution) -> bool:
    """Whether the samples of ``p`` are integers."""
    try:
        support = p.support
    except NotImplementedError:  # as for flows and mixtures of other libraries
        return False
    return support is not None and bool(support.is_discrete)


def _displacement(p: Distribution, x: Tensor) -> Tensor:
    """Zero, with the gradient by which each coordinate of ``x`` moves with the parameters."""
    p = marginals(p)
    try:
        below = _cumulative(p, x) if is_discrete(p) else p.cdf(x)
    except NotImplementedError as error:
        raise ValueError(
            f"GO gradients need a distribution function, and {type(p).__name__} has none: use "
            "another distribution, or samples by rsample"
        ) from error
    return (below.detach() - below) / p.log_prob(x).detach().exp()


def _cumulative(p: Distribution, x: Tensor) -> Tensor:
    batch = p.batch_shape
    values = torch.arange(int(x.max()) + 1, dtype=x.dtype, device=x.device)
    below = p.log_prob(values.reshape(-1, *[1] * len(batch))).exp().cumsum(0)
    rows = below.reshape(len(values), *[1] * (x.ndim - len(batch)), *batch)
    return rows.expand(len(values), *x.shape).gather(0, x.long()[None])[0]


def _last(p: Distribution) -> float:
    """Largest value of the support; the sample cannot move beyond it."""
    return float(p.enumerate_support(expand=False).max()) if p.has_enumerate_support else math.inf
