"""The files of a shared model: ``config.json`` and ``model.safetensors``.

Both are read as data. Nothing in them is run: what they name is imported by
:meth:`~alpha_bridge.sharing.Blueprint.build` alone, if the caller trusts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..data.units import PixelUnits, StandardUnits, Units
from ..files import sha256
from ..files.run_folder import CONFIG, WEIGHTS
from ..networks.blueprint import Blueprint
from ..observation import RowFamily

Kind = Literal["model", "pixels", "table"]
"""Units that have no numbers in the file; those of a table have tensors beside the weights."""

UNITS: dict[Kind, type[Units]] = {"model": Units, "pixels": PixelUnits}
COLUMNS = "units."
"""How the names of a table's tensors begin."""

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
        units: Of the samples: the networks' own, pixels, those of a table, or mean and deviation.
        sha256: Sum of ``model.safetensors``.
    """

    format: Literal["alpha_bridge/1"] = "alpha_bridge/1"
    generator: Blueprint
    encoder: Blueprint
    discriminator: Blueprint
    learn_noise: bool
    latent_shape: tuple[Annotated[int, Field(ge=1)], ...] | None
    units: Kind | Standard
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

    def sample_units(self, tensors: Mapping[str, Tensor], rows: RowFamily | None) -> Units:
        """Units of the samples; those of a table, which fit ``rows``, by the tensors beside."""
        if isinstance(self.units, Standard):
            moments = (
                torch.tensor(of, dtype=torch.float64) for of in (self.units.mean, self.units.std)
            )
            return StandardUnits(*moments)
        if self.units == "table":
            from ..data.tables import TableUnits

            units = TableUnits.of(tensors)
            if units.rows != rows:
                raise ValueError("they are not those that the generator makes")
            units.table(torch.zeros(2, units.rows.size))  # a column that cannot be made, says so
            return units
        return UNITS[self.units]()

    def write(self, folder: Path) -> None:
        (folder / CONFIG).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def stored_units(units: Units) -> tuple[Kind | Standard, dict[str, Tensor]]:
    """Units as the file has them, and their tensors; those of another kind are refused."""
    if isinstance(units, StandardUnits):
        return Standard(mean=units.mean.tolist(), std=units.std.tolist()), {}
    for name, kind in UNITS.items():
        if type(units) is kind:
            return name, {}
    from ..data.tables import TableUnits

    if isinstance(units, TableUnits):
        return "table", units.tensors()
    raise ValueError(
        "units must be Units(), PixelUnits(), StandardUnits(mean, std) or those of a table, got "
        f"{units}"
    )


def read_weights(folder: Path, stored: Stored) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Read the weights, and the tensors of a table's units, if their sum is the stored one."""
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
    of_units = {name: tensors.pop(name) for name in [*tensors] if name.startswith(COLUMNS)}
    return tensors, {name.removeprefix(COLUMNS): value for name, value in of_units.items()}
