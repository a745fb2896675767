"""Models with their first weights, of a seed or of a trained VAE, and those of a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import ConvTranspose2d, Module, ModuleDict

from ..checks import require_crop
from ..data import Source
from ..data.rng import isolated_seed
from ..metrics.reporting import Report, silent
from ..model import AlphaBridge
from ..training.state import stack
from ..vae import TrainedVAE, VAEEncoder, VAEGenerator, decided_scale, encoded, fit_noise
from ..vae import build as build_vae
from .architecture import Networks, build_discriminator, build_networks
from .config import Config
from .domains import MEASURED
from .slots import REGULARIZERS
from .soundness import require_sound

FEWEST = 64
"""Training images that a VAE is measured on, however large they are."""
MEASURING = "measuring the VAE"
FAST = 1.0
"""Learning rate times inputs of a layer from which on a line says so: Adam's first update moves
what the layer gives by up to that, in units of its inputs."""
GENTLE = 1e-5
"""A rate at which a wide decoder is not thrown off by it."""


def build_model(config: Config) -> AlphaBridge:
    """Networks of ``config`` with the first weights that its seed gives.

    Trial k of a stacked model starts with the weights of a single model with the seed plus k.
    """
    if config.architecture is not None:
        return _of_vae(config, build_vae(config.architecture))
    singles = [
        AlphaBridge(*_first_networks(config, config.seed + trial), *_noise(config))
        for trial in range(config.trials)
    ]
    if len(singles) == 1:
        return singles[0]
    model = AlphaBridge(*build_networks(config, config.trials), *_noise(config))
    model.load_state_dict(stack([single.state_dict() for single in singles]))
    return model


def model_of(config: Config, tensors: Mapping[str, Mapping[str, Tensor]]) -> AlphaBridge:
    """The model with the averaged arms, in evaluation mode, from a checkpoint's tensors."""
    model = build_model(config)
    regularizer = REGULARIZERS[config.regularizer.kind](config.regularizer)
    model.discriminator = regularizer.prepare(model.discriminator)
    model.load_state_dict(tensors["model"])
    arms = ModuleDict({"generator": model.generator, "encoder": model.encoder})
    arms.load_state_dict(tensors["average"])
    return model.eval().requires_grad_(False)


def _noise(config: Config) -> tuple[float, bool]:
    """σ, and whether it is learned; where a VAE or a checkpoint decides it later, it is 1."""
    noise = config.model.noise
    return (1.0 if noise is None else noise), config.model.noise_course == "learned"


def _first_networks(config: Config, seed: int) -> Networks:
    with isolated_seed(seed):
        return build_networks(config)


def for_vae(config: Config, vae: TrainedVAE) -> tuple[Config, tuple[str, ...]]:
    """The configuration whose images are read as ``vae`` takes them, unless it says how; a line."""
    given = config.images
    if "images" in config.idle or config.event_shape is not None:
        return config, ()
    if vae.channels not in (1, 3):
        raise ValueError(
            f"the VAE {config.init} takes {vae.channels} channels, and images have 1 (grey) or 3 "
            "(colour): give another with --from"
        )
    size, channels = given.size or vae.size, given.channels or vae.channels
    if size is not None:
        vae.require((channels, size, size))
    images = replace(given, size=size, channels=channels)
    config = config.model_copy(update={"images": images})
    if images == given:
        return config, ()
    try:
        require_sound(config)
    except ValueError as error:
        raise ValueError(f"by the files of the VAE {config.init}, {error}") from error
    pixels = "" if size is None else f" {size}×{size}"
    colours = "grey" if channels == 1 else "in colour"
    line = f"images become{pixels} {colours}, as the VAE {config.init} takes them"
    return config, (f"{line}: --images.size, --images.channels",)


def begin_from_vae(
    config: Config,
    source: Source,
    vae: TrainedVAE,
    device: torch.device | None = None,
    progress: Report = silent,
) -> tuple[Config, AlphaBridge, tuple[str, ...]]:
    """The networks with the weights of a VAE, what there is to keep, and what was decided.

    They are measured and stay on ``device``, by default the processor. The VAE must take samples of
    the source's shape, see :meth:`~alpha_bridge.vae.TrainedVAE.require`.
    """
    device = device or torch.device("cpu")
    wanted = _measured_on(source.event_shape)
    x = source.units.normalize(source.training(wanted))
    progress(MEASURING, 0, 2)
    moments = encoded(VAEEncoder(vae.encoder, shift=vae.shift).to(device), x)
    progress(MEASURING, 1, 2)
    sampled = not config.objective.reconstructs
    scale, notes = decided_scale(*moments, vae.scale, config.latent_scale, sampled)
    kept = {"architecture": vae.origin, "latent_scale": scale if isinstance(scale, float) else None}
    config = config.model_copy(update=kept)
    model = _of_vae(config, vae).to(device)
    if config.model.noise is None:
        fit_noise(model, x)
    progress(MEASURING, 2, 2)
    noise = f"σ = {float(model.sigma):.4g} for {config.init}"
    if len(x) == wanted < MEASURED:
        noise += f", on {wanted} training images and not {MEASURED}, as they are large"
    notes = (*vae.notes, *notes, noise, *_rate_notes(config.optimization.generator, vae))
    return config, model.train(), notes


def _rate_notes(rate: float, vae: TrainedVAE) -> tuple[str, ...]:
    """A line where the decoder is so wide that the rate may undo it."""
    inputs = max(map(_inputs, vae.decoder.modules()))
    if inputs * rate < FAST:
        return ()
    return (
        f"a layer of the VAE's decoder has {inputs} inputs, and the first updates at a rate of "
        f"{rate:g} may undo what it has learned: give --optimization.generator {GENTLE:g}, and "
        "--optimization.encoder likewise if the encoder is trained",
    )


def _inputs(layer: Module) -> int:
    """Numbers that a layer sums for each that it gives; 0 for one without a matrix."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim < 2:
        return 0
    if isinstance(layer, ConvTranspose2d):  # its inputs come first, and a stride spreads them out
        sides = zip(layer.kernel_size, layer.stride, strict=True)
        return layer.in_channels // layer.groups * math.prod(-(-k // by) for k, by in sides)
    return weight[0].numel()


def _measured_on(shape: tuple[int, ...]) -> int:
    """Training samples that a VAE is measured on: of images of more than 64×64 in colour fewer."""
    return max(FEWEST, min(MEASURED, MEASURED * 3 * 64 * 64 // math.prod(shape)))


def _of_vae(config: Config, vae: TrainedVAE) -> AlphaBridge:
    """The three networks around those of ``vae``, for the weights of a checkpoint."""
    assert config.event_shape is not None
    vae.require(config.event_shape)
    channels, *sides = config.event_shape
    if config.images.crop is not None:
        crop = require_crop(config.images.crop, config.event_shape)
        vae.require((channels, crop, crop), "--images.crop")
    if vae.quantized and config.freeze != "encoder":
        raise ValueError(
            f"the VAE {config.init} quantises its latents, and its decoder alone can be trained: "
            "give --freeze encoder"
        )
    if config.model.checkpointing:
        vae.checkpoint()
    if config.any_size:
        with isolated_seed(config.seed):
            discriminator = build_discriminator(config)
    else:
        *_, discriminator = _first_networks(config, config.seed)
    units = (vae.scale if config.latent_scale is None else config.latent_scale), vae.shift
    generator = VAEGenerator(vae.decoder, vae.latent_shape(*sides), *units)
    encoder = VAEEncoder(vae.encoder, *units).requires_grad_(config.freeze != "encoder")
    return AlphaBridge(generator, encoder, discriminator, *_noise(config))
