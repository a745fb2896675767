"""A network as its blueprint builds it: what is stored of it gives it back."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..errors import one_line
from ..networks.blueprint import Blueprint


def as_built(network: nn.Module) -> nn.Module:
    """The network as its blueprint builds it, with the tensors of ``network``.

    What training put on its layers, such as spectral normalisation, becomes part of the weights.
    """
    plan = Blueprint.of(network)
    with torch.random.fork_rng(devices=[]):
        fresh = plan.build(trust=plan.modules)
    load_tensors(
        fresh, _baked(network, fresh), f"a {plan.path} that was changed after it was built"
    )
    return fresh.eval()


def _baked(network: nn.Module, fresh: nn.Module) -> dict[str, Tensor]:
    """Tensors of ``network``, with the results of those parametrizations that ``fresh`` lacks."""
    # read from a copy: a parametrization lives in its layer's class, which copies share, so that
    # taking it off the copy would take it off the network too
    own, layers = copy.deepcopy(network).eval(), dict(fresh.named_modules())
    tensors: dict[str, Tensor] = own.state_dict()
    for name, layer in own.named_modules():
        before = f"{name}." if name else ""
        for tensor in layer.parametrizations if parametrize.is_parametrized(layer) else ():
            if not parametrize.is_parametrized(layers.get(name, layer), tensor):
                inside = f"{before}parametrizations.{tensor}."
                tensors = {key: x for key, x in tensors.items() if not key.startswith(inside)}
                tensors[f"{before}{tensor}"] = getattr(layer, tensor).detach()
    return tensors


def load_tensors(module: nn.Module, tensors: dict[str, Tensor], whose: str) -> None:
    """Take over tensors in their own precision; the error names ``whose`` do not fit."""
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise ValueError(
            f"the weights of {whose} do not fit its networks ({one_line(error)})"
        ) from error
