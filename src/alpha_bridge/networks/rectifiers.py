r"""Backpropagation through leaky rectifier networks, written out.

A layer makes :math:`h = W a + b` of the activations a before it, and hands on :math:`\rho(h)` with
the rectifier ρ. From a gradient g at each output y, a pass back finds
:math:`\delta = \partial \langle g, y \rangle / \partial h` at every layer, and

.. math:: \nabla_W \sum_i w_i \langle g_i, y_i \rangle = \sum_i w_i \, \delta_i a_i^T

So one pass back serves all losses that have the same g but weights w of their own. Around almost
every input the network is affine. So for a penalty P of the gradient at the input,
:math:`v = W_1^T \delta_1`, the pass back through the pass back is one forward through the layers,
without their biases:

.. math:: \nabla_{W_k} P = \sum_i \delta_{k,i} t_{k,i}^T, \qquad
    t_1 = \frac{\partial P}{\partial v}, \quad t_{k+1} = \rho'(h_k) \odot W_k t_k

Samples are columns here: activations have the shape ``(*trials, size, batch)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .mlp import LEAK, Linear, MLPDiscriminator, MLPEncoder, MLPGenerator, affine
from .surrogate import GaussianHead

Layers = Sequence[tuple[nn.Parameter, nn.Parameter]]
"""Weight and bias of each layer."""

KNOWN = (MLPGenerator, MLPEncoder, MLPDiscriminator)
"""Networks that are layers with rectifiers in between; a subclass may do something else."""

_leaky_relu_backward = torch.ops.aten.leaky_relu_backward.default


def layers_of(network: nn.Module) -> Layers | None:
    """The layers of a fully connected network that nobody has changed, all of them trained.

    None of any other: one that is compiled, that has a part of another kind, a spectral norm, a
    frozen weight, a ``forward`` of its own or a hook.

    Example:
        >>> len(layers_of(MLPGenerator(2, 3, hidden=(6, 6))) or ())
        3
        >>> layers_of(nn.Linear(2, 3)) is None
        True
    """
    if type(network) not in KNOWN or network._compiled_call_impl is not None:
        return None
    parts = [part for part in network._modules.values() if part is not None]
    if type(network) is MLPEncoder and parts and type(parts[-1]) is GaussianHead:
        del parts[-1]
    plain = (
        len(parts) % 2 == 1
        and all(type(layer) is Linear for layer in parts[::2])
        and all(type(one) is nn.LeakyReLU and one.negative_slope == LEAK for one in parts[1::2])
        and not any(map(_is_changed, (network, *parts)))
    )
    layers = [(layer.weight, layer.bias) for layer in cast(list[Linear], parts[::2]) if plain]
    return layers if plain and all(map(_is_trained, chain.from_iterable(layers))) else None


def _is_changed(module: nn.Module) -> bool:
    """Whether a call of it does more than its class says."""
    return bool(
        "forward" in vars(module)
        or module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )


def _is_trained(p: nn.Parameter) -> bool:
    """Whether it takes a gradient, and no hook sees it."""
    return p.requires_grad and not (p._backward_hooks or p._post_accumulate_grad_hooks)


@dataclass(frozen=True)
class ForwardPass:
    """A pass forward, with what a pass back needs of it.

    Attributes:
        layers: Those of the network.
        activations: What each layer was given, and then what the last one made.
    """

    layers: Layers
    activations: Sequence[Tensor]

    @classmethod
    def of(cls, layers: Layers, x: Tensor) -> ForwardPass:
        """Pass samples ``x`` through ``layers``."""
        activations = [x]
        for weight, bias in layers:
            if len(activations) > 1:
                F.leaky_relu(activations[-1], LEAK, inplace=True)
            activations.append(affine(weight, bias, activations[-1]))
        return cls(layers, activations)

    @property
    def outputs(self) -> Tensor:
        """What the network made."""
        return self.activations[-1]

    def part(self, samples: slice) -> ForwardPass:
        """The pass of some of the samples."""
        return ForwardPass(self.layers, _part(self.activations, samples))

    def back(self, gradients: Tensor) -> BackwardPass:
        """The pass back from a gradient at each output."""
        deltas = [gradients]
        for (weight, _), a in zip(self.layers[:0:-1], self.activations[-2:0:-1], strict=True):
            deltas.append(_before(a, weight.mT @ deltas[-1]))
        return BackwardPass(self.layers, self.activations[:-1], deltas[::-1])


@dataclass(frozen=True)
class BackwardPass:
    """A pass back, and the gradients that are made of it.

    Attributes:
        layers: Those of the network.
        activations: What each layer was given.
        deltas: δ of each layer.
    """

    layers: Layers
    activations: Sequence[Tensor]
    deltas: Sequence[Tensor]

    def part(self, samples: slice) -> BackwardPass:
        """The pass of some of the samples."""
        activations, deltas = (_part(of, samples) for of in (self.activations, self.deltas))
        return BackwardPass(self.layers, activations, deltas)

    def at_input(self, samples: slice) -> Tensor:
        """v, the gradient at some of the samples."""
        weight, _ = self.layers[0]
        v: Tensor = weight.mT @ self.deltas[0][..., samples]
        return v

    def set_gradients(self, weights: Tensor | None = None) -> None:
        """Give each parameter its gradient, in place of any that it has.

        Args:
            weights: w of each sample, ``(*trials, 1, batch)``; 1 by default.
        """
        for (weight, bias), a, delta in zip(
            self.layers, self.activations, self.deltas, strict=True
        ):
            if weights is None:
                weight.grad, bias.grad = delta @ a.mT, delta.sum(-1, keepdim=True)
            else:
                weight.grad, bias.grad = delta @ (weights * a).mT, delta @ weights.mT

    def add_penalty(self, t: Tensor) -> None:
        """Add the gradients of a penalty whose gradient in v, of the first samples, is ``t``."""
        above, first = None, slice(t.shape[-1])
        for (weight, _), a, delta in zip(self.layers, self.activations, self.deltas, strict=True):
            if above is not None:
                t = _before(a[..., first], above @ t)
            assert weight.grad is not None
            weight.grad += delta[..., first] @ t.mT
            above = weight


def _part(of: Sequence[Tensor], samples: slice) -> list[Tensor]:
    return [columns[..., samples] for columns in of]


def _before(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients before a rectifier, of those behind it; ``activations`` are what it made."""
    before: Tensor = _leaky_relu_backward(gradients, activations, LEAK, True)
    return before
