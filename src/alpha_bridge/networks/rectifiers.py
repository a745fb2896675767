r"""The passes of leaky rectifier networks, written out.

A layer makes :math:`h = W a + b` of the numbers a before it, and hands on :math:`\rho(h)` with the
rectifier ρ. From a slope s of each output y, a pass back finds
:math:`u = \partial \langle s, y \rangle / \partial h` of every layer, and gradients are made of u:

.. math:: \nabla_W \sum_i w_i \langle s_i, y_i \rangle = \sum_i w_i \, u_i a_i^T

So one pass back serves all losses that begin with the same slopes, whatever weight w each of them
gives a sample. Around almost every input the network is affine. So for a penalty P of its slope
there, :math:`v = W_1^T u_1`, a pass back through the pass back is one forward through the layers,
without their biases:

.. math:: \nabla_{W_k} P = \sum_i u_{k,i} t_{k,i}^T, \qquad
    t_1 = \frac{\partial P}{\partial v}, \quad t_{k+1} = \rho'(h_k) \odot W_k t_k

Here samples are columns: numbers of a layer have the shape ``(*trials, size, batch)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .mlp import LEAK, Linear, MLPDiscriminator, MLPEncoder, MLPGenerator
from .surrogate import GaussianHead

Layers = tuple[Linear, ...]

KNOWN = (MLPGenerator, MLPEncoder, MLPDiscriminator)
"""Networks that may be no more than their layers; a subclass may do something else."""


def layers_of(network: nn.Module) -> Layers | None:
    """The layers of a fully connected network that is no more than them, all of them trained.

    None of any other: one that is compiled, that has a layer of another kind, a spectral norm, a
    frozen weight, or something that watches it by a hook.

    Example:
        >>> len(layers_of(MLPGenerator(2, 3, hidden=(6, 6))) or ())
        3
        >>> layers_of(nn.Linear(2, 3)) is None
        True
    """
    if type(network) not in KNOWN or network._compiled_call_impl is not None:
        return None
    parts = [part for part in network._modules.values() if part is not None]
    if type(parts[-1]) is GaussianHead:
        del parts[-1]
    layers, rectifiers = cast(list[Linear], parts[::2]), parts[1::2]
    plain = (
        all(type(layer) is Linear for layer in layers)
        and all(type(one) is nn.LeakyReLU and one.negative_slope == LEAK for one in rectifiers)
        and not any(map(_has_hooks, (network, *parts)))
        and all(_is_trained(p) for layer in layers for p in (layer.weight, layer.bias))
    )
    return tuple(layers) if plain else None


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )


def _is_trained(p: nn.Parameter) -> bool:
    """Whether it takes a gradient, and no hook changes that."""
    return p.requires_grad and not p._backward_hooks


@dataclass(frozen=True)
class ForwardPass:
    """A pass forward, and what it leaves for one back.

    Attributes:
        layers: Of the network.
        numbers: What each layer was given, and then what the last one made.
    """

    layers: Layers
    numbers: Sequence[Tensor]

    @classmethod
    def of(cls, layers: Layers, x: Tensor) -> ForwardPass:
        """That of samples ``x``."""
        numbers = [x]
        for layer in layers[:-1]:
            numbers.append(F.leaky_relu(layer.columns(numbers[-1]), LEAK, inplace=True))
        return cls(layers, [*numbers, layers[-1].columns(numbers[-1])])

    @property
    def outputs(self) -> Tensor:
        """What the network made."""
        return self.numbers[-1]

    def part(self, begin: int, end: int) -> ForwardPass:
        """That of some of the samples."""
        return ForwardPass(self.layers, [part(a, begin, end) for a in self.numbers])

    def back(self, slopes: Tensor) -> BackwardPass:
        """The pass back from a slope of each output."""
        found = [slopes]
        for layer, a in zip(self.layers[:0:-1], self.numbers[-2:0:-1], strict=True):
            found.append(_before(a, layer.weight.mT @ found[-1]))
        return BackwardPass(self, found[::-1])


@dataclass(frozen=True)
class BackwardPass:
    """A pass back, and the gradients that are made of it.

    Attributes:
        forward: The pass that it goes back through.
        slopes: u of each layer.
    """

    forward: ForwardPass
    slopes: Sequence[Tensor]

    def part(self, begin: int, end: int) -> BackwardPass:
        """That of some of the samples."""
        slopes = [part(u, begin, end) for u in self.slopes]
        return BackwardPass(self.forward.part(begin, end), slopes)

    def at_input(self) -> Tensor:
        """v, the slope at the samples."""
        return self.forward.layers[0].weight.mT @ self.slopes[0]

    def leave(self, weights: Tensor | None = None) -> None:
        """Leave the gradient with each parameter, as ``backward()`` does.

        Args:
            weights: w of each sample, ``(*trials, 1, batch)``; 1 by default.
        """
        forward = self.forward
        for layer, a, u in zip(forward.layers, forward.numbers[:-1], self.slopes, strict=True):
            if weights is None:
                layer.weight.grad, layer.bias.grad = u @ a.mT, u.sum(-1, keepdim=True)
            else:
                layer.weight.grad, layer.bias.grad = u @ (weights * a).mT, u @ weights.mT

    def add_penalty(self, t: Tensor) -> None:
        """Add that of a penalty of v to the gradients that are there: ``t`` is its slope in v."""
        forward = self.forward
        for layer, a, u in zip(forward.layers, forward.numbers[1:], self.slopes, strict=True):
            assert layer.weight.grad is not None
            layer.weight.grad += u @ t.mT
            if layer is not forward.layers[-1]:
                t = _before(a, layer.weight @ t)


def part(numbers: Tensor, begin: int, end: int) -> Tensor:
    """Those of some of the samples."""
    return numbers.narrow(-1, begin, end - begin)


def _before(made: Tensor, slope: Tensor) -> Tensor:
    """The slope before a rectifier, of that behind it; what it ``made`` has the sign of its h."""
    before: Tensor = torch.ops.aten.leaky_relu_backward(slope, made, LEAK, True)
    return before
