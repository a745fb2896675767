"""Hand a run's model on: to a folder, to the hub, or back to the library of its VAE."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

from ..files import filling, require_free
from .paths import Folder


def export(
    run: Folder,
    out: Path,
    onnx: bool = False,
    page: bool = False,
    step: int | None = None,
    pictures: bool = True,
) -> dict[str, float]:
    """Write a run's model to a folder that alpha_bridge.sharing.load reads.

    A bridged VAE is also written as its library reads it, into the subfolder vae.

    Args:
        run: Folder of the run.
        out: A new or empty folder.
        onnx: Write generator.onnx and encoder.onnx as well, and check them with onnxruntime.
        page: Write bridge.html as well, for points in the plane: all checkpoints up to that one run
            in a browser, with a slider along α. npm fetches onnxruntime-web for it.
        step: Updates of the checkpoint; by default the latest.
        pictures: Show samples on the model's page, and points of the data in bridge.html; leave
            them out where they must not be shared.

    Returns:
        The largest difference between onnxruntime and torch, by network; empty without ONNX.

    Raises:
        ValueError: The run cannot be used, ONNX does not work, or there is no onnxruntime-web.
        OSError: The folder holds something already or cannot be written.
    """
    from ..runs.opening import open_run, require_plane

    at = open_run(run, step)
    if page:
        require_plane(at.config)
    if onnx and at.config.rows is not None:
        raise ValueError(
            "rows of a table are drawn from what the networks give, which ONNX files do not: leave "
            "out --onnx"
        )
    require_free(out)
    if page:
        from ..runs.web_runtime import require_web_runtime

        require_web_runtime()

    from .. import sharing
    from ..runs.bridge_page import content_of, write_bridge_page
    from ..runs.model_card import shared
    from ..sharing import onnx as interchange

    if onnx or page:
        interchange.require_installed()
    model, units, card = shared(at, pictures)
    with filling(out) as partial:
        sharing.save(model, partial, units, card)
        if page:
            content = content_of(at, points=pictures)
            write_bridge_page(content, partial / "bridge.html")
        return interchange.export(model, partial) if onnx else {}


def restore(run: Folder, out: Path, step: int | None = None) -> Path:
    """Write the bridged VAE of a run in the format that it came in.

    Args:
        run: Folder of a run that was trained with --from.
        out: A new folder, which the VAE's library can load.
        step: Updates of the checkpoint; by default the latest.

    Raises:
        ValueError: The run did not begin with a VAE, or has no such checkpoint.
        OSError: The folder is not empty or cannot be written.
    """
    from ..runs.opening import open_run

    at = open_run(run, step)
    if at.config.architecture is None:
        raise ValueError(
            f"{at.run.folder} did not begin with a VAE: train one with --from, and restore that"
        )
    require_free(out)

    from ..runs.loading import load_model
    from ..vae import save

    return save(load_model(at), out)


def push(
    run: Folder,
    hub_id: Positional[str],
    private: bool = False,
    step: int | None = None,
    pictures: bool = True,
) -> str:
    """Upload a run's model to the hub.

    Args:
        run: Folder of the run.
        hub_id: Name on the hub: owner/name.
        private: Make the repository private if it is created.
        step: Updates of the checkpoint; by default the latest.
        pictures: Show samples on the model's page; leave them out where they must not be shared.

    Returns:
        The address of the commit.

    Raises:
        ValueError: The run cannot be used, or the id is malformed.
        OSError: You may not write there, or the hub cannot be reached.
    """
    from ..runs.opening import open_run

    at = open_run(run, step)
    _require_hub_id(hub_id)

    from .. import sharing
    from ..runs.model_card import shared

    model, units, card = shared(at, pictures)
    return sharing.push(model, hub_id, units, card, private=private or None)


def _require_hub_id(hub_id: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(hub_id)
    except HFValidationError as error:
        raise ValueError(
            f"{hub_id!r} is not the id of a model on the hub: give owner/name"
        ) from error
