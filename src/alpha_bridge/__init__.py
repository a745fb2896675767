"""The α-Bridge: one generative model, moved smoothly from maximum likelihood to adversarial
learning along the α-divergence, with gradients that both sides share.

>>> from alpha_bridge import AlphaPath
>>> len(AlphaPath.three_steps(ml=2000, transfer=4000, adversarial=4000))
10000
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import estimator as estimator
    from . import sharing as sharing
    from . import twin as twin
    from . import vae as vae
    from .control import OnlineGamma as OnlineGamma
    from .control import optimal_gamma as optimal_gamma
    from .divergence import alpha_divergence as alpha_divergence
    from .errors import Diverged as Diverged
    from .errors import Interrupted as Interrupted
    from .gamma import CosineGamma as CosineGamma
    from .gamma import LinearGamma as LinearGamma
    from .gamma import PowerGamma as PowerGamma
    from .gamma import SigmoidGamma as SigmoidGamma
    from .model import AlphaBridge as AlphaBridge
    from .objective import DataBridge as DataBridge
    from .path import AlphaPath as AlphaPath
    from .path import constant as constant
    from .path import join as join
    from .path import ramp as ramp
    from .penalty import R1 as R1
    from .penalty import R1R2 as R1R2
    from .penalty import GradientPenalty as GradientPenalty
    from .penalty import SpectralNorm as SpectralNorm
    from .recipe import Config as Config
    from .recipe.methods import METHODS as METHODS
    from .recipe.presets import PRESETS as PRESETS
    from .runs.folder import Run as Run
    from .runs.outlier_bridge import OutlierBridge as OutlierBridge
    from .runs.table_bridge import TableBridge as TableBridge
    from .settings import Optimization as Optimization
    from .training import fit as fit

__version__ = "0.1.0"

# Names are imported when they are used: the command line's help must not wait for torch.
_PUBLIC = {
    "control": ("OnlineGamma", "optimal_gamma"),
    "divergence": ("alpha_divergence",),
    "errors": ("Diverged", "Interrupted"),
    "gamma": ("CosineGamma", "LinearGamma", "PowerGamma", "SigmoidGamma"),
    "model": ("AlphaBridge",),
    "objective": ("DataBridge",),
    "path": ("AlphaPath", "constant", "join", "ramp"),
    "penalty": ("R1", "R1R2", "GradientPenalty", "SpectralNorm"),
    "recipe": ("Config",),
    "recipe.methods": ("METHODS",),
    "recipe.presets": ("PRESETS",),
    "runs.folder": ("Run",),
    "runs.outlier_bridge": ("OutlierBridge",),
    "runs.table_bridge": ("TableBridge",),
    "settings": ("Optimization",),
    "training": ("fit",),
}
_HOMES = {name: module for module, names in _PUBLIC.items() for name in names}

_MODULES = ("estimator", "sharing", "twin", "vae")

__all__ = ["__version__", *_MODULES, *_HOMES]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
