"""diffusers' ``AutoencoderKL``, whose latents are small images."""

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import one_line
from ..files.vae_folder import DIFFUSERS, VAEFiles
from .latents import Numbers
from .trained import TrainedVAE, imported, precisions, tensors_in


class AutoencoderKL(TrainedVAE):
    r"""An ``AutoencoderKL``, which takes images in [−1, 1] as the bridge does.

    Its pipelines apply ``scaling_factor`` and ``shift_factor`` outside it, so that latents have
    unit variance: :math:`z' = s (z - m)`. The bridge's latents are those.
    """

    library = DIFFUSERS

    def build(self, config: dict[str, Any]) -> None:
        diffusers = imported("diffusers", "diffusers.models.autoencoders.autoencoder_kl")
        kind = config.get("_class_name")
        if kind != "AutoencoderKL":
            raise ValueError(
                f"a model of {kind or 'no kind'} cannot be bridged: give an AutoencoderKL of "
                "diffusers"
            )
        try:
            self.model = model = diffusers.AutoencoderKL.from_config(config)
        except Exception as error:  # whatever a wrong value meets first
            raise ValueError(
                f"diffusers cannot build this AutoencoderKL ({one_line(error)}): correct it"
            ) from error
        # the parts keep their names, so that their states together are the model's
        self.encoder = _named(encoder=model.encoder, quant_conv=model.quant_conv, moments=_Halves())
        self.decoder = _named(post_quant_conv=model.post_quant_conv, decoder=model.decoder)
        self.channels = self._config["in_channels"]
        if self._config["out_channels"] != self.channels:
            raise ValueError(
                f"the VAE takes {self.channels} channels and gives {self._config['out_channels']}: "
                "give one with as many in as out"
            )
        self.size = self._stated_size()
        self.scale, self.shift = self._latent_units()

    def read(self, files: VAEFiles) -> set[torch.dtype]:
        kept = {kind for part in files.parts for kind in precisions(tensors_in(part))}
        with _silence():
            # by its own means, which know the names of older versions
            loaded, found = type(self.model).from_pretrained(  # type: ignore[attr-defined]
                str(files.config.parent),
                variant=files.variant,
                use_safetensors=files.parts[0].suffix == ".safetensors",
                local_files_only=True,
                output_loading_info=True,
            )
        if missing := sorted(found["missing_keys"]):
            raise LookupError(f"it has no {missing[0]}")
        self.model.load_state_dict(loaded.state_dict())
        return kept

    def write(self, folder: Path) -> None:
        self.model.save_pretrained(str(folder))  # type: ignore[operator]

    def latent_shape(self, height: int, width: int) -> tuple[int, ...]:
        latent_channels: int = self._config["latent_channels"]
        return latent_channels, height // self._stride, width // self._stride

    def nearest(self, pixels: int) -> int:
        return max(round(pixels / self._stride), 1) * self._stride

    def _latent_units(self) -> tuple[Numbers, Numbers]:
        """s and m, as the file has them: one for all latents, or one for each of their channels."""
        factor, shift = (_number(self._config, name) for name in ("scaling_factor", "shift_factor"))
        std, mean = (_numbers(self._config, name) for name in ("latents_std", "latents_mean"))
        if factor is None:
            factor = 1.0
            self.notes += ("the VAE's scaling_factor is null, which is taken for 1",)
        if factor <= 0:
            raise ValueError(f"scaling_factor must be positive, got {factor}: correct it")
        if std is not None and not (std > 0).all():
            raise ValueError(
                f"latents_std must be positive, got {std.flatten().tolist()}: correct it"
            )
        scale = factor if std is None else factor / std
        return scale, (shift or 0.0) if mean is None else mean

    def _stated_size(self) -> int | None:
        """Of the file, for diffusers has a default that nobody chose."""
        size = self.origin["config"].get("sample_size")
        size = size[0] if isinstance(size, list) and size else size
        return self.nearest(size) if type(size) is int and size > 0 else None

    @property
    def _stride(self) -> int:
        """Pixels along a side of the image for one of the latent."""
        return 1 << len(self._config["block_out_channels"]) - 1

    @property
    def _config(self) -> Mapping[str, Any]:
        """The whole configuration, with the values that the file leaves out."""
        return self.model.config  # type: ignore[return-value]


@contextmanager
def _silence() -> Iterator[None]:
    """Silence diffusers' logs and its bars: what matters becomes an error."""
    bars = imported("diffusers", "diffusers.utils.logging")
    logger, shown = logging.getLogger("diffusers"), bars.is_progress_bar_enabled()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    bars.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()


class _Halves(nn.Module):
    """Mean and log-variance, with the bounds of diffusers' own distribution."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = x.chunk(2, 1)
        return mean, log_variance.clamp(-30.0, 20.0)


def _named(**modules: nn.Module | None) -> nn.Sequential:
    present = {name: module for name, module in modules.items() if module is not None}
    return nn.Sequential(OrderedDict(present))


def _number(config: Mapping[str, Any], name: str) -> float | None:
    value: float | None = config[name]
    if value is None or _is_finite(value):
        return value
    raise ValueError(f"{name} must be a finite number, got {shortened(value)}: correct it")


def _numbers(config: Mapping[str, Any], name: str) -> Tensor | None:
    """A number for each channel of the latents."""
    values, channels = config[name], config["latent_channels"]
    if values is None:
        return None
    if not isinstance(values, list | tuple) or not all(map(_is_finite, values)):
        raise ValueError(f"{name} must be finite numbers, got {shortened(values)}: correct them")
    if len(values) != channels:
        raise ValueError(
            f"{name} must have a number for each of the {channels} channels of the latents, got "
            f"{len(values)}: correct it"
        )
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)


def _is_finite(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= torch.finfo(torch.float32).max
