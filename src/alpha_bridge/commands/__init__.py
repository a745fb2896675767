"""What can be done with a run, from its folder alone: the command line and the page call these."""

from .opened import data_of
from .restore import restore
from .sharing import export, push
from .training import Trained, metrics_of, train
from .use import Reconstructed, evaluate, reconstruct, sample, translate

__all__ = [
    "Reconstructed",
    "Trained",
    "data_of",
    "evaluate",
    "export",
    "metrics_of",
    "push",
    "reconstruct",
    "restore",
    "sample",
    "train",
    "translate",
]
