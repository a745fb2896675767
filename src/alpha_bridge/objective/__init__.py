"""Who is bridged to whom: what each player minimises in one update."""

from .base import Losses, Noise, Objective
from .data import DataBridge

__all__ = ["DataBridge", "Losses", "Noise", "Objective"]
