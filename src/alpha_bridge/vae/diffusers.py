"""VAEs of diffusers for images, whose latents are small images."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, NamedTuple
from warnings import catch_warnings

import torch
from torch import Tensor, nn

from ..errors import one_line
from ..files.vae_folder import CONFIGS, DIFFUSERS, VAEFiles
from .latents import Numbers
from .parts import Certain, Halves, QuantizedDecoder, named
from .trained import TrainedVAE, imported, tensors_in

TRIED = 2
"""Pixels of a side of the latent that a VAE is tried out with: norms may need more than one."""

UNLIMITED = 2**63
"""Bytes of a single file."""


class Kind(NamedTuple):
    """What tells a class of diffusers from the others.

    Attributes:
        widths: Key of its configuration with a number for each resolution of its encoder.
        variance: Whether its encoder has one.
    """

    widths: str
    variance: bool = False


KINDS = {
    "AutoencoderKL": Kind("block_out_channels", variance=True),
    "AsymmetricAutoencoderKL": Kind("down_block_out_channels", variance=True),
    "AutoencoderTiny": Kind("encoder_block_out_channels"),
    "AutoencoderDC": Kind("encoder_block_out_channels"),
    "VQModel": Kind("block_out_channels"),
}


class DiffusersVAE(TrainedVAE):
    r"""A VAE of diffusers, which takes images in [−1, 1] as the bridge does.

    Its pipelines apply ``scaling_factor`` and ``shift_factor`` outside it, so that latents have
    unit variance: :math:`z' = s (z - m)`. The bridge's latents are those.
    """

    library = DIFFUSERS

    def build(self, config: dict[str, Any]) -> None:
        classes = imported("diffusers", "diffusers.models.autoencoders")
        name = config.get("_class_name")
        if name not in KINDS:
            raise ValueError(
                f"a model of {name or 'no kind'} cannot be bridged: give one of diffusers' "
                f"{', '.join(KINDS)}"
            )
        self._kind = KINDS[name]
        try:
            with _silence():
                self.model = getattr(classes, name).from_config(config)
            self.encoder, self.decoder = self._arms()
            self.channels = self._config["in_channels"]
            image, latent, decoded = self._tried_out()
        except Exception as error:  # whatever a wrong value meets first
            raise ValueError(
                f"diffusers cannot build this {name} ({one_line(error)}): correct it"
            ) from error
        self._latent_channels, *sides = latent
        if decoded != image or sides != [TRIED, TRIED]:
            raise ValueError(
                f"the VAE makes latents of shape {latent} of images of shape {image}, and images "
                f"of shape {decoded} of them: give one that makes images as they were"
            )
        self.size = self._stated_size()
        self.scale, self.shift = self._latent_units()
        if not self._kind.variance:
            self.notes += (
                f"the encoder has no variance, as in any {name}, and gets one next to nothing: "
                "its divergence from N(0, I) has no meaning",
            )

    def read(self, files: VAEFiles) -> Sequence[Mapping[str, Tensor]]:
        parts = [tensors_in(part) for part in files.parts]
        with _silence(), catch_warnings(action="ignore", category=FutureWarning):
            # by its own means, which know the names of older versions, of files as well
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
        if other := sorted(set().union(*parts) - self.model.state_dict().keys()):
            self.notes += (
                f"{len(other)} of the tensors, such as {other[0]}, are not of this version of "
                "diffusers: it reads them under its own names or leaves them out",
            )
        return parts

    def write(self, model: nn.Module, folder: Path) -> None:
        with _silence():
            model.save_pretrained(  # type: ignore[operator]
                str(folder),
                variant=self.form.variant,
                safe_serialization=not self.form.pickle,
                max_shard_size=self.form.largest or UNLIMITED,
            )
        # as it came, without what this version of diffusers would add
        text = json.dumps(self.origin["config"], indent=2) + "\n"
        (folder / CONFIGS[DIFFUSERS]).write_text(text, encoding="utf-8")

    def latent_shape(self, height: int, width: int) -> tuple[int, ...]:
        return self._latent_channels, height // self._stride, width // self._stride

    def nearest(self, pixels: int) -> int:
        return max(round(pixels / self._stride), 1) * self._stride

    def checkpoint(self) -> None:
        model: Any = self.model
        if not model._supports_gradient_checkpointing:
            super().checkpoint()
        model.enable_gradient_checkpointing()
        if type(model).__name__ == "AutoencoderTiny":
            # with it, that of diffusers 0.42 takes images in [-1, 1] for such in [0, 1]
            model.encoder.gradient_checkpointing = False
            self.notes += ("the activations of an AutoencoderTiny's encoder are all kept",)

    def _arms(self) -> tuple[nn.Module, nn.Module]:
        """Encoder and decoder of the model, whose parts keep their names.

        So their states together are the model's.
        """
        model: Any = self.model
        before = getattr(model, "quant_conv", None)
        after: Any = getattr(model, "post_quant_conv", None)
        moments = Halves() if self._kind.variance else Certain()
        encoder = named(encoder=model.encoder, quant_conv=before, moments=moments)
        self.quantized = hasattr(model, "quantize")
        if self.quantized:
            encoder.requires_grad_(False)
            spatial = self._config["norm_type"] == "spatial"
            if spatial:
                self.notes += (
                    "the decoder has spatial norms, as that of Kandinsky's movq, and takes latents "
                    "as they are, as Kandinsky's pipelines do, not the entries of its codebook",
                )
            return encoder, QuantizedDecoder(model.quantize, after, model.decoder, spatial)
        # what sees the image beside its latent, which only inpainting has, is not trained
        getattr(model.decoder, "condition_encoder", nn.Module()).requires_grad_(False)
        return encoder, named(post_quant_conv=after, decoder=model.decoder)

    @torch.no_grad()
    def _tried_out(self) -> list[tuple[int, ...]]:
        """Shapes of a small image, its latent, and the image that is made of that."""
        image = torch.zeros(1, self.channels, *[TRIED * self._stride] * 2)
        self.model.eval()
        latent, _ = self.encoder(image)
        decoded = self.decoder(latent)
        self.model.train()
        return [tuple(x.shape[1:]) for x in (image, latent, decoded)]

    def _latent_units(self) -> tuple[Numbers, Numbers]:
        """s and m, as the file has them: one for all latents, or one for each of their channels."""
        factor, shift = (_number(self._config, name) for name in ("scaling_factor", "shift_factor"))
        std, mean = (self._numbers(name) for name in ("latents_std", "latents_mean"))
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

    def _numbers(self, name: str) -> Tensor | None:
        """A number for each channel of the latents."""
        values, channels = self._config.get(name), self._latent_channels
        if values is None:
            return None
        if not isinstance(values, list | tuple) or not all(map(_is_finite, values)):
            raise ValueError(
                f"{name} must be finite numbers, got {shortened(values)}: correct them"
            )
        if len(values) != channels:
            raise ValueError(
                f"{name} must have a number for each of the {channels} channels of the latents, "
                f"got {len(values)}: correct it"
            )
        return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)

    def _stated_size(self) -> int | None:
        """Of the file, for diffusers has a default that nobody chose."""
        size = self.origin["config"].get("sample_size")
        size = size[0] if isinstance(size, list) and size else size
        return self.nearest(size) if type(size) is int and size > 0 else None

    @property
    def _stride(self) -> int:
        """Pixels along a side of the image for one of the latent."""
        return 1 << len(self._config[self._kind.widths]) - 1

    @property
    def _config(self) -> Mapping[str, Any]:
        """The whole configuration, with the values that the file leaves out."""
        return self.model.config  # type: ignore[return-value]


@contextmanager
def _silence() -> Iterator[None]:
    """Silence diffusers' logs and its bars: what matters becomes an error or a note."""
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


def _number(config: Mapping[str, Any], name: str) -> float | None:
    value: float | None = config.get(name)
    if value is None or _is_finite(value):
        return value
    raise ValueError(f"{name} must be a finite number, got {shortened(value)}: correct it")


def _is_finite(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= torch.finfo(torch.float32).max
