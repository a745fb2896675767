"""The files of a shared model: ``config.json`` and ``model.safetensors``.

Both are read as data. Nothing in them is run: what they name is imported by
:meth:`~alpha_bridge.sharing.Blueprint.build` alone, if the caller trusts it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..data.units import PixelUnits, StandardUnits, Units
from ..files import sha256
from ..networks.blueprint import Blueprint

CONFIG = "config.json"
WEIGHTS = "model.safetensors"

UNITS: dict[Literal["model", "pixels"], type[Units]] = {"model": Units, "pixels": PixelUnits}
"""The kinds of units that have no numbers, by the name that the file has for them."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Standard(_Stored):
    """Mean and deviation of vectors, shape ``(D,)`` each."""

    mean: list[FiniteFloat]
    std: list[Positive]


class Stored(_Stored):
    """The content of ``config.json``.

    Attributes:
        units: Of the samples: the networks' own, pixels, or mean and deviation.
        sha256: Sum of ``model.safetensors``.
    """

    format: Literal["alpha_bridge/1"] = "alpha_bridge/1"
    generator: Blueprint
    encoder: Blueprint
    discriminator: Blueprint
    learn_noise: bool
    latent_shape: tuple[Annotated[int, Field(ge=1)], ...] | None
    units: Literal["model", "pixels"] | Standard
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> Stored:
        """Read and validate the file."""
        path = folder / CONFIG
        if not path.is_file():
            raise FileNotFoundError(
                f"{folder} is not a shared model: it has no {CONFIG}; give what "
                "alpha_bridge.sharing.save or push, or alpha-bridge export made"
            )
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(
                f"{path} is damaged, or not that of a shared model: "
                + (f"{key}: " if key else "")
                + first["msg"]
            ) from None

    def sample_units(self) -> Units:
        """Units of the samples."""
        if isinstance(self.units, Standard):
            moments = (
                torch.tensor(of, dtype=torch.float64) for of in (self.units.mean, self.units.std)
            )
            return StandardUnits(*moments)
        return UNITS[self.units]()

    def write(self, folder: Path) -> None:
        (folder / CONFIG).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def stored_units(units: Units) -> Literal["model", "pixels"] | Standard:
    """Units as the file has them; those of another kind are refused."""
    if isinstance(units, StandardUnits):
        return Standard(mean=units.mean.tolist(), std=units.std.tolist())
    for name, kind in UNITS.items():
        if type(units) is kind:
            return name
    raise ValueError(
        f"units must be Units(), PixelUnits() or StandardUnits(mean, std), got {units}"
    )


def read_weights(folder: Path, stored: Stored) -> dict[str, Tensor]:
    """Read the tensors, if their sum is the one that was stored."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {WEIGHTS}: restore it from where it came from")
    try:
        tensors = load_file(path)
        whole = sha256(path) == stored.sha256
    except SafetensorError as error:
        raise ValueError(
            f"{path} is damaged ({error}): restore it from where it came from"
        ) from error
    if not whole:
        raise ValueError(
            f"{path} is damaged: its SHA-256 sum is not the one in {CONFIG}; restore both from "
            "where they came from"
        )
    return tensors
