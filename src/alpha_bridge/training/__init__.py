"""Algorithm 1 as one loop over a path."""

from .callbacks import Callback, Checkpoints, Progress, Records, StopOnSignal
from .device import available_accelerator
from .loop import Event, fit
from .state import Optimization, TrainState

__all__ = [
    "Callback",
    "Checkpoints",
    "Event",
    "Optimization",
    "Progress",
    "Records",
    "StopOnSignal",
    "TrainState",
    "available_accelerator",
    "fit",
]
