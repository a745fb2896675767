"""Adam without torch's compiler, which takes as long to import as torch itself."""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor

__all__ = ["Adam"]

OTHERWISE = ("amsgrad", "maximize", "capturable", "differentiable", "decoupled_weight_decay")
"""Settings of a group that the short way does not know."""

Operands = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor], list[Tensor]]
"""Parameters, gradients, their means, the means of their squares, and counts of steps."""


class Adam(torch.optim.Adam):
    """torch's Adam, to the last bit, with less around it.

    torch's compiler wraps the methods, and the wrappers import the compiler when they are first
    called. Compiled networks do not need them: they hold an optimiser back from being compiled
    itself, and none here is.

    A fused step of parameters that all have gradients, of one type on one device, calls torch's
    kernel itself: to sort them by type and device takes longer, of a small network. All other
    steps are torch's own.

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
    _torchs_step = torch.no_grad()(unwrap(torch.optim.Adam.step))
    _torchs_zero_grad = unwrap(torch.optim.Adam.zero_grad)

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        groups = self.param_groups
        plain = [] if closure else [of for group in groups if (of := self._operands(group))]
        if len(plain) < len(groups):
            loss: float | None = self._torchs_step(closure)
            return loss
        for group, operands in zip(groups, plain, strict=True):
            _fused_step(group, *operands)
        return None

    def zero_grad(self, set_to_none: bool = True) -> None:
        if not set_to_none:
            self._torchs_zero_grad(set_to_none)
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _operands(self, group: dict[str, Any]) -> Operands | None:
        """What torch's kernel takes for a group; None where the step must be torch's own."""
        if not self._is_plain(group):
            return None
        operands: Operands = [], [], [], [], []
        parameters, gradients, means, squares, steps = operands
        for parameter in group["params"]:
            gradient, state = parameter.grad, self.state[parameter]
            if gradient is None or gradient.is_sparse or not state:
                return None
            parameters.append(parameter)
            gradients.append(gradient)
            means.append(state["exp_avg"])
            squares.append(state["exp_avg_sq"])
            steps.append(state["step"])
        return operands

    def _is_plain(self, group: dict[str, Any]) -> bool:
        kinds = {(parameter.dtype, parameter.device) for parameter in group["params"]}
        return (
            bool(group["fused"])
            and isinstance(group["lr"], float)
            and len(kinds) == 1
            and getattr(self, "found_inf", None) is None
            and not any(map(group.get, OTHERWISE))
        )


def _fused_step(
    group: dict[str, Any],
    parameters: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
) -> None:
    beta1, beta2 = group["betas"]
    torch._foreach_add_(steps, 1)
    torch._fused_adam_(
        parameters,
        gradients,
        means,
        squares,
        [],
        steps,
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )
