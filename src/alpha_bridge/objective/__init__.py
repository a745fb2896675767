"""What is bridged to what: the loss of each network in one update."""

from .base import Losses, Noise, Objective
from .data import DataBridge
from .joint import JointBridge, pairs
from .marginal import MarginalBridge
from .mutual import JointSamples, MutualBridge
from .reconstruction import ReconstructionBridge
from .row_bridge import RowBridge
from .vqgan import VQGANSum

__all__ = [
    "DataBridge",
    "JointBridge",
    "JointSamples",
    "Losses",
    "MarginalBridge",
    "MutualBridge",
    "Noise",
    "Objective",
    "ReconstructionBridge",
    "RowBridge",
    "VQGANSum",
    "pairs",
]
