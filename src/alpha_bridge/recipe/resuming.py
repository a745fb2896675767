"""What a run may change when it goes on: nothing of its data, its networks or its path."""

from __future__ import annotations

from collections.abc import Collection

from .availability import is_gone
from .config import DECIDED, HISTORY, Change, Config
from .reading import changed, known_keys, value_of

CHANGEABLE = (
    "batch_size",
    "precision",
    "compile",
    "record_every",
    "checkpoint_every",
    "keep",
    "best",
    "track",
    "objective.clip",
    "objective.weight",
    "objective.one_backward",
    "regularizer",
    "optimization",
    "evaluation.every",
    "watch",
)
"""Keys, and parts with all of theirs, that a run may change when it goes on."""

RESOLVED = (
    "event_shape",
    "prior_shape",
    "rows",
    "fingerprint",
    "prior_fingerprint",
    "white",
    "columns",
    "architecture",
    "latent_scale",
    "images.size",
    "images.channels",
    "gamma.end",
)
"""Keys that are kept from the data, a VAE or a roll-back where they are not given."""


def resumed(before: Config, given: Config, step: int, also: Collection[str] = ()) -> Config:
    """The configuration of a run that goes on with other rates, penalties and the like.

    What is resolved or decided at the start may be missing in ``given``; changes after ``step``,
    the updates done at the checkpoint, have trained nothing that stays, and may be made again.
    ``also`` names keys that may change beside :data:`CHANGEABLE`.

    Raises:
        ValueError: It changes the data, the networks or the path; the keys with both values.

    Example:
        >>> given = changed(Config(), {"optimization.generator": 1e-4})
        >>> resumed(Config(), given, 500).changes
        (Change(step=500, key='optimization.generator', before=0.001, after=0.0001),)
    """
    kept = {key: value_of(before, key) for key in RESOLVED if value_of(given, key) is None}
    if given.init is None:  # it is the VAE that is missing, and not its scale
        kept.pop("latent_scale")
    left, latest = {*given.decided}, before
    if given.event_shape is None:  # of data that nothing was decided from yet
        kept |= {key: value_of(before, key) for key in left}
    before, given = _at(before, step), changed(given, kept)
    values = ((key, value_of(before, key), value_of(given, key)) for key in known_keys())
    changes = [
        Change(step=step, key=key, before=old, after=new) for key, old, new in values if old != new
    ]
    new = (change for change in changes if change.after != value_of(latest, change.key))
    if fixed := [of for of in new if not (of.key in also or _may_be_made(of))]:
        raise ValueError("; ".join(f"{of.key}: {of.before} and {of.after}" for of in fixed))
    decided = tuple(key for key in latest.decided if key in left)
    return given.model_copy(update={HISTORY: (*before.changes, *changes), DECIDED: decided})


def unchanged(config: Config) -> Config:
    """The configuration of a run as it began.

    Example:
        >>> given = changed(Config(), {"optimization.generator": 1e-4})
        >>> unchanged(resumed(Config(), given, 500)) == Config()
        True
    """
    return _at(config, 0)


def _at(config: Config, step: int) -> Config:
    """The configuration as it was when update ``step`` was done."""
    stay = tuple(change for change in config.changes if change.step < step)
    undone = {of.key: of.before for of in reversed(config.changes) if of.step >= step}
    return changed(config, undone).model_copy(update={HISTORY: stay})


def _may_be_made(change: Change) -> bool:
    if change.key == "regularizer.kind":  # spectral normalisation is a part of the network
        return "spectral" not in (change.before, change.after)
    if change.key in ("data", "prior"):  # which may have moved
        return change.before is not None and is_gone(change.before)
    part, *_ = change.key.split(".")
    return bool({change.key, part} & set(CHANGEABLE))
