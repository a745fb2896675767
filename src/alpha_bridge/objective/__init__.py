"""Who is bridged to whom: what each network minimises in one update."""

from .base import Losses, Noise, Objective
from .data import DataBridge
from .joint import JointBridge, pairs
from .marginal import MarginalBridge
from .mutual import Ends, MutualBridge

__all__ = [
    "DataBridge",
    "Ends",
    "JointBridge",
    "Losses",
    "MarginalBridge",
    "MutualBridge",
    "Noise",
    "Objective",
    "pairs",
]
