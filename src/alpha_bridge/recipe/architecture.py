"""From the configuration to the three networks that it asks for."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from torch.nn import Module

from ..checks import require_patches
from ..networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    ConvPairDiscriminator,
    ConvTranslator,
    DCGANDiscriminator,
    DCGANEncoder,
    DCGANGenerator,
    Marginals,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
    MLPTranslator,
    PatchDiscriminator,
    RowGenerator,
    Surrogate,
)
from ..settings import ModelConfig
from . import Config

Networks = tuple[Module, Module, Module]
Shape = tuple[int, ...]
Arms = tuple[Module, Module]


class ImageNetworks(NamedTuple):
    """Networks of images, from their sizes, the pixels of a side, the colours and the trials."""

    arms: Callable[[ModelConfig, int, int, int | None], Arms]
    discriminator: Callable[[ModelConfig, int, int, int | None], Module]


def build_networks(config: Config, trials: int | None = None) -> Networks:
    """Generator, encoder and discriminator, with weights from torch's global generator.

    ``trials`` is the number of stacked replicas; None for networks without that dimension.
    """
    assert config.event_shape is not None
    x, z = config.event_shape, config.prior_shape
    if config.rows is not None:
        return _of_rows(config, trials)
    arms = _arms(x, config.model, trials) if z is None else _translators(x, z, config, trials)
    latent = (config.model.latent,) if z is None else z
    return *arms, _discriminator(x, latent, config, trials)


def build_discriminator(config: Config) -> Module:
    """The discriminator alone, for the arms of a VAE that take images of any size."""
    assert config.event_shape is not None
    return _discriminator(config.event_shape, (config.model.latent,), config, None)


def _of_rows(config: Config, trials: int | None) -> Networks:
    """Networks of rows of a table."""
    assert config.rows is not None and config.event_shape is not None
    model, (features,) = config.model, config.event_shape
    noise = 1.0 if model.noise is None else model.noise
    generator = RowGenerator(model.latent, *config.rows, model.hidden, noise, trials)
    encoder = MLPEncoder(model.latent, features, model.hidden, trials)
    return generator, encoder, MLPDiscriminator(features, model.hidden, trials)


def _arms(shape: Shape, model: ModelConfig, trials: int | None) -> Arms:
    """A generator of latents, and its encoder."""
    if len(shape) == 1:
        vectors = (model.latent, shape[0], model.hidden, trials)
        return MLPGenerator(*vectors), MLPEncoder(*vectors)
    channels, size, _ = shape
    return NETWORKS[model.kind].arms(model, size, channels, trials)


def _translators(x: Shape, z: Shape, config: Config, trials: int | None) -> Arms:
    """Two networks from one domain to the other and back, each with a σ."""
    model = config.model
    assert model.noise is not None
    if len(x) == len(z) == 1:
        there = MLPTranslator(z[0], x[0], model.hidden, trials)
        back = MLPTranslator(x[0], z[0], model.hidden, trials)
        return there, Surrogate(back, model.noise, model.noise_course == "learned")
    if len(x) != len(z) or x[1:] != z[1:]:
        raise ValueError(
            f"there is no translation between samples of shape {z} and {x}: give vectors to "
            "vectors, or images of one size (--images.size)"
        )
    size, (of_z, *_), (of_x, *_) = x[1], z, x
    images = ConvTranslator(size, of_z, of_x, model.width, trials=trials)
    inverse = ConvTranslator(size, of_x, of_z, model.width, trials=trials)
    return images, Surrogate(inverse, model.noise, model.noise_course == "learned")


def _discriminator(x: Shape, z: Shape, config: Config, trials: int | None) -> Module:
    """Of samples, of both spaces, or of pairs, as the objective needs it."""
    model = config.model

    def discriminator(shape: Shape) -> Module:
        if len(shape) == 1:
            return MLPDiscriminator(shape[0], model.hidden, trials)
        channels, size, _ = shape
        if model.discriminator == "patches":
            require_patches(model.halvings, size)
            return PatchDiscriminator(channels, model.width, model.halvings, trials)
        return NETWORKS[model.kind].discriminator(model, size, channels, trials)

    if config.objective.one_sided:
        return discriminator(x)
    if config.objective.kind == "marginal":
        return Marginals(discriminator(x), discriminator(z))
    if len(x) == 1:
        return MLPDiscriminator(x[0] + prod(z), model.hidden, trials)
    if len(z) > 1:
        raise ValueError(
            "there is no discriminator of pairs of images: give --objective marginal for two "
            "domains of images"
        )
    channels, size, _ = x
    return ConvPairDiscriminator(z[0], size, channels, model.width, model.hidden[-1], trials)


def _conv_arms(model: ModelConfig, size: int, channels: int, trials: int | None) -> Arms:
    images = (model.latent, size, channels, model.width, model.hidden[-1], trials)
    return ConvGenerator(*images), ConvEncoder(*images)


def _conv_discriminator(model: ModelConfig, size: int, channels: int, trials: int | None) -> Module:
    return ConvDiscriminator(size, channels, model.width, model.hidden[-1], trials)


def _dcgan_arms(model: ModelConfig, size: int, channels: int, trials: int | None) -> Arms:
    images = (model.latent, size, channels, model.width, trials)
    return DCGANGenerator(*images), DCGANEncoder(*images)


def _dcgan_discriminator(
    model: ModelConfig, size: int, channels: int, trials: int | None
) -> Module:
    return DCGANDiscriminator(size, channels, model.width, trials)


NETWORKS: dict[str, ImageNetworks] = {
    "conv": ImageNetworks(_conv_arms, _conv_discriminator),
    "dcgan": ImageNetworks(_dcgan_arms, _dcgan_discriminator),
}
"""Networks of images, by kind."""
