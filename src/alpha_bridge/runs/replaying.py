"""An incident again, from its bundle: the update is made once more."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, get_args

from ..files import plain
from ..files.bundle_content import CONTENT, DRAWS, RESTORE, unknown
from ..files.manifest import ENDING
from ..recipe import Config
from ..recipe.first_weights import build_model
from ..recipe.slots import build_slots
from ..settings import WatchConfig
from ..training import available_accelerator
from ..training.batches import networks_draws
from ..training.bundle import read_bundle
from ..training.checkpoint import fitting
from ..training.incidents import MEASURED, Kind, measured, shows
from ..training.loop import start
from ..training.update import Updates

Numbers = dict[str, Any]


def repeat(
    folder: Path, content: Mapping[str, Any], config: Config, watch: WatchConfig
) -> tuple[Numbers, bool]:
    """Make the update of a bundle again.

    Args:
        folder: Of the bundle.
        content: What it says of itself.
        config: That of its run.
        watch: What counts as an incident.

    Returns:
        What came of it, by name, a number or one for each trial; and whether it shows the incident.

    Raises:
        ValueError: The loss needs a network that the bundle does not have, the incident is of a
            kind that is not known, or the tensors are those of another configuration.
    """
    if (features := config.objective.features) != "none":
        raise ValueError(
            f"{folder} is of a run with --objective.features {features}, and a bundle has no "
            "network of features: go on from a checkpoint of the run before it instead"
        )
    kind: Kind = content["incident"]["kind"]
    if kind not in get_args(Kind):
        raise unknown(folder, "kind", kind)
    accelerator = available_accelerator(config.precision)
    tensors, step, draws = read_bundle(folder, content, accelerator.device)
    tensors.pop("units", None)  # samples are in model units
    _require_draws(folder, kind, config.optimization.discriminator_steps, len(draws))
    with _fitting(folder):
        gamma, objective, regularizer = build_slots(config)
        model = build_model(config)
    shape = config.event_shape or ()
    state = start(
        model, regularizer, config.optimization, shape, accelerator, compile=config.compile
    )
    unseen = draws.pop() if kind in MEASURED else None
    with networks_draws(content["seed"], accelerator) as begin:
        updates = Updates(
            state, gamma, objective, regularizer, accelerator, begin, content["steps"]
        )
        with _fitting(folder):
            updates.go_to(tensors, step)
        numbers = updates(draws, content["alpha"])
    if unseen is not None:
        numbers |= measured(state.model, objective, *unseen)
    again = shows(kind, state, numbers, gamma(content["alpha"]), watch)
    return {name: plain(value.tolist()) for name, value in numbers.items()}, again


def _require_draws(folder: Path, kind: Kind, steps: int, found: int) -> None:
    """Refuse a bundle with more or fewer draws than its update and its measurement take."""
    if found != (needed := steps + (kind in MEASURED)):
        raise ValueError(
            f"{folder / CONTENT} has {steps} for config.optimization.discriminator_steps and "
            f"{kind!r} for incident.kind, so that {DRAWS}{ENDING} would have {needed} draws of "
            f"data and noise, and it has {found}: {RESTORE}"
        )


def _fitting(folder: Path) -> AbstractContextManager[None]:
    """Name the bundle whose config is not that of its tensors, in a ``ValueError``."""
    networks = "has a config whose networks are not those of the bundle's tensors"
    return fitting(f"{folder / CONTENT} {networks}", RESTORE)
