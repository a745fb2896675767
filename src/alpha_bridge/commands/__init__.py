"""What can be done with a run, from its folder alone: the command line and the page call these."""

from ..runs.loading import data_of
from .export import export, push
from .restore import restore
from .sample import Reconstructed, evaluate, reconstruct, sample, translate
from .train import Trained, metrics_of, train

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
