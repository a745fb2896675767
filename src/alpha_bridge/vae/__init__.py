"""VAEs that were trained elsewhere: read, bridged, and written back in the format they came in."""

from .autoencoder_kl import AutoencoderKL
from .library import LIBRARIES, PIPELINE, build, load, save
from .pair import Numbers, VAEEncoder, VAEGenerator, bridge, latent_size
from .pythae import PythaeVAE
from .trained import Origin, TrainedVAE

__all__ = [
    "LIBRARIES",
    "PIPELINE",
    "AutoencoderKL",
    "Numbers",
    "Origin",
    "PythaeVAE",
    "TrainedVAE",
    "VAEEncoder",
    "VAEGenerator",
    "bridge",
    "build",
    "latent_size",
    "load",
    "save",
]
