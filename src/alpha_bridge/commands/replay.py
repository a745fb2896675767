"""Repeat an incident of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from ..recipe import Config

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
    from ..runs.opening import of_trained

    content = read_content(bundle)
    notes = [*differences(content)]
    config = _settings(bundle, content, "config", content["config"])
    watch = config.watch
    if content.get("watch") is not None:
        watch = _settings(bundle, content, "watch", {"watch": content["watch"]}).watch
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


def _settings(bundle: Path, content: Numbers, key: str, found: Any) -> Config:  # noqa: ANN401
    """The settings that a bundle has under a key, refused by a line that names it."""
    from ..files.bundle_content import CONTENT, versions
    from ..recipe import read_config

    try:
        return read_config(found)
    except ValueError as error:
        by, own = content["versions"]["alpha_bridge"], versions()["alpha_bridge"]
        remedy = "restore it from a copy" if by == own else f"replay it with alpha_bridge {by}"
        raise ValueError(
            f"{bundle / CONTENT} has settings for {key} that this version cannot train with "
            f"({error}): {remedy}"
        ) from error
