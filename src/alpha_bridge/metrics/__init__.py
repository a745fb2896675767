"""Pure functions of samples or features; the name of each metric states its protocol."""

from . import classifier, images, mixture, names, trials

__all__ = ["classifier", "images", "mixture", "names", "trials"]
