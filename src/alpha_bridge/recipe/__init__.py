"""The validated configuration: everything that a run depends on, and nothing else.

Each setting's default, range and line of help are those of :mod:`alpha_bridge.settings`, so that
Python and the command line train the same run from the same settings.
"""

from .config import DECIDED, DENSITIES, HISTORY, Change, Config, MethodName
from .reading import changed, differences, explain, known_keys, read_config, value_of
from .resuming import CHANGEABLE, resumed

__all__ = [
    "CHANGEABLE",
    "DECIDED",
    "DENSITIES",
    "HISTORY",
    "Change",
    "Config",
    "MethodName",
    "changed",
    "differences",
    "explain",
    "known_keys",
    "read_config",
    "resumed",
    "value_of",
]
