"""What stands between a library's networks and the bridge: moments of encoders, and decoders."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

__all__ = ["Certain", "Halves", "QuantizedDecoder", "named"]

LEAST, MOST = -30.0, 20.0
"""Bounds of the log-variance in diffusers' own distribution."""


class Halves(nn.Module):
    """Mean and log-variance as the halves of the channels, with diffusers' own bounds."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = x.chunk(2, 1)
        return mean, log_variance.clamp(LEAST, MOST)


class Certain(nn.Module):
    """The latent as the mean, with the least log-variance, for encoders that have none."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, torch.full_like(x, LEAST)


class QuantizedDecoder(nn.Module):
    """The decoder of a ``VQModel``, which sees the nearest entries of its codebook.

    The gradient passes the choice of an entry as if there were none. Where its norms are spatial,
    as in Kandinsky's ``movq``, it sees the latents themselves, as in all of Kandinsky's pipelines.
    """

    def __init__(
        self, quantize: nn.Module, post_quant_conv: nn.Module, decoder: nn.Module, spatial: bool
    ) -> None:
        super().__init__()
        self.quantize = quantize.requires_grad_(False)
        self.post_quant_conv, self.decoder = post_quant_conv, decoder
        self.spatial = spatial

    def forward(self, z: Tensor) -> Tensor:
        entries = z if self.spatial else self.quantize(z)[0]
        beside = entries if self.spatial else None  # what its norms are modulated by, if they are
        decoded: Tensor = self.decoder(self.post_quant_conv(entries), beside)
        return decoded


def named(**modules: nn.Module | None) -> nn.Sequential:
    """Modules in a row under their names, those that there are."""
    present = {name: module for name, module in modules.items() if module is not None}
    return nn.Sequential(OrderedDict(present))
