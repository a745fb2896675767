"""One backward pass that serves several networks, exactly.

Where two losses depend on a network's output through one number of each sample, their gradients
behind that number are multiples of each other: one pass goes through the network, and what comes
back is rescaled, sample by sample, by the ratio of the two slopes.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..model import NetworkName

# float32 ends at 1e-38: a slope of 1e-20 times a network's gradient of 1e-18 still has all digits,
# and so has its inverse. The logistic loss has that slope in a fake at a logit of -46.
LEAST_DIVISOR = 1e-20


def slopes(loss: Tensor, *at: Tensor) -> tuple[Tensor, ...]:
    """Derivatives of each sample's loss in each of its numbers, zero where it has none.

    They are taken on the graph that the loss has, which stays, and go no further back than to those
    numbers.

    Example:
        >>> numbers = torch.tensor([3.0], requires_grad=True), torch.tensor([1.0])
        >>> slopes(numbers[0] ** 2, *numbers)
        (tensor([6.]), tensor([0.]))
    """
    reached = [value for value in at if value.requires_grad]
    if not (loss.requires_grad and reached):
        return tuple(map(torch.zeros_like, at))
    found = iter(
        torch.autograd.grad(loss.sum(), reached, retain_graph=True, materialize_grads=True)
    )
    return tuple(next(found) if x.requires_grad else torch.zeros_like(x) for x in at)


def divisible(*slopes: Tensor) -> list[bool]:
    """Whether float32 can divide again by every slope it multiplied by, for each tensor.

    Example:
        >>> divisible(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
        [True, False]
    """
    sizes = torch.stack([slope.abs().flatten() for slope in slopes])
    within = (sizes > LEAST_DIVISOR) & (sizes < 1 / LEAST_DIVISOR)
    verdicts: list[bool] = within.all(1).tolist()
    return verdicts


def summed(
    losses: Mapping[NetworkName, Tensor], joined: Iterable[NetworkName]
) -> dict[tuple[NetworkName, ...], Tensor]:
    """The losses of the networks that share a pass in one sum, the others by themselves."""
    together = tuple(joined)
    total = torch.stack([losses[network] for network in together]).sum(0)
    apart = [network for network in losses if network not in together]
    return {together: total} | {(network,): losses[network] for network in apart}


def mixes_samples(network: nn.Module) -> bool:
    """Whether a sample's output depends on the other samples of its batch.

    Example:
        >>> mixes_samples(nn.BatchNorm1d(2)), mixes_samples(nn.Linear(2, 2))
        (True, False)
    """
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def rescale_gradient(x: Tensor, scale: Tensor) -> None:
    """Multiply the gradient that comes back to ``x``, if any, by each sample's ``scale``.

    Their shapes are ``(*trials, batch, *event)`` and ``(*trials, batch)``.

    Example:
        >>> z = torch.ones(1, 1, requires_grad=True)
        >>> rescale_gradient(z, torch.tensor([4.0]))
        >>> z.sum().backward()
        >>> z.grad
        tensor([[4.]])
    """
    if x.requires_grad:
        x.register_hook(lambda g: g * scale.reshape(*scale.shape, *[1] * (g.ndim - scale.ndim)))
