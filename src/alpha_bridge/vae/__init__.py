"""VAEs that were trained elsewhere: read, bridged, and written back in the format they came in."""

from .latents import Numbers, decided_scale, latent_size
from .library import LIBRARIES, build, load, origin_of, save
from .pair import VAEEncoder, VAEGenerator, bridge, encoded, fit_noise
from .trained import TrainedVAE

__all__ = [
    "LIBRARIES",
    "Numbers",
    "TrainedVAE",
    "VAEEncoder",
    "VAEGenerator",
    "bridge",
    "build",
    "decided_scale",
    "encoded",
    "fit_noise",
    "latent_size",
    "load",
    "origin_of",
    "save",
]
