"""Pure functions of samples or features; the name of each metric states its protocol."""

__all__ = ["classifier", "images", "mixture", "names", "trials"]
