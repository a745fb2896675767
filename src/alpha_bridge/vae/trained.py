"""What is implemented for each library of VAEs: its files, its networks, reading and writing."""

import importlib
from abc import ABC, abstractmethod
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

from safetensors import SafetensorError
from torch import nn

from ..errors import one_line
from ..files import filling, read_json
from .pair import Numbers

__all__ = ["Origin", "TrainedVAE", "imported"]

Origin = dict[str, Any]
"""Which library a VAE is of, and its configuration there: of values that JSON knows."""


class TrainedVAE(ABC):
    """A VAE of another library as an encoder and a decoder of images in [−1, 1].

    Attributes:
        model: The library's own object, which shares its weights with both.
        encoder: What a :class:`~alpha_bridge.vae.VAEEncoder` takes.
        decoder: What a :class:`~alpha_bridge.vae.VAEGenerator` takes; it carries ``origin``.
        scale: s, from the VAE's latents to those of the prior, as its files have it.
        shift: m, likewise.
    """

    library: ClassVar[str]
    config_file: ClassVar[str]
    weights_file: ClassVar[str]

    model: nn.Module
    encoder: nn.Module
    decoder: nn.Module
    channels: int
    scale: Numbers = 1.0
    shift: Numbers = 0.0

    def __init__(self, config: dict[str, Any]) -> None:
        """Build the networks of a library's configuration, not yet with its weights."""
        self.origin: Origin = {"library": self.library, "config": config}
        self.build(config)
        self.decoder.origin = self.origin  # type: ignore[assignment]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder of the library; nothing in it is executed."""
        config = folder / cls.config_file
        content = read_json(config)
        try:
            vae = cls(content)
        except ValueError as error:
            raise ValueError(f"{config}: {error}") from error
        weights = folder / cls.weights_file
        if not weights.is_file():
            raise FileNotFoundError(
                f"{folder} has a {cls.config_file} and no {cls.weights_file}: give one with both"
            )
        vae.read(weights)
        for name, tensor in vae.model.state_dict().items():
            if not tensor.isfinite().all():
                raise ValueError(f"{name} in {weights} is not finite: restore it from a copy")
        vae.model.eval()
        return vae

    def save(self, folder: Path) -> None:
        """Write the library's files into a new or empty folder, all of them or none."""
        with filling(folder) as partial:
            try:
                self.write(partial)
            except (RuntimeError, SafetensorError) as error:  # how the library reports a full disk
                raise OSError(one_line(error)) from error

    @abstractmethod
    def build(self, config: dict[str, Any]) -> None:
        """Set the attributes that are networks and numbers."""

    @abstractmethod
    def read(self, weights: Path) -> None:
        """Take the weights from a file of the library."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write what :meth:`load` reads, by the library's own means."""

    @abstractmethod
    def latent_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the latent of one image of so many pixels."""

    @abstractmethod
    def nearest(self, pixels: int) -> int:
        """The side of an image nearest to one of ``pixels`` that the VAE takes."""

    def require(self, event_shape: tuple[int, ...]) -> None:
        """Refuse samples of a shape that the VAE does not take, with what to change."""
        if len(event_shape) != 3:
            raise ValueError(
                f"the VAE takes images, and the data have samples of shape {event_shape}: give "
                "images with --data"
            )
        channels, *sides = event_shape
        if channels != self.channels:
            raise ValueError(
                f"the VAE takes {self.channels} channel(s), and the data have {channels}: give "
                f"--images.channels {self.channels}, or other data with --data"
            )
        for side in sides:
            if (near := self.nearest(side)) != side:
                raise ValueError(
                    f"the VAE does not take images of {side} pixels: give --images.size {near}, or "
                    "other data with --data"
                )


def imported(library: str, module: str) -> ModuleType:
    """A module of an optional library."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(
            f"{library} is needed for its VAEs, and cannot be imported ({error}): install it with "
            "pip install 'alpha-bridge[vae]'"
        ) from error
