"""A model that can be saved, shared on the hub and loaded again, by huggingface_hub's mixin."""

from __future__ import annotations

import copy
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self, cast

import torch
from huggingface_hub import ModelCard, ModelHubMixin
from safetensors.torch import save as serialized
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..data.units import StandardUnits, Units
from ..errors import one_line
from ..files import filling, sha256
from ..networks.blueprint import Blueprint
from .card import Card, render
from .hub import folder_of, telling
from .stored import CONFIG, WEIGHTS, Network, Stored, read_weights, units_from_words, units_in_words
from .weights import own_memory

__all__ = ["Pretrained"]


class Pretrained(
    ModelHubMixin,
    library_name="alpha_bridge",
    tags=["alpha-divergence", "generative-model"],
    paper_url="https://arxiv.org/abs/2007.06178",
):
    """Three networks that are stored as import paths, arguments and weights.

    Attributes:
        units: Between the data's units and those of the networks.
    """

    generator: nn.Module
    encoder: nn.Module
    discriminator: nn.Module
    log_sigma: Tensor
    latent_shape: tuple[int, ...] | None
    units: Units = Units()

    def save_pretrained(  # type: ignore[override]
        self,
        save_directory: str | Path,
        *,
        card: Card | None = None,
        config: None = None,  # noqa: ARG002
        model_card_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Save the model to a folder: ``config.json``, ``model.safetensors``, ``README.md``.

        Args:
            save_directory: A new or empty folder; it appears complete or not at all.
            card: What ``README.md`` says of the model.
            config: Left out: what is stored follows from the networks.
            model_card_kwargs: What the mixin gives in the place of ``card``.

        Raises:
            ValueError: A network does not say how it is built, or is not what that would build.
            FileExistsError: The folder holds something already.
            PermissionError: It cannot be written.
            NotWritten: The disk is full or broken.

        Example:
            >>> import tempfile
            >>> from alpha_bridge import AlphaBridge
            >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
            >>> bridge = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3))
            >>> folder = Path(tempfile.mkdtemp()) / "shared"
            >>> bridge.save_pretrained(folder)
            >>> AlphaBridge.from_pretrained(folder).sample(5).shape
            torch.Size([5, 3])
        """
        words = {"card": card or Card()} | (model_card_kwargs or {})
        with filling(Path(save_directory)) as partial:
            super().save_pretrained(partial, model_card_kwargs=words)
            for picture in words["card"].pictures:
                (partial / picture.file).write_bytes(picture.content)

    def push_to_hub(self, repo_id: str, *, card: Card | None = None, **hub: Any) -> str:  # noqa: ANN401
        """Upload what :meth:`save_pretrained` would save.

        Args:
            repo_id: ``owner/name``; made if it is not there.
            card: What ``README.md`` says of the model.
            **hub: ``private``, ``token``, ``branch``, ``create_pr``, ``commit_message``, as
                ``huggingface_hub.ModelHubMixin`` has them.

        Returns:
            The address of the commit.

        Raises:
            ValueError: The id is malformed, or the model cannot be saved.
            PermissionError: You may not write there.
            ConnectionError: The hub cannot be reached.
        """
        hub.setdefault("commit_message", "Share an α-Bridge")
        words = {"card": card or Card(), "source": repo_id}
        with telling(repo_id):
            return str(super().push_to_hub(repo_id, model_card_kwargs=words, **hub))

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        trust: Collection[str] = (),
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
    ) -> Self:
        """Load what :meth:`save_pretrained` saved, in evaluation mode.

        JSON and safetensors are read, and nothing of them is run. Networks of other packages than
        this one are built only if the caller trusts the package.

        Args:
            pretrained_model_name_or_path: A folder, or the id of a model on the hub.
            trust: Modules or packages of networks that may be imported, such as ``["my.nets"]``.
            revision: Branch, tag or commit on the hub.
            token: For the hub.
            cache_dir: Where downloads are kept.
            force_download: Fetch what is there already.
            local_files_only: Use what is there already.

        Returns:
            The model on the CPU, with its ``units``.

        Raises:
            ValueError: A file is damaged, a network is not trusted, or weights, the shape of a
                latent or units do not fit the networks.
            FileNotFoundError: There is no such folder or model, or it is not a shared model.
            ConnectionError: The hub cannot be reached.
        """
        folder = folder_of(
            pretrained_model_name_or_path,
            revision=revision,
            token=token,
            cache=cache_dir,
            force=force_download,
            offline=local_files_only,
        )
        stored = Stored.read(folder)
        plans = (stored.generator, stored.encoder, stored.discriminator)
        with torch.random.fork_rng(devices=[]):
            networks = [network.blueprint.build(trust) for network in plans]
        make = cast(Any, cls)
        model = make(*networks, learn_noise=stored.learn_noise, latent_shape=stored.latent_shape)
        _load(model, read_weights(folder, stored), str(folder))
        model.units = units_from_words(stored.units)
        _require_fitting(model.eval(), folder / CONFIG)
        return cast(Self, model)

    def _save_pretrained(self, save_directory: Path) -> None:
        networks = {name: as_built(network) for name, network in self._networks().items()}
        tensors = {
            f"{player}.{name}": value
            for player, network in networks.items()
            for name, value in network.state_dict().items()
        } | {"log_sigma": self.log_sigma}
        # safetensors' own writing of files tells of a full disk by no OSError
        (save_directory / WEIGHTS).write_bytes(serialized(own_memory(tensors)))
        plans = {name: Network.of(Blueprint.of(network)) for name, network in networks.items()}
        Stored(
            generator=plans["generator"],
            encoder=plans["encoder"],
            discriminator=plans["discriminator"],
            learn_noise=isinstance(self.log_sigma, nn.Parameter),
            latent_shape=self.latent_shape,
            units=units_in_words(self.units),
            sha256=sha256(save_directory / WEIGHTS),
        ).write(save_directory)

    def generate_model_card(self, card: Card, source: str = "path/to/this/folder") -> ModelCard:
        """The page that :meth:`save_pretrained` writes.

        Args:
            card: What to say.
            source: What to give :meth:`from_pretrained`.
        """
        return render(card, self._hub_mixin_info.model_card_data, self._networks(), source)

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator,
            "encoder": self.encoder,
            "discriminator": self.discriminator,
        }


def as_built(network: nn.Module) -> nn.Module:
    """The network as its blueprint builds it, with the tensors of ``network``.

    What training put on its layers, such as spectral normalisation, becomes part of the weights.

    Args:
        network: Left as it is.

    Raises:
        ValueError: It does not say how it is built, or is not what that builds.
    """
    plan = Blueprint.of(network)
    with torch.random.fork_rng(devices=[]):
        fresh = plan.build(trust=[plan.module])
    _load(fresh, _baked(network, fresh), f"a {plan.path} that was changed after it was built")
    return fresh.eval()


def _baked(network: nn.Module, fresh: nn.Module) -> dict[str, Tensor]:
    """Tensors of ``network``, with the results of those parametrizations that ``fresh`` lacks."""
    # read from a copy: a parametrization lives in its layer's class, which copies share, so that
    # taking it off the copy would take it off the network too
    own, layers = copy.deepcopy(network).eval(), dict(fresh.named_modules())
    tensors: dict[str, Tensor] = own.state_dict()
    for name, layer in own.named_modules():
        before = f"{name}." if name else ""
        for tensor in layer.parametrizations if parametrize.is_parametrized(layer) else ():
            if not parametrize.is_parametrized(layers.get(name, layer), tensor):
                inside = f"{before}parametrizations.{tensor}."
                tensors = {key: x for key, x in tensors.items() if not key.startswith(inside)}
                tensors[f"{before}{tensor}"] = getattr(layer, tensor).detach()
    return tensors


def _load(module: nn.Module, tensors: dict[str, Tensor], whose: str) -> None:
    """Take over tensors as they are, in their own precision.

    Raises:
        ValueError: They do not fit.
    """
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise ValueError(
            f"the weights of {whose} do not fit its networks ({one_line(error)})"
        ) from error


@torch.no_grad()
def _require_fitting(model: Any, config: Path) -> None:  # noqa: ANN401
    """See that latents and units have the shapes that the generator and the encoder take.

    Args:
        model: An :class:`~alpha_bridge.AlphaBridge` in evaluation mode.
        config: The file that states them.

    Raises:
        ValueError: They do not.
    """
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
    if isinstance(model.units, StandardUnits):
        means, deviations = model.units.mean, model.units.std
        if not event == means.shape == deviations.shape:
            raise ValueError(
                f"{config} states units of {len(means)} means and {len(deviations)} deviations, "
                f"but its networks make samples of shape {event}: {restore}"
            )
