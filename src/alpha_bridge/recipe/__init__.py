"""The validated configuration: everything that a run depends on, and nothing else.

Ranges are checked where the values are used, so that a library user hears the same; here are
types, unknown keys, the ranges that need a key's name to be understood, and what only the whole
can tell.
"""

from .config import HISTORY, Config
from .reading import changed, differences, explain, known_keys, read_config, value_of
from .resuming import CHANGEABLE, resumed
from .settings import (
    DENSITIES,
    Change,
    EvaluationConfig,
    GammaConfig,
    ImagesConfig,
    MethodName,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    OptimizationConfig,
    PathConfig,
    RegularizerConfig,
)

__all__ = [
    "CHANGEABLE",
    "DENSITIES",
    "HISTORY",
    "Change",
    "Config",
    "EvaluationConfig",
    "GammaConfig",
    "ImagesConfig",
    "MethodName",
    "MixtureConfig",
    "ModelConfig",
    "ObjectiveConfig",
    "OptimizationConfig",
    "PathConfig",
    "RegularizerConfig",
    "changed",
    "differences",
    "explain",
    "known_keys",
    "read_config",
    "resumed",
    "value_of",
]
