"""What can be done with a run, from its folder alone: the command line and the page call these."""

from .opened import data_of
from .restore import restore
from .training import Trained, metrics_of, train
from .use import evaluate, reconstruct, sample

__all__ = [
    "Trained",
    "data_of",
    "evaluate",
    "metrics_of",
    "reconstruct",
    "restore",
    "sample",
    "train",
]
