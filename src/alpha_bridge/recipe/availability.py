"""Whether the data and the VAE that a configuration names are there, checked without torch."""

from __future__ import annotations

import hashlib
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

from ..errors import one_line
from ..files import cache_folder
from ..files.kinds_of_files import folder_or_array
from ..files.table_files import is_table
from ..files.vae_folder import find_vae
from .config import DENSITIES, Config

BUNDLED = (*DENSITIES, "digits")
"""Data that need no file."""


def located(config: Config) -> Config:
    """The configuration with its local paths in full, so that they hold from any folder."""
    named = {"data": config.data, "prior": config.prior, "init": config.init}
    paths = {key: _in_full(name) for key, name in named.items() if name and name not in BUNDLED}
    return config.model_copy(update=paths)


def _in_full(name: str) -> str:
    path = Path(name).expanduser()
    if not path.exists():  # an id of the hub, or nothing
        return name
    # the name of a link to a file has the ending that counts
    return str(path.resolve() if path.is_dir() else path.parent.resolve() / path.name)


def is_gone(name: str) -> bool:
    """Whether data that a run names are not here any more; those of the hub never were."""
    return name not in BUNDLED and not Path(name).expanduser().exists()


def require_data(name: str, fetch: bool = True, option: str = "--data") -> None:
    """See that there are such data, without reading them.

    Args:
        name: As the configuration has it.
        fetch: Whether the hub may be asked.
        option: What the user gives them with.

    Raises:
        FileNotFoundError: There is no such path.
        ValueError: It is no data, or the hub has no such data set or cannot be asked.
    """
    path = Path(name).expanduser()
    if name in BUNDLED and path.is_dir():
        warnings.warn(
            f"{name} is the built-in data set; for the folder here give ./{name}", stacklevel=2
        )
    if name in BUNDLED or path.is_dir():
        return
    if path.exists():
        if is_table(path):
            return
        folder_or_array(path, option)
        return
    if path.suffix == ".npy" or is_table(path):
        kind = "an .npy file" if path.suffix == ".npy" else "a table"
        raise FileNotFoundError(
            f"data file '{path}' does not exist: give {kind} with {option} PATH"
        )
    if is_path(name):
        raise FileNotFoundError(
            f"data path '{name}' does not exist: give an existing folder with {option} PATH"
        )
    if fetch and not _prepared(name):
        _require_on_hub(name, "dataset", f"give a local folder with {option} PATH")


def is_path(name: str) -> bool:
    """Whether a name can only be that of a place on this machine, and no id of the hub."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name


def _prepared(name: str) -> bool:
    """Whether the hub's libraries may have a copy of a data set on this disk."""
    from huggingface_hub import constants

    note = cache_folder() / "hub" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.txt"
    prepared = os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME, "datasets")
    return (
        _fetched(name, "dataset")
        or note.exists()
        or Path(prepared, name.replace("/", "___")).exists()
    )


def _fetched(name: str, kind: str) -> bool:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE, f"{kind}s--{name.replace('/', '--')}").exists()


def _require_on_hub(name: str, kind: str, remedy: str) -> None:
    """Ask the hub for a ``dataset`` or a ``model``."""
    from huggingface_hub import HfApi, errors

    nowhere = f"there is no folder '{name}' here, and "
    called = {"dataset": "data set"}.get(kind, kind)
    try:
        HfApi().repo_info(name, repo_type=kind, timeout=10)
    except errors.GatedRepoError:
        return  # who reads it says what to do
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ValueError(f"{nowhere}no such {called} on the hub: {remedy}") from error
    except Exception as error:  # whatever the network layer of the day raises
        raise ValueError(
            f"{nowhere}no network to ask the hub ({one_line(error)}): {remedy}"
        ) from error


def require_init(name: str, fetch: bool = True) -> None:
    """See that there is a VAE to begin with, without reading its weights; ``fetch`` as above."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        find_vae(folder)
    elif name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise FileNotFoundError(f"there is no VAE '{name}': give a folder, or an id of the hub")
    elif fetch and not _fetched(name, "model"):
        _require_on_hub(name, "model", "give a local folder with --from PATH")


def require_trackers(config: Config) -> None:
    """Refuse what is to get records by name and is not installed; TensorBoard may be missing."""
    for name in config.track:
        if name != "tensorboard" and find_spec(name) is None:
            raise ValueError(
                f"--track {name} needs {name}, which is not installed: "
                f"pip install 'alpha-bridge[{name}]'"
            )
