"""A bridged VAE, back in the format that it came in."""

from __future__ import annotations

from pathlib import Path

from ..runs.arguments import require_vae
from ..runs.folder import Run
from ..runs.loading import load_model
from ..runs.opening import config_of
from ..vae import save

__all__ = ["restore"]


def restore(run: Run, out: Path, step: int | None = None) -> Path:
    """Write the averaged arms of a run as the library that they came from does.

    Args:
        run: A run that began with a VAE (``--from``).
        out: A new or empty folder.
        step: The checkpoint's number of updates; None for the latest.

    Returns:
        The folder.

    Raises:
        ValueError: The run did not begin with a VAE, or has no such checkpoint.
        OSError: The folder is not empty or cannot be written.
    """
    config = config_of(run)
    require_vae(run, config)
    model, _ = load_model(run, config, step)
    return save(model, out)
