"""Algorithm 1 as one loop over a path."""

from ..settings import Optimization
from .callbacks import Checkpoints, Progress, Records, StopOnSignal
from .events import Callback, Event
from .flight_recorder import FlightRecorder
from .gradients import describe_twins, twin_gradients
from .loop import fit
from .machine import available_accelerator, keep_freed_memory
from .state import TrainState

__all__ = [
    "Callback",
    "Checkpoints",
    "Event",
    "FlightRecorder",
    "Optimization",
    "Progress",
    "Records",
    "StopOnSignal",
    "TrainState",
    "available_accelerator",
    "describe_twins",
    "fit",
    "keep_freed_memory",
    "twin_gradients",
]
