"""Upload a run's model to the hub."""

from __future__ import annotations

from tyro.conf import Positional

from .paths import Folder


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

    run, config = open_run(run, step)
    _require_hub_id(hub_id)

    from .. import sharing
    from ..runs.model_card import shared

    model, units, card = shared(run, config, step, pictures)
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
