"""How a run can end before its path does; every message is one line for people."""

__all__ = ["Diverged", "Interrupted", "Lost", "Stopped"]


class Stopped(RuntimeError):
    """Training ended early, and can go on from its last checkpoint."""


class Diverged(Stopped):
    """A parameter is not finite any more."""


class Interrupted(Stopped):
    """A signal asked for the end."""


class Lost(Stopped):
    """Another process of the run is gone."""
