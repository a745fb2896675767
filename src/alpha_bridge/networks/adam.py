"""Adam without torch's compiler, which takes as long to import as torch itself."""

from inspect import unwrap

import torch

__all__ = ["Adam"]


class Adam(torch.optim.Adam):
    """torch's Adam, to the last bit; only its methods are those that torch's compiler wraps.

    The wrappers import the compiler when they are first called. Compiled networks do not need
    them: they hold an optimiser back from being compiled itself, and none here is.

    Example:
        >>> weight = torch.ones(1, requires_grad=True)
        >>> optimizer = Adam([weight], lr=0.5)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.detach()
        tensor([0.5000])
    """

    add_param_group = unwrap(torch.optim.Adam.add_param_group)
    load_state_dict = unwrap(torch.optim.Adam.load_state_dict)
    state_dict = unwrap(torch.optim.Adam.state_dict)
    step = torch.no_grad()(unwrap(torch.optim.Adam.step))
    zero_grad = unwrap(torch.optim.Adam.zero_grad)
