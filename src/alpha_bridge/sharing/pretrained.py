"""Save a model to a folder or the hub, and load it from there."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from huggingface_hub import HfApi
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from torch import nn

from ..data.units import StandardUnits, Units
from ..errors import one_line
from ..files import explained, filling, sha256
from ..files.run_folder import CONFIG, WEIGHTS
from ..files.tensors import serialized
from ..files.vae_folder import PIPELINE
from ..model import NETWORKS, AlphaBridge
from ..networks.blueprint import Blueprint
from ..vae import origin_of
from ..vae import save as save_vae
from .card import Card, render
from .hub import folder_of, hub_errors
from .rebuilding import as_built, load_tensors
from .stored import COLUMNS, Stored, read_weights, stored_units


class Pretrained(NamedTuple):
    """What :func:`load` gives.

    Attributes:
        model: In evaluation mode, on the CPU.
        units: Between the data's units and those of the model.
    """

    model: AlphaBridge
    units: Units


def save(
    model: AlphaBridge, folder: str | Path, units: Units | None = None, card: Card | None = None
) -> None:
    """Save a model to a folder: ``config.json``, ``model.safetensors``, ``README.md``.

    A VAE that was bridged is written into the subfolder ``vae`` as well, as its library reads it.

    Args:
        model: Left as it is; each network has a blueprint.
        folder: A new or empty folder; it appears complete or not at all.
        units: Between the data's units and the model's; None where the model sees the data as
            they are.
        card: What ``README.md`` says of the model.

    Raises:
        ValueError: A network has no blueprint, or is not what that would build.
        FileExistsError: The folder holds something already.
        PermissionError: It cannot be written.
        NotWritten: The disk is full or broken.

    Example:
        >>> import tempfile
        >>> from alpha_bridge import AlphaBridge
        >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
        >>> bridge = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3))
        >>> folder = Path(tempfile.mkdtemp()) / "shared"
        >>> save(bridge, folder)
        >>> load(folder).model.sample(5).shape
        torch.Size([5, 3])
    """
    with filling(Path(folder)) as partial:
        _write(model, partial, units or Units(), card or Card(), "path/to/this/folder")


def push(
    model: AlphaBridge,
    hub_id: str,
    units: Units | None = None,
    card: Card | None = None,
    *,
    private: bool | None = None,
    token: str | None = None,
    branch: str | None = None,
    create_pr: bool | None = None,
    commit_message: str = "Share an α-Bridge",
) -> str:
    """Upload what :func:`save` would save, and return the address of the commit.

    Args:
        model: As for :func:`save`; so are ``units`` and ``card``.
        hub_id: ``owner/name``; made if it is not there.
        units: Between the data's units and the model's.
        card: What ``README.md`` says of the model.
        private: Whether only its owner may see it, if it is made; None for the hub's default.
        token: Of who uploads; by default that of ``hf auth login``.
        branch: Where to; by default ``main``.
        create_pr: Whether to ask for a merge instead.
        commit_message: Of the commit.

    Raises:
        ValueError: The id is malformed, or the model cannot be saved.
        PermissionError: You may not write there.
        ConnectionError: The hub cannot be reached.
        NotWritten: The disk of temporary files is full or broken.
    """
    with hub_errors(hub_id), TemporaryDirectory() as folder:
        validate_repo_id(hub_id)
        with explained(Path(folder)):
            _write(model, Path(folder), units or Units(), card or Card(), hub_id)
        api = HfApi(token=token)
        repository = api.create_repo(hub_id, private=private, exist_ok=True).repo_id
        commit = api.upload_folder(
            repo_id=repository,
            repo_type="model",
            folder_path=folder,
            commit_message=commit_message,
            revision=branch,
            create_pr=create_pr,
        )
        return str(commit)


def load(
    source: str | Path,
    *,
    trust: Collection[str] = (),
    revision: str | None = None,
    **hub: Any,  # noqa: ANN401
) -> Pretrained:
    """Load what :func:`save` saved or :func:`push` uploaded.

    JSON and safetensors are read, and nothing of them is run. Networks of other packages than
    this one are built only if the caller trusts the package.

    Args:
        source: A folder, or the id of a model on the hub.
        trust: Modules or packages of networks that may be imported, such as ``["my.nets"]``.
        revision: Branch, tag or commit on the hub.
        **hub: ``token``, ``cache_dir``, ``force_download``, ``local_files_only``, as
            :func:`huggingface_hub.snapshot_download` has them.

    Raises:
        ValueError: A file is damaged, a network is not trusted, or weights, the shape of a
            latent or units do not fit the networks.
        FileNotFoundError: There is no such folder or model, or it is not a shared model.
        PermissionError: You may not read it.
        ConnectionError: The hub cannot be reached.
    """
    folder = folder_of(source, revision=revision, **hub)
    stored = Stored.read(folder)
    with torch.random.fork_rng(devices=[]):
        plans = (stored.generator, stored.encoder, stored.discriminator)
        generator, encoder, discriminator = (plan.build(trust) for plan in plans)
    model = AlphaBridge(
        generator,
        encoder,
        discriminator,
        learn_noise=stored.learn_noise,
        latent_shape=stored.latent_shape,
    ).eval()
    weights, of_units = read_weights(folder, stored)
    load_tensors(model, weights, str(folder))
    try:
        units = stored.sample_units(of_units, model.rows)
    except Exception as error:  # whatever a stranger's columns make pyarrow raise
        raise ValueError(
            f"the columns in {folder} cannot be used ({one_line(error)}): restore the folder from "
            "where it came from"
        ) from error
    _require_fitting(model, units, folder / CONFIG)
    return Pretrained(model, units)


def _write(model: AlphaBridge, folder: Path, units: Units, card: Card, source: str) -> None:
    networks: dict[str, nn.Module] = {
        name: as_built(model.get_submodule(name)) for name in NETWORKS
    }
    tensors = {
        f"{name}.{key}": value
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    # safetensors' own writing of files tells of a full disk by no OSError
    kind, of_units = stored_units(units)
    beside = {f"{COLUMNS}{name}": value for name, value in of_units.items()}
    weights = serialized(tensors | {"log_sigma": model.log_sigma} | beside)
    (folder / WEIGHTS).write_bytes(weights)
    plans = {name: Blueprint.of(network) for name, network in networks.items()}
    Stored(
        generator=plans["generator"],
        encoder=plans["encoder"],
        discriminator=plans["discriminator"],
        learn_noise=isinstance(model.log_sigma, nn.Parameter),
        latent_shape=model.latent_shape,
        units=kind,
        sha256=sha256(folder / WEIGHTS),
    ).write(folder)
    origin = origin_of(model)
    if origin is not None:
        save_vae(model, folder / PIPELINE)
    render(card, networks, source, origin).save(folder / "README.md")
    for picture in card.pictures:
        (folder / picture.file).write_bytes(picture.content)


@torch.no_grad()
def _require_fitting(model: AlphaBridge, units: Units, config: Path) -> None:
    """Refuse latents or units of other shapes than the networks take and give."""
    if model.latent_shape is None:
        return
    latent = f"{config} states latents of shape {tuple(model.latent_shape)}"
    restore = "restore the folder from where it came from"
    try:
        with torch.random.fork_rng(devices=[]):
            x = model.decode(model.prior(2, torch.Generator().manual_seed(0)))
            mean, _ = model.posterior(x)
    except (RuntimeError, TypeError, ValueError, LookupError) as error:
        raise ValueError(
            f"{latent}, which its networks do not take ({one_line(error)}): {restore}"
        ) from error
    found, event = tuple(mean.shape[model.batch_ndim :]), tuple(x.shape[model.batch_ndim :])
    if found != tuple(model.latent_shape):
        raise ValueError(f"{latent}, but its encoder gives {found}: {restore}")
    if isinstance(units, StandardUnits):
        means, deviations = units.mean, units.std
        if not event == means.shape == deviations.shape:
            raise ValueError(
                f"{config} states units of {len(means)} means and {len(deviations)} deviations, "
                f"but its networks make samples of shape {event}: {restore}"
            )
