"""The libraries whose VAEs can be bridged: reading a folder or the hub, and writing back."""

from pathlib import Path

from ..errors import one_line
from ..model import AlphaBridge
from .autoencoder_kl import AutoencoderKL
from .pair import VAEGenerator
from .pythae import PythaeVAE
from .trained import Origin, TrainedVAE

__all__ = ["LIBRARIES", "PIPELINE", "build", "load", "save"]

LIBRARIES: dict[str, type[TrainedVAE]] = {kind.library: kind for kind in (AutoencoderKL, PythaeVAE)}

PIPELINE = "vae"
"""Where a diffusers pipeline keeps its VAE."""


def load(source: str | Path, fetch: bool = True) -> TrainedVAE:
    """Read a trained VAE, to be bridged; nothing in its files is executed.

    Args:
        source: A folder, or an id of the Hugging Face hub: of a diffusers ``AutoencoderKL`` (or a
            pipeline that has one), or of a pythae VAE with pythae's own networks.
        fetch: Whether it may be fetched from the hub, or has to be on this machine.

    Raises:
        FileNotFoundError: There is no such folder or id, or it has no weights.
        ValueError: It is no VAE that can be bridged, or a file is damaged.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        folder = _downloaded(str(source), fetch)
    for place in (folder, folder / PIPELINE):
        for kind in LIBRARIES.values():
            if (place / kind.config_file).is_file():
                return kind.load(place)
    files = " or ".join(f"{kind.config_file} ({name})" for name, kind in LIBRARIES.items())
    raise FileNotFoundError(f"{source} has no VAE: give a folder with a {files}")


def build(origin: Origin) -> TrainedVAE:
    """The VAE that a library and its configuration describe, with weights of no meaning."""
    if origin.get("library") not in LIBRARIES:
        raise ValueError(f"there are no VAEs of {origin.get('library')!r}: give {list(LIBRARIES)}")
    return LIBRARIES[origin["library"]](origin["config"])


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
    generator, encoder = model.generator, model.encoder
    if not (isinstance(generator, VAEGenerator) and generator.origin):
        raise ValueError(
            f"the model did not come from a VAE of {' or '.join(LIBRARIES)}: only those can be "
            "restored"
        )
    vae = build(generator.origin)
    arms = (encoder.get_submodule("network"), generator.network)
    vae.model.load_state_dict({key: x for arm in arms for key, x in arm.state_dict().items()})
    vae.save(folder)
    return folder


def _downloaded(name: str, fetch: bool) -> Path:
    """The files of the hub that a VAE needs."""
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise FileNotFoundError(f"there is no VAE '{name}': give a folder, or an id of the hub")
    import huggingface_hub

    places = ("", f"{PIPELINE}/")
    files = [
        f"{place}{file}"
        for place in places
        for kind in LIBRARIES.values()
        for file in (kind.config_file, kind.weights_file)
    ]
    try:
        found = huggingface_hub.snapshot_download(
            name, allow_patterns=files, local_files_only=not fetch
        )
        return Path(found)
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
