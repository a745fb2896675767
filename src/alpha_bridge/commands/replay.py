"""Repeat an incident of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """An update that was made again.

    Attributes:
        incident: What was recognised then.
        repeats: Whether the update shows it again.
        before: What came of the update then: a number by name, or one for each stacked trial, and
            None where it was not finite.
        now: What has come of it now.
        notes: What may make a difference, a line each.
    """

    incident: str
    repeats: bool
    before: Numbers
    now: Numbers
    notes: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether all numbers are the same, to the last digit."""
        return self.before == self.now


def replay(
    bundle: Annotated[Positional[Path], arg(help="Folder of the bundle, in incidents/ of a run.")],
) -> Replayed:
    """Make the update at which an incident of training was recognised once more, from its bundle.

    Args:
        bundle: Folder of the bundle, in incidents/ of a run.

    Raises:
        ValueError: The folder is no bundle, is damaged, or is of a version that cannot be read.
    """
    from ..files.bundle_content import CONTENT, differences, read_content
    from ..recipe import read_config
    from ..runs.opening import of_trained
    from ..settings import WatchConfig

    content = read_content(bundle)
    notes = [*differences(content)]
    try:
        config = read_config(content["config"])
        watch = config.watch if content.get("watch") is None else WatchConfig(**content["watch"])
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{bundle} is of a run that this version cannot train ({error}): replay it with "
            f"alpha_bridge {content['versions'].get('alpha_bridge')}"
        ) from error
    if content["processes"] > 1:
        notes.append(
            f"{content['processes']} processes made the update together, and its numbers are those "
            "of the first one's share: here one makes all of it, and they differ"
        )

    of_trained(bundle / CONTENT, config)

    from ..runs.replaying import repeat

    now, repeats = repeat(bundle, content, config, watch)
    incident = content["incident"]
    trial = "" if incident.get("trial") is None else f"trial {incident['trial']}: "
    line = f"update {incident['step']}: {trial}{incident['what']}"
    return Replayed(line, repeats, content["numbers"], now, tuple(notes))
