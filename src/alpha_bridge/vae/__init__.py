"""VAEs that were trained elsewhere: read, bridged, and written back in the format they came in."""

from .library import LIBRARIES, PIPELINE, build, load, save
from .pair import Numbers, VAEEncoder, VAEGenerator, bridge, latent_size
from .trained import TrainedVAE

__all__ = [
    "LIBRARIES",
    "PIPELINE",
    "Numbers",
    "TrainedVAE",
    "VAEEncoder",
    "VAEGenerator",
    "bridge",
    "build",
    "latent_size",
    "load",
    "save",
]
