"""Write a run's model to a folder for others."""

from __future__ import annotations

from pathlib import Path

from ..files import filling, require_free
from .paths import Folder


def export(
    run: Folder, out: Path, onnx: bool = False, step: int | None = None, pictures: bool = True
) -> dict[str, float]:
    """Write a run's model to a folder that alpha_bridge.sharing.load reads.

    Args:
        run: Folder of the run.
        out: A new or empty folder.
        onnx: Write generator.onnx and encoder.onnx as well, and check them with onnxruntime.
        step: Updates of the checkpoint; by default the latest.
        pictures: Show samples on the model's page; leave them out where they must not be shared.

    Returns:
        The largest difference between onnxruntime and torch, by network; empty without ONNX.

    Raises:
        ValueError: The run cannot be used, or ONNX does not work.
        OSError: The folder holds something already or cannot be written.
    """
    from ..runs.opening import open_run

    run, config = open_run(run, step)
    require_free(out)

    from .. import sharing
    from ..runs.model_card import shared
    from ..sharing import onnx as interchange

    if onnx:
        interchange.require_installed()
    model, units, card = shared(run, config, step, pictures)
    with filling(out) as partial:
        sharing.save(model, partial, units, card)
        return interchange.export(model, partial) if onnx else {}
