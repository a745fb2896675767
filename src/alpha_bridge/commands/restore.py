"""A bridged VAE, back in the format that it came in."""

from __future__ import annotations

from pathlib import Path

from ..files import require_free
from .paths import Folder


def restore(run: Folder, out: Path, step: int | None = None) -> Path:
    """Write the bridged VAE of a run in the format that it came in.

    Args:
        run: Folder of a run that was trained with --from.
        out: A new folder, which the VAE's library can load.
        step: Updates of the checkpoint; by default the latest.

    Returns:
        The folder.

    Raises:
        ValueError: The run did not begin with a VAE, or has no such checkpoint.
        OSError: The folder is not empty or cannot be written.
    """
    from ..runs.opening import open_run

    run, config = open_run(run, step)
    if config.architecture is None:
        raise ValueError(
            f"{run.folder} did not begin with a VAE: train one with --from, and restore that"
        )
    require_free(out)

    from ..runs.loading import load_model
    from ..vae import save

    model, _ = load_model(run, config, step)
    return save(model, out)
