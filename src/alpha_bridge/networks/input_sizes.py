"""Why a network cannot take what it is given: the layer whose input has another size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import one_line


class WrongSize(ValueError):
    """A layer was given another number of channels, or of features, than it takes."""

    def __init__(self, message: str, layer: nn.Module) -> None:
        super().__init__(message)
        self.layer = layer


def called(role: str, network: nn.Module) -> str:
    """What a network is called in a line, by its role and its class.

    Example:
        >>> called("encoder", nn.Linear(3, 1))
        'the encoder, a Linear,'
    """
    return f"the {role}, a {type(network).__name__},"


@contextmanager
def explained(network: nn.Module, name: str, given: str) -> Iterator[None]:
    """Say in a line that a network cannot take what it is given, by the layer that fails.

    Args:
        network: That is called within.
        name: What it is called.
        given: What it is given.

    Raises:
        WrongSize: A layer of it takes something of another size; the line says of which.
        ValueError: Torch refuses it for another reason, which the line has.

    Example:
        >>> with explained(network := nn.Linear(3, 1), "the encoder", "vectors of 2"):
        ...     network(torch.zeros(9, 2))
        Traceback (most recent call last):
            ...
        alpha_bridge.networks.input_sizes.WrongSize: the encoder cannot take vectors of 2: a \
Linear of it takes 3 numbers, and got 2: make both fit
    """
    entered: list[tuple[nn.Module, torch.Size]] = []

    def note(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and isinstance(inputs[0], Tensor):
            entered[:] = [(layer, inputs[0].shape)]

    hooks = [layer.register_forward_pre_hook(note) for layer in network.modules()]
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, IndexError) as error:
        for layer, shape in entered:
            if what := _another_size(layer, shape):
                raise WrongSize(f"{name} cannot take {given}: {what}", layer) from error
        raise ValueError(f"{name} cannot take {given}: {one_line(error)}") from error
    finally:
        for hook in hooks:
            hook.remove()


def _another_size(layer: nn.Module, shape: torch.Size) -> str:
    """What a layer takes, and what it got, where these differ; else nothing."""
    if isinstance(layer, nn.Linear):
        takes, noun, place = layer.in_features, "number", 1
    elif isinstance(layer, nn.modules.conv._ConvNd):
        takes, noun, place = layer.in_channels, "channel", len(layer.kernel_size) + 1
    else:
        return ""
    if len(shape) < place or shape[-place] == takes:
        return ""
    many = f"{takes} {noun}{'' if takes == 1 else 's'}"
    return f"a {type(layer).__name__} of it takes {many}, and got {shape[-place]}: make both fit"
