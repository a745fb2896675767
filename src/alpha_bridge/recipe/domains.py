"""The data that a configuration names, and its second domain."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace

from ..data import (
    DensitySource,
    GaussianMixture,
    Source,
    digits,
    grid,
    load_images,
    ring,
    spirals,
    unbalanced,
)
from ..data.shards.encoded_images import STREAMED
from ..files.table_files import is_table
from ..settings import ImagesConfig, MixtureConfig
from .config import Config

MEASURED = 1000
"""Training samples that settings are decided by, and that a VAE to be bridged is measured on."""


def _density(mixture: Callable[[MixtureConfig], GaussianMixture]) -> Callable[[Config], Source]:
    return lambda config: DensitySource(mixture(config.mixture))


SOURCES: dict[str, Callable[[Config], Source]] = {
    "gaussians25": _density(lambda given: grid(given.side, given.spacing, given.std)),
    "ring8": _density(lambda given: ring(given.modes, given.radius, given.std)),
    "unbalanced": _density(lambda given: unbalanced(given.side, given.spacing, given.std)),
    "spirals": _density(
        lambda given: spirals(given.arms, given.pieces, given.turns, given.radius, given.std)
    ),
    "digits": lambda _: digits(),
}


def build_source(
    config: Config,
    progress: Callable[[int, int], None] | None = None,
    fetch: Container[str] | None = None,
) -> Source:
    """The data that ``config`` names; arguments as of :func:`assemble`."""
    if config.data in SOURCES:
        return SOURCES[config.data](config)
    if is_table(config.data):
        from ..data.tables import load_table  # pyarrow takes a second to import

        return load_table(config.data, config.columns)
    images, may = _as_before(config), fetch is None or config.data in fetch
    read = {name: value for name, value in vars(images).items() if name != "crop"}
    source = load_images(config.data, **read, progress=progress, fetch=may)
    if config.images.stream and STREAMED not in str(source.fingerprint):
        source.notes = (*source.notes, f"--images.stream: {config.data} has no shards to stream")
    if "images" not in config.idle and None in (images.size, images.channels):
        channels, size, _ = source.event_shape
        colour = "in colour" if channels == 3 else "grey"
        line = f"images become {size}×{size} {colour}: --images.size, --images.channels"
        source.notes = (*source.notes, line)
    return source


def _as_before(config: Config) -> ImagesConfig:
    """How images are read, with what was decided of them when the run began."""
    given, shape = config.images, config.event_shape or ()
    if config.fingerprint is not None and given.stream is None:
        given = replace(given, stream=STREAMED in config.fingerprint)
    if len(shape) != 3:
        return given
    if config.data.endswith(".npy"):  # older runs had their images as they are, whatever was given
        return replace(given, channels=shape[0], size=shape[1])
    return replace(given, channels=given.channels or shape[0], size=given.size or shape[1])


def build_prior(
    config: Config,
    progress: Callable[[int, int], None] | None = None,
    fetch: Container[str] | None = None,
) -> Source | None:
    """The second domain that ``config`` names, if any; arguments as of :func:`assemble`."""
    if config.prior is None:
        return None
    own = {
        "data": config.prior,
        "event_shape": config.prior_shape,
        "fingerprint": config.prior_fingerprint,
    }
    return build_source(config.model_copy(update=own), progress, fetch)
