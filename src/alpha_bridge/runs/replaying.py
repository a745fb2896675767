"""An incident again, from its bundle: the update is made once more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from ..files import plain
from ..files.bundle_content import unknown
from ..recipe import Config
from ..recipe.first_weights import build_model
from ..recipe.slots import build_slots
from ..settings import WatchConfig
from ..training import available_accelerator
from ..training.batches import networks_draws
from ..training.bundle import read_bundle
from ..training.checkpoint import naming
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
    if len(draws) != config.optimization.discriminator_steps + (kind in MEASURED):
        raise unknown(folder, f"kind, with {len(draws)} draws", kind)
    gamma, objective, regularizer = build_slots(config)
    model, shape = build_model(config), config.event_shape or ()
    state = start(
        model, regularizer, config.optimization, shape, accelerator, compile=config.compile
    )
    unseen = draws.pop() if kind in MEASURED else None
    with networks_draws(content["seed"], accelerator) as begin:
        updates = Updates(
            state, gamma, objective, regularizer, accelerator, begin, content["steps"]
        )
        with naming(folder):
            updates.go_to(tensors, step)
        numbers = updates(draws, content["alpha"])
    if unseen is not None:
        numbers |= measured(state.model, objective, *unseen)
    again = shows(kind, state, numbers, gamma(content["alpha"]), watch)
    return {name: plain(value.tolist()) for name, value in numbers.items()}, again
