"""Where what was made once is kept: decoded images, classifiers."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """The folder ``$ALPHA_BRIDGE_CACHE``, or the user's cache folder."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("ALPHA_BRIDGE_CACHE") or user_cache_path("alpha_bridge"))
