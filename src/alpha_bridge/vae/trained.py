"""What is implemented for each library of VAEs: its files, its networks, reading and writing."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, ClassVar, Self
from warnings import catch_warnings

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import one_line
from ..files import filling, read_json
from ..files.vae_folder import VAEFiles
from ..networks.blueprint import Blueprint
from .form import Form
from .latents import Numbers

__all__ = ["Origin", "TrainedVAE", "imported", "tensors_in"]

Origin = dict[str, Any]
"""Which library a VAE is of, its configuration there, and the form of its files if it is not the
library's usual one: of values that JSON knows."""

ARM = "alpha_bridge.vae.library:Library{}"
"""By which path an arm is built of an origin."""

PLACE = "_name_or_path"
"""Where diffusers notes from which folder a model was read: nothing to hand on."""


class TrainedVAE(ABC):
    """A VAE of another library as an encoder and a decoder of images in [−1, 1].

    Attributes:
        origin: Of what the VAE is built again.
        form: In which the files come and go.
        model: The library's own object, which shares its weights with both.
        encoder: What a :class:`~alpha_bridge.vae.VAEEncoder` takes; it has a blueprint.
        decoder: What a :class:`~alpha_bridge.vae.VAEGenerator` takes; likewise.
        channels: Of the images that it takes.
        size: Pixels of a side of the images that it was made for, if its configuration says so.
        scale: s, from the VAE's latents to those of the prior, as its files have it.
        shift: m, likewise.
        quantized: Whether its decoder sees entries of a codebook, and alone can be trained.
        notes: What a user should know of how it was read, in a line each.
    """

    library: ClassVar[str]

    form: Form
    model: nn.Module
    encoder: nn.Module
    decoder: nn.Module
    channels: int
    size: int | None = None
    scale: Numbers = 1.0
    shift: Numbers = 0.0
    quantized: bool = False
    notes: tuple[str, ...] = ()

    def __init__(self, config: dict[str, Any], form: Form | None = None) -> None:
        """Build the networks of a library's configuration, not yet with its weights."""
        config = {key: value for key, value in config.items() if key != PLACE}
        self.origin: Origin = {"library": self.library, "config": config}
        self.build(config)
        self._came_in(form or Form())

    def _came_in(self, form: Form) -> None:
        """Keep in which form the files are, and note in both arms of what they are built again."""
        self.form = form
        if unusual := form.as_json():
            self.origin["form"] = unusual
        for arm, network in (("Encoder", self.encoder), ("Decoder", self.decoder)):
            network.blueprint = Blueprint(ARM.format(arm), self.origin)  # type: ignore[assignment]

    @classmethod
    def load(cls, files: VAEFiles) -> Self:
        """Read the files of a VAE of the library; nothing in them is executed."""
        try:
            vae = cls(read_json(files.config))
        except ValueError as error:
            raise ValueError(f"{files.config}: {error}") from error
        vae.notes = (*files.notes, *vae.notes)
        try:
            vae._came_in(Form.read(files, vae.read(files)))
        except Exception as error:  # whatever a broken file makes a library raise
            raise ValueError(
                f"{files.weights} cannot be read ({one_line(error)}): restore it from a copy"
            ) from error
        if others := sorted(vae.form.dtypes - {Form.dtype}):
            of = f"{files.weights.name} is of {' and '.join(others)}"
            vae.notes += (f"{of}: its VAE is trained in float32, and restored as it came",)
        for name, tensor in vae.model.state_dict().items():
            if not tensor.isfinite().all():
                raise ValueError(f"{name} in {files.weights} is not finite: restore it from a copy")
        vae.model.eval()
        return vae

    def save(self, folder: Path) -> None:
        """Write the library's files into a new or empty folder, all of them or none."""
        with filling(folder) as partial:
            try:
                self.write(self.form.applied(self.model), partial)
            except (RuntimeError, SafetensorError) as error:  # how the library reports a full disk
                raise OSError(one_line(error)) from error

    @abstractmethod
    def build(self, config: dict[str, Any]) -> None:
        """Set the attributes that are networks and numbers."""

    @abstractmethod
    def read(self, files: VAEFiles) -> Sequence[Mapping[str, Tensor]]:
        """Take the weights from the library's files, and give the tensors of each file."""

    @abstractmethod
    def write(self, model: nn.Module, folder: Path) -> None:
        """Write the library's own object so that :meth:`load` reads it, by the library's means."""

    @abstractmethod
    def latent_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the latent of one image of so many pixels."""

    @abstractmethod
    def nearest(self, pixels: int) -> int:
        """The side of an image nearest to one of ``pixels`` that the VAE takes."""

    def checkpoint(self) -> None:
        """Keep few activations for the backward pass, which computes the others again.

        Raises:
            ValueError: The library has no means for that, for this VAE.
        """
        raise ValueError(
            f"{self.library} has no gradient checkpointing for its {type(self.model).__name__}: "
            "leave out --model.checkpointing, and give a smaller batch"
        )

    def require(self, event_shape: tuple[int, ...], option: str = "--images.size") -> None:
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
                f"--images.channels {self.channels} with images of files, or other data with --data"
            )
        for side in sides:
            if (near := self.nearest(side)) != side:
                raise ValueError(
                    f"the VAE does not take images of {side} pixels: give {option} {near} "
                    "with images of files, or other data with --data"
                )


def tensors_in(file: Path) -> dict[str, Any]:
    """What a file of safetensors or a pickle of tensors holds; nothing in it is executed."""
    if file.suffix == ".safetensors":
        return load_file(file)
    try:
        with catch_warnings(action="ignore"):
            found: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError:  # whose text, like the warning, is about running what is in it
        raise ValueError(f"{file.name} is no pickle of tensors alone") from None
    return found


def imported(library: str, module: str) -> ModuleType:
    """A module of an optional library."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(
            f"{library} is needed for its VAEs, and cannot be imported ({error}): install it with "
            "pip install 'alpha-bridge[vae]'"
        ) from error
