"""VAEs of pythae with its own networks, which work on images in [0, 1]."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import one_line
from ..files.vae_folder import PYTHAE, VAEFiles
from .trained import TrainedVAE, imported, tensors_in

KINDS = {
    "VAEConfig": "VAE",
    "BetaVAEConfig": "BetaVAE",
    "BetaTCVAEConfig": "BetaTCVAE",
    "DisentangledBetaVAEConfig": "DisentangledBetaVAE",
    "INFOVAE_MMD_Config": "INFOVAE_MMD",
    "IWAEConfig": "IWAE",
    "CIWAEConfig": "CIWAE",
    "MIWAEConfig": "MIWAE",
    "PIWAEConfig": "PIWAE",
    "MSSSIM_VAEConfig": "MSSSIM_VAE",
}
"""Those that are an encoder to a diagonal Gaussian and a decoder, and nothing else."""


class PythaeVAE(TrainedVAE):
    """A VAE of pythae; its images in [0, 1] are the bridge's in [−1, 1]."""

    library = PYTHAE

    def build(self, config: dict[str, Any]) -> None:
        kind = config.get("name")
        if kind not in KINDS:
            raise ValueError(f"pythae's {kind} cannot be bridged: give one of {', '.join(KINDS)}")
        if not (config.get("uses_default_encoder") and config.get("uses_default_decoder")):
            raise ValueError(
                "the VAE has networks of its own, which pythae keeps as pickles: these are not "
                "read, for they can run anything; build the VAE in Python and give its networks "
                "to alpha_bridge.vae.bridge"
            )
        models = imported("pythae", "pythae.models")
        settings = {key: value for key, value in config.items() if key != "name"}
        try:
            model = getattr(models, KINDS[kind])(getattr(models, kind)(**settings))
            self.channels, self.size, width = model.input_dim
        except Exception as error:  # whatever a wrong value meets first
            raise ValueError(
                f"pythae cannot build this VAE of images ({one_line(error)}): correct it"
            ) from error
        if width != self.size:
            raise ValueError(f"the VAE takes images of {self.size}×{width}: give one of squares")
        self.model = model
        # the parts keep their names, so that their states together are the model's
        self.encoder = nn.Sequential(OrderedDict(pixels=_ToUnit(), encoder=model.encoder))
        self.decoder = nn.Sequential(OrderedDict(decoder=model.decoder, pixels=_FromUnit()))

    def read(self, files: VAEFiles) -> Sequence[Mapping[str, Tensor]]:
        tensors = tensors_in(files.weights)["model_state_dict"]
        self.model.load_state_dict(tensors)
        return [tensors]

    def write(self, model: nn.Module, folder: Path) -> None:
        # pythae has no other format than a pickle of tensors; we ourselves only read it as such
        model.save(str(folder))  # type: ignore[operator]

    def latent_shape(self, height: int, width: int) -> tuple[int, ...]:  # noqa: ARG002
        return (self.model.latent_dim,)  # type: ignore[return-value]

    def nearest(self, pixels: int) -> int:  # noqa: ARG002
        assert self.size is not None
        return self.size


class _ToUnit(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x + 1) / 2


class _FromUnit(nn.Module):
    def forward(self, output: Any) -> Tensor:  # noqa: ANN401
        decoded: Tensor = output["reconstruction"]
        return 2 * decoded - 1
