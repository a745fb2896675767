"""What can go wrong without being the user's fault; every message is one line for people."""

__all__ = ["Diverged", "Interrupted", "Lost", "NotWritten", "Stopped"]


class Stopped(RuntimeError):
    """Training ended early, and can go on from its last checkpoint."""


class Diverged(Stopped):
    """A parameter is not finite any more."""


class Interrupted(Stopped):
    """A signal asked for the end."""


class Lost(Stopped):
    """Another process of the run is gone."""


class NotWritten(OSError):
    """A file could not be written for want of room, or because the disk is broken."""
