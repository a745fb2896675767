"""Shapes, supports, centres and log-densities of distributions, for numerical rules."""

from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor
from torch.distributions import Distribution, MixtureSameFamily, constraints, transform_to


def batch_shape(p: Distribution, q: Distribution) -> torch.Size:
    """Shape to which the batches of both broadcast."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"p and q must have events of one shape, got {tuple(p.event_shape)} and "
            f"{tuple(q.event_shape)}"
        )
    try:
        shape: torch.Size = torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    except RuntimeError as error:
        raise ValueError(
            f"the batch shapes of p and q must broadcast, got {tuple(p.batch_shape)} and "
            f"{tuple(q.batch_shape)}"
        ) from error
    return shape


def require(kind: str, discrete: bool, p: Distribution, q: Distribution) -> None:
    """Hold both to distributions of numbers, of integers if ``discrete``."""
    batch_shape(p, q)
    if p.event_shape or any(support_of(d).is_discrete != discrete for d in (p, q)):
        raise ValueError(
            f"{kind}, got {names(p, q)}: use alpha_divergence_monte_carlo, or add their closed "
            "form by register_alpha_divergence"
        )


def support_of(distribution: Distribution) -> constraints.Constraint:
    """The support, of the components if the distribution is a mixture of them."""
    support = distribution.support
    assert support is not None, distribution
    return getattr(support, "base_constraint", support)


def support_bounds(distribution: Distribution) -> tuple[Tensor, Tensor]:
    """Ends of the support of a distribution on the line, infinite where it has none."""
    support, device = support_of(distribution), device_of(distribution)
    default = (0, 1) if support is constraints.boolean else (-torch.inf, torch.inf)
    lower, upper = map(getattr, (support, support), ("lower_bound", "upper_bound"), default)
    return torch.as_tensor(lower).to(device).double(), torch.as_tensor(upper).to(device).double()


def interior(distribution: Distribution) -> Tensor:
    """A point of the support of a distribution on the line, float64."""
    if support_of(distribution).is_discrete:
        return support_bounds(distribution)[0].detach()
    with torch.no_grad():
        zero = torch.zeros((), dtype=torch.float64, device=device_of(distribution))
        return torch.as_tensor(transform_to(support_of(distribution))(zero))


def log_density(distribution: Distribution, x: Tensor, inside: Tensor, safe: Tensor) -> Tensor:
    """Log-density at ``x``, −∞ where not ``inside`` and outside the support, ``(*sample, *batch)``.

    Its gradient is finite everywhere: ``safe``, a point of the support, stands in for the others.
    """
    event = (1,) * len(distribution.event_shape)
    with torch.no_grad():
        inside = inside & supports(distribution, x)
        value = distribution.log_prob(torch.where(inside.reshape(*inside.shape, *event), x, safe))
        normal = inside & value.isfinite()
    value = distribution.log_prob(torch.where(normal.reshape(*normal.shape, *event), x, safe))
    return value.masked_fill(~normal, -torch.inf)


def supports(distribution: Distribution, x: Tensor) -> Tensor:
    """Whether points lie in the support, shape ``(*sample, *batch)``."""
    assert distribution.support is not None, distribution
    within: Tensor = distribution.support.check(x)
    return within


def centers(distribution: Distribution) -> list[Tensor]:
    """The mean, or the mode, or any point of the support; of each component of a mixture."""
    if isinstance(distribution, MixtureSameFamily):
        return [
            center
            for centers_of_all in centers(distribution.component_distribution)
            for center in centers_of_all.unbind(-1)
        ]
    choices = (_moment(distribution, "mean"), _moment(distribution, "mode"))
    return [_first_finite(*choices, interior(distribution))]


def spread(distribution: Distribution) -> Tensor:
    """The standard deviation, the scale if it is infinite, 1 if there is neither."""
    choices = (_moment(distribution, "stddev"), _moment(distribution, "scale"))
    positive = (value.masked_fill(value <= 0, torch.nan) for value in choices)
    return _first_finite(*positive, torch.ones_like(choices[0]))


def _moment(distribution: Distribution, name: str) -> Tensor:
    try:
        value = torch.as_tensor(getattr(distribution, name)).detach().double()
    except (AttributeError, NotImplementedError):
        value = torch.tensor(torch.nan).double()
    return value.to(device_of(distribution))


def _first_finite(*choices: Tensor) -> Tensor:
    return reduce(lambda value, choice: torch.where(value.isfinite(), value, choice), choices)


def names(p: Distribution, q: Distribution) -> str:
    """Both types, for a message."""
    return f"{type(p).__name__} and {type(q).__name__}"


def result_dtype(p: Distribution, q: Distribution) -> torch.dtype:
    """Precision in which both were stated."""
    kinds = [value.dtype for d in (p, q) for value in _parameters(d)]
    return reduce(torch.promote_types, kinds or [torch.get_default_dtype()])


def _parameters(distribution: Distribution) -> Iterator[Tensor]:
    for value in vars(distribution).values():
        if isinstance(value, Distribution):
            yield from _parameters(value)
        elif isinstance(value, Tensor) and value.is_floating_point():
            yield value


def device_of(distribution: Distribution) -> torch.device:
    """Where the parameters lie."""
    return next((value.device for value in _parameters(distribution)), torch.device("cpu"))
