r"""Every setting of a run, declared once: its name, default, range and a line of help.

The parts of the mathematics take their defaults and their ranges from here, and the configuration,
the options of the command line and the table of settings in the documentation are made of it.
All defaults are ours: the paper's are in its missing appendix.
"""

from .data_settings import ImagesConfig, MixtureConfig
from .intervals import POSITIVE, UNIT, Count, Interval, Settings, ranges, require
from .model_settings import NOISE, ModelConfig
from .objective_settings import ObjectiveConfig, RegularizerConfig
from .path_settings import ControlConfig, GammaConfig, PathConfig
from .training_settings import EvaluationConfig, Optimization, WatchConfig

__all__ = [
    "BATCH_SIZE",
    "NOISE",
    "POSITIVE",
    "REALISM",
    "UNIT",
    "ControlConfig",
    "Count",
    "EvaluationConfig",
    "GammaConfig",
    "ImagesConfig",
    "Interval",
    "MixtureConfig",
    "ModelConfig",
    "ObjectiveConfig",
    "Optimization",
    "PathConfig",
    "RegularizerConfig",
    "Settings",
    "WatchConfig",
    "ranges",
    "require",
]

BATCH_SIZE = 128
"""Samples of an update."""
REALISM = 0.9
"""How far a run goes from likelihood, 0, to adversarial learning, 1."""
