"""Where the files of a trained VAE lie in a folder, found by their names, without torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from .json_object import read_json

DIFFUSERS, PYTHAE = "diffusers", "pythae"

CONFIGS = {DIFFUSERS: "config.json", PYTHAE: "model_config.json"}
"""By which a VAE of each library is known."""

USUAL = {DIFFUSERS: "diffusion_pytorch_model.safetensors", PYTHAE: "model.pt"}
"""Where each library keeps the weights by default."""

PIPELINE = "vae"
"""Where a diffusers pipeline, and a model that was exported, keep their VAE."""

PLACES = ("", PIPELINE, "vqvae", "movq", "final_model")
"""Where a VAE lies in the folder that is named for it: in one of diffusers' pipelines, those of
quantised latents among them, or in that of a pythae training."""

STEM = "diffusion_pytorch_model"
NAMES = re.compile(
    STEM + r"(\.(?P<variant>\w+)(?!.*json))?\.(?P<kind>safetensors|bin)"
    r"((\.(?P<older>\w+)(?=\.index\.json))?\.index(\.(?P<of>\w+))?\.json)?"
)
"""Weights of diffusers, whole or the index of their parts, each with or without a variant, which an
index of older versions has before that word."""


class VAEFiles(NamedTuple):
    """The files of a trained VAE.

    Attributes:
        library: Which it is of.
        config: Its configuration, an object of JSON.
        weights: Its weights, or the index of their parts.
        parts: The files with tensors, one or several.
        variant: What diffusers calls these weights, such as ``fp16``; None for the usual ones.
        notes: What a user should know of the choice, in a line each.
    """

    library: str
    config: Path
    weights: Path
    parts: tuple[Path, ...]
    variant: str | None = None
    notes: tuple[str, ...] = ()


def has_vae(folder: Path) -> bool:
    """Whether the configuration of a VAE lies in ``folder`` or in one of its usual places."""
    with suppress(ValueError):  # a file of that name that is damaged is nobody's
        return any(_places(folder))
    return False


def find_vae(folder: Path) -> VAEFiles:
    """The files of the VAE in ``folder``, which are all there; none is read but JSON.

    Raises:
        FileNotFoundError: There is no VAE, or a file of it is missing.
        ValueError: A configuration or an index is damaged, or there are weights of several variants
            and no usual ones.
    """
    found = list(_places(folder))
    if not found:
        below = [place for place in sorted(folder.glob("*/")) if any(_places(place))]
        hint = f"{below[0]} has one" if below else "give a folder with one"
        raise FileNotFoundError(
            f"{folder} has no VAE, known by the {CONFIGS[DIFFUSERS]} of diffusers, such as "
            f"that of an AutoencoderKL, or by pythae's {CONFIGS[PYTHAE]}: {hint}"
        )
    library, place = next((one for one in found if any(_weights(*one))), found[0])
    config = place / CONFIGS[library]
    every = sorted(_weights(library, place))
    if not every:
        raise FileNotFoundError(
            f"{place} has a {config.name} and no {USUAL[library]}: give one with both"
        )
    variant, *_, weights = every[0]
    if variant and (variants := sorted({name for name, *_ in every}))[1:]:
        raise ValueError(
            f"{place} has weights of the variants {' and '.join(variants)}, and none without one: "
            "give a folder with one of them"
        )
    elsewhere = [] if place == folder else [f"the VAE of {folder} is in {place.name}"]
    left_out = ", ".join(file.name for *_, file in every[1:])
    beside = f", and those in {left_out} are left out" if left_out else ""
    usual = weights.name == USUAL[library] and not left_out
    read = [] if usual else [f"the VAE's weights are read from {weights}{beside}"]
    return VAEFiles(library, config, weights, _parts(weights), variant or None, (*elsewhere, *read))


def _places(folder: Path) -> Iterator[tuple[str, Path]]:
    """Libraries and folders whose configurations there are, the nearest first."""
    for place in (folder / name for name in PLACES):
        for library, name in CONFIGS.items():
            file = place / name
            if file.is_file() and (library == PYTHAE or "_class_name" in read_json(file)):
                yield library, place


def _weights(library: str, place: Path) -> Iterator[tuple[str, bool, int, Path]]:
    """Weights, the best first when sorted: without a variant, no pickle, in one file, and by an
    index of the present form."""
    if library == PYTHAE:
        names = [USUAL[library]] if (place / USUAL[library]).is_file() else []
        yield from (("", True, 0, place / name) for name in names)
        return
    for file in place.glob(f"{STEM}.*"):
        if name := NAMES.fullmatch(file.name):
            variant = name["variant"] or name["older"] or name["of"] or ""
            parts = (file.suffix == ".json") + bool(name["older"])
            yield variant, name["kind"] == "bin", parts, file


def _parts(weights: Path) -> tuple[Path, ...]:
    """The files that an index names, which have to lie beside it; or the weights themselves."""
    if weights.suffix != ".json":
        return (weights,)
    named: Any = read_json(weights).get("weight_map")
    names = {str(name) for name in named.values()} if isinstance(named, dict) else set()
    if not names or any(Path(name).name != name for name in names):
        raise ValueError(
            f"{weights} is damaged (it names no files beside it): restore it from a copy"
        )
    parts = tuple(weights.parent / name for name in sorted(names))
    for part in parts:
        if not part.is_file():
            raise FileNotFoundError(
                f"{weights} names {part.name}, which is not there: restore it from a copy"
            )
    return parts
