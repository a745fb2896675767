"""The libraries whose VAEs can be bridged: reading a folder or the hub, and writing back."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from torch import nn

from ..errors import one_line
from ..files.vae_folder import CONFIGS, PLACES, STEM, USUAL, find_vae
from ..model import AlphaBridge
from ..networks.blueprint import Blueprint
from .diffusers import DiffusersVAE
from .form import Form
from .pythae import PythaeVAE
from .trained import ARM, Origin, TrainedVAE

__all__ = ["LIBRARIES", "build", "load", "origin_of", "save"]

FIRST = (
    *CONFIGS.values(),
    *USUAL.values(),
    f"{STEM}.safetensors.index.json",
    f"{STEM}-*.safetensors",
)
"""What is fetched of the hub; variants and pickles only where these hold no VAE."""

LIBRARIES: dict[str, type[TrainedVAE]] = {kind.library: kind for kind in (DiffusersVAE, PythaeVAE)}


def load(source: str | Path, fetch: bool = True) -> TrainedVAE:
    """Read a trained VAE, to be bridged; nothing in its files is executed.

    Args:
        source: A folder, or an id of the Hugging Face hub: of a VAE of diffusers (or a pipeline
            that has one), of a pythae VAE with pythae's own networks (or its training), or
            of a bridged VAE that was exported.
        fetch: Whether it may be fetched from the hub, or has to be on this machine.

    Raises:
        FileNotFoundError: There is no such folder or id, or it has no weights.
        ValueError: It is no VAE that can be bridged, or a file is damaged.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        folder = _downloaded(str(source), fetch)
    files = find_vae(folder)
    return LIBRARIES[files.library].load(files)


def build(origin: Origin) -> TrainedVAE:
    """The VAE that a library and its configuration describe, with weights of no meaning."""
    if origin.get("library") not in LIBRARIES:
        raise ValueError(f"there are no VAEs of {origin.get('library')!r}: give {list(LIBRARIES)}")
    if not isinstance(origin.get("config"), dict):
        raise ValueError(f"the configuration of a VAE is a dictionary, got {origin.get('config')}")
    try:
        form = Form(**origin.get("form", {}))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no VAE has files of the form {origin['form']}: {error}") from error
    return LIBRARIES[origin["library"]](origin["config"], form)


class LibraryEncoder(nn.Module):
    """The encoder of the VAE that a library builds from a configuration."""

    def __new__(  # type: ignore[misc]
        cls, library: str, config: dict[str, Any], form: dict[str, Any] | None = None
    ) -> nn.Module:
        """Build the VAE, and give its own module, which is no instance of this class."""
        return build({"library": library, "config": config, "form": form or {}}).encoder


class LibraryDecoder(nn.Module):
    """The decoder of the VAE that a library builds from a configuration."""

    def __new__(  # type: ignore[misc]
        cls, library: str, config: dict[str, Any], form: dict[str, Any] | None = None
    ) -> nn.Module:
        """Build the VAE, and give its own module, which is no instance of this class."""
        return build({"library": library, "config": config, "form": form or {}}).decoder


def origin_of(model: AlphaBridge) -> Origin | None:
    """The library and the configuration of the VAE that a model began with, if it has them."""
    plan = getattr(getattr(model.generator, "network", None), "blueprint", None)
    if isinstance(plan, Blueprint) and plan.path == ARM.format("Decoder"):
        return dict(plan.arguments)
    return None


def save(model: AlphaBridge, folder: str | Path) -> Path:
    """Write a bridged VAE in the format that it came in, so that it drops back in there.

    Args:
        model: What :func:`~alpha_bridge.vae.pair.bridge` made of a VAE that :func:`load` gave;
            after training, ``state.averaged()``.
        folder: A new or empty folder, which is returned.

    Raises:
        ValueError: The model did not come from a VAE of a library.
        FileExistsError: The folder holds something already.
        PermissionError: The folder cannot be written.
    """
    folder = Path(folder)
    origin = origin_of(model)
    if origin is None:
        raise ValueError(
            f"the model did not come from a VAE of {' or '.join(LIBRARIES)}: only those can be "
            "restored"
        )
    vae = build(origin)
    arms = (arm.get_submodule("network") for arm in (model.encoder, model.generator))
    vae.model.load_state_dict({key: x for arm in arms for key, x in arm.state_dict().items()})
    vae.save(folder)
    return folder


def _downloaded(name: str, fetch: bool) -> Path:
    """The files of the hub that a VAE needs."""
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise FileNotFoundError(f"there is no VAE '{name}': give a folder, or an id of the hub")
    try:
        folder = _fetched(name, FIRST, fetch)
        with suppress(FileNotFoundError):
            find_vae(folder)
            return folder
        return _fetched(name, (*FIRST, f"{STEM}.*", f"{STEM}-*"), fetch)
    except Exception as error:  # whatever the network layer of the day raises
        if not fetch:
            raise FileNotFoundError(
                f"the VAE '{name}' of the hub is not on this machine: it is fetched if the command "
                f"names it, with --from {name}"
            ) from error
        raise FileNotFoundError(
            f"the VAE '{name}' is no folder and could not be fetched from the hub "
            f"({one_line(error)}): give a folder"
        ) from error


def _fetched(name: str, files: Sequence[str], fetch: bool) -> Path:
    """A copy of a repository of the hub, with some files of every place where a VAE may lie."""
    import huggingface_hub

    wanted = [str(PurePosixPath(place, file)) for place in PLACES for file in files]
    return Path(
        huggingface_hub.snapshot_download(name, allow_patterns=wanted, local_files_only=not fetch)
    )
