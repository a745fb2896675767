"""What the three networks must give one another, tried on a batch before the first update."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ..gaussian import moments
from ..model import AlphaBridge, NetworkName
from ..networks.input_sizes import called, explained
from ..objective import Noise, Objective
from .average import at_rest


def require_contract(
    model: AlphaBridge, objective: Objective, x: Tensor, prior: tuple[int, ...] | None = None
) -> None:
    """Hold the networks to what they are for, and note the shape of a latent.

    They are tried in evaluation mode, which leaves running means and dropout alone.

    Args:
        model: The networks, on the device of ``x``.
        objective: Says what the discriminator takes.
        x: Samples in model units, shape ``(*trials, batch, *event)``.
        prior: Shape of a sample of the second domain; None for latents from N(0, I).

    Raises:
        ValueError: A network cannot take what another one gives, or gives something of another
            shape; one line that says which.
    """
    tried, lead = at_rest(model), model.batch_ndim
    event = tuple(x.shape[lead:])
    with _named(tried, "encoder", f"samples of shape {event}") as encoder:
        mean, _ = moments(tried.encoder(x), lead)
    latent = tuple(mean.shape[lead:])
    if mean.shape[:lead] != x.shape[:lead] or not latent:
        raise ValueError(
            f"{encoder} must give a mean for each sample, got shape {tuple(mean.shape)} for "
            f"samples of shape {tuple(x.shape)}: keep the first dimensions, the latent comes behind"
        )
    domain = "the generator takes" if prior is None else "the second domain has"
    expected = model.latent_shape if prior is None else prior
    if expected not in (None, latent):
        raise ValueError(
            f"{encoder} gives latents of shape {latent}, and {domain} {expected}: make both the "
            "same (one tensor with mean and log-variance has twice the size of a latent)"
        )
    with _named(
        tried, "generator", f"latents of shape {latent}, as the encoder's means are"
    ) as generator:
        decoded = tried.decode(mean)
    if not isinstance(decoded, Tensor) or decoded.shape != x.shape:
        shape = f" {tuple(decoded.shape)}" if isinstance(decoded, Tensor) else ""
        raise ValueError(
            f"{generator} must give samples like the data's, a tensor of shape {tuple(x.shape)} "
            f"for this batch, got {type(decoded).__name__}{shape}"
        )
    with _named(tried, "discriminator", f"samples of shape {event}"):
        objective.discrimination(tried, x, Noise(mean, torch.zeros_like(mean)))
    model.latent_shape = latent


@contextmanager
def _named(model: AlphaBridge, network: NetworkName, given: str) -> Iterator[str]:
    """What a network is called, and why it cannot take what it is given."""
    module = model.get_submodule(network)
    with explained(module, name := called(network, module), given):
        yield name
