r"""Twin estimators for any model with a density, given as a ``torch.distributions`` object.

The surrogates are those of :mod:`alpha_bridge.twin`, with the exact ratio
:math:`f = \log q - \log p_\theta`. Samples come from outside: data from q, and from the model by
:func:`draw`, which reparameterises where it can; elsewhere GO gradients take over.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution

from . import go, twin
from .gamma import Gamma

__all__ = ["bridge", "draw", "forward", "reverse", "sample_gradients"]


def forward(p: Distribution, q: Distribution, alpha: float, x: Tensor) -> Tensor:
    r"""Forward twin (10) of a model with a density.

    .. math:: -\frac{1}{1-\alpha} \Big[\frac{p_\theta(x)}{q(x)}\Big]^\alpha \log p_\theta(x),
        \qquad x \sim q, \text{ the bracket used as a constant}

    Returns:
        The surrogate of each sample, shape ``(*sample, *batch)``.

    Raises:
        ValueError: ``alpha`` is outside [0, 1).

    Example:
        >>> from torch.distributions import Poisson
        >>> rate = torch.tensor(2.0, requires_grad=True)
        >>> forward(Poisson(rate), Poisson(2.0), 0.0, torch.tensor([5.0])).backward()
        >>> rate.grad  # 1 − x / rate
        tensor(-1.5000)
    """
    log_p = p.log_prob(x)
    return twin.forward(log_p, q.log_prob(x) - log_p, alpha)


def reverse(p: Distribution, q: Distribution, alpha: float, x: Tensor) -> Tensor:
    r"""Reverse twin (11) of a model with a density.

    .. math:: -\ln_{1-\alpha} \frac{q(x)}{p_{\bar\theta}(x)}, \qquad x \sim p_\theta

    The parameters within the ratio, :math:`\bar\theta`, are constants: the gradient comes through
    the sample. Where x is continuous that is the slope of the Tsallis logarithm in x, times
    :math:`\partial_\theta x`, whatever holds the parameters of p; where x is discrete it is the GO
    gradient, which sees only differences of the Tsallis logarithm and so is finite at α = 1.

    Args:
        p: The model, whose parameters carry a graph.
        q: The data; its support holds that of the model.
        alpha: α in [0, 1].
        x: Samples of ``p`` as :func:`draw` gives them, shape ``(*sample, *batch, *event)``.

    Returns:
        The surrogate of each sample, shape ``(*sample, *batch)``.

    Raises:
        ValueError: ``alpha`` is outside [0, 1], or ``x`` is continuous and does not carry the
            gradient of each parameter that the density has.

    Example:
        >>> from torch.distributions import Normal
        >>> mean = torch.tensor(3.0, requires_grad=True)
        >>> p = Normal(mean, 1.0)
        >>> reverse(p, Normal(0.0, 1.0), 1.0, draw(p)).backward()
        >>> mean.grad  # the same for every sample: the log-ratio is linear
        tensor(3.)

    Source:
        Zhao et al., AAAI 2020, equation (11); Cong et al., GO Gradient for Expectation-Based
        Objectives, ICLR 2019.
    """

    def loss(x: Tensor, log_p: Tensor) -> Tensor:
        return twin.reverse(q.log_prob(x) - log_p, alpha)

    if go.is_discrete(p):
        return go.surrogate(p, x, lambda x: loss(x, p.log_prob(x)))
    if not torch.is_grad_enabled():
        return loss(x, p.log_prob(x))
    x = x.expand(torch.broadcast_shapes(x.shape, q.batch_shape + q.event_shape))
    point = x.detach().requires_grad_()
    log_p = p.log_prob(point)
    _require_movement(p, x, _leaves(log_p) - {point})
    value = loss(point, log_p)
    (slope,) = torch.autograd.grad(value.sum(), point)
    move = slope * (x - x.detach())
    return value.detach() + move.unsqueeze(-1).flatten(value.ndim).sum(-1)


def bridge(
    p: Distribution,
    q: Distribution,
    alpha: float,
    gamma: Gamma,
    x_data: Tensor,
    x_model: Tensor,
) -> Tensor:
    r"""Combination (12) of the twins of a model with a density, unbiased for every γ.

    Returns:
        The surrogate of each pair of samples, shape ``(*sample, *batch)``.

    Raises:
        ValueError: As :func:`reverse`.

    Example:
        >>> from torch.distributions import Bernoulli
        >>> from alpha_bridge.gamma import LinearGamma
        >>> share = torch.tensor(0.25, requires_grad=True)
        >>> p, q = Bernoulli(share), Bernoulli(0.5)
        >>> x = q.sample((100,))
        >>> bridge(p, q, 0.5, LinearGamma(), x, draw(p, 100)).mean().backward()
        >>> share.grad < 0  # descent raises the share
        tensor(True)
    """
    log_p = p.log_prob(x_data)
    f = q.log_prob(x_data) - log_p
    likelihood = twin.bridge(log_p, f, torch.zeros_like(f), alpha, gamma)
    return likelihood + gamma(alpha) * reverse(p, q, alpha, x_model)


def draw(p: Distribution, *shape: int) -> Tensor:
    """Samples of a model for its reverse twin: reparameterised where the model can be.

    Example:
        >>> from torch.distributions import Gamma, Poisson
        >>> concentration = torch.ones(2, requires_grad=True)
        >>> draw(Gamma(concentration, 1.0), 5).requires_grad
        True
        >>> draw(Poisson(concentration), 5).shape
        torch.Size([5, 2])
    """
    return p.rsample(shape) if p.has_rsample else p.sample(shape)


def sample_gradients(
    density: Callable[..., Distribution],
    parameters: Sequence[Tensor],
    count: int,
    surrogate: Callable[[Distribution], Tensor],
) -> tuple[Tensor, ...]:
    """The gradient that each sample gives, by one backward pass.

    Every sample gets parameters of its own, so that their gradients stay apart.

    Args:
        density: From parameters with a leading axis of samples to the model.
        parameters: The parameters, each of any shape.
        count: Number of samples.
        surrogate: From the model, batch shape ``(count, ...)``, to the surrogate of each sample.

    Returns:
        For each parameter its gradients, shape ``(count, *parameter)``.

    Example:
        >>> from torch.distributions import Normal
        >>> one, data = torch.tensor(1.0), Normal(0.0, 1.0)
        >>> x = data.sample((4,))
        >>> (gradients,) = sample_gradients(
        ...     lambda mean: Normal(mean, 1.0), [one], 4, lambda p: forward(p, data, 0.0, x)
        ... )
        >>> torch.allclose(gradients, 1 - x)
        True
    """
    own = [value.detach().expand(count, *value.shape).clone() for value in parameters]
    for value in own:
        value.requires_grad_()
    return torch.autograd.grad(surrogate(density(*own)).sum(), own)


def _require_movement(p: Distribution, x: Tensor, parameters: set[Tensor]) -> None:
    """See that samples move with every parameter of the density."""
    name = type(p).__name__
    if not x.requires_grad:
        raise ValueError(
            f"the reverse twin of {name} needs samples that carry a gradient, got some without: "
            "draw them by p.rsample(), or give those of scalars one by alpha_bridge.go.attach"
        )
    if still := [tuple(parameter.shape) for parameter in parameters - _leaves(x)]:
        raise ValueError(
            f"the samples of {name} do not move with {len(still)} of the {len(parameters)} tensors "
            f"that its density depends on, one of shape {still[0]}, which would get no gradient: "
            "use a base and transforms that reparameterise all of theirs, or take those without a "
            "gradient"
        )


def _leaves(value: Tensor) -> set[Tensor]:
    """The tensors that ``value`` has a gradient for."""
    if value.grad_fn is None:
        return {value} if value.requires_grad else set()
    leaves, seen, ahead = set(), {value.grad_fn}, [value.grad_fn]
    while ahead:
        node = ahead.pop()
        if isinstance(leaf := getattr(node, "variable", None), Tensor):
            leaves.add(leaf)
        following = {other for other, _ in node.next_functions if other is not None} - seen
        seen |= following
        ahead += following
    return leaves
