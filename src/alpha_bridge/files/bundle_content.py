"""What the bundle of an incident says of itself, read without torch."""

import json
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from ..errors import printable
from .json_object import plain, read_json
from .manifest import ENDING, MANIFEST, Damaged, verified

CONTENT = "bundle.json"
FORMAT = 1
"""Of the content; another one is refused."""

RESTORE = "restore the bundle from a copy"
"""What to do about one that is damaged, or was changed."""

DRAWS = "draws"
"""The file of tensors of what the update was given."""

Valid = Callable[[Any], bool]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _measured(value: object) -> bool:
    """Whether it is a number, one that was not finite, or one of each trial."""
    return (
        all(map(_measured, value)) if isinstance(value, list) else value is None or _number(value)
    )


def _whole_from(least: int) -> Valid:
    return lambda value: _number(value) and isinstance(value, int) and value >= least


def _text(value: object) -> bool:
    return isinstance(value, str)


def _of(valid: Valid) -> Valid:
    return lambda value: isinstance(value, dict) and all(map(valid, value.values()))


INCIDENT: Mapping[str, Valid] = {
    "kind": _text,
    "step": _whole_from(1),
    "what": _text,
    "trial": lambda value: value is None or _whole_from(0)(value),
}
"""What there is in the incident of a content, and what it may be."""

NEEDED: Mapping[str, Valid] = {
    "incident": lambda value: isinstance(value, dict),
    "numbers": _of(_measured),
    "alpha": lambda value: _number(value) and 0 <= value <= 1,
    "steps": _whole_from(1),
    "seed": _whole_from(0),
    "processes": _whole_from(1),
    "config": lambda value: isinstance(value, dict),
    "versions": lambda value: _of(_text)(value) and "alpha_bridge" in value,
}
"""What there is in a content beside its format, and what it may be."""


def versions() -> dict[str, str]:
    """What the numbers of an update depend on beside what it is given."""
    return {
        "alpha_bridge": version("alpha_bridge"),
        "torch": version("torch"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def encoded(content: Mapping[str, Any]) -> bytes:
    """The file :data:`CONTENT` of a bundle."""
    own = {"format": FORMAT, "versions": versions(), **content}
    return (json.dumps(plain(own), indent=2, allow_nan=False) + "\n").encode()


def read_content(folder: Path) -> dict[str, Any]:
    """What a bundle, found whole, says of itself.

    Raises:
        ValueError: The folder is no bundle, is damaged, or is one of a version that this one cannot
            read.
    """
    if not folder.exists():
        raise ValueError(f"{folder} does not exist: give a folder of incidents/ in a run")
    if not (folder / CONTENT).is_file():
        raise ValueError(
            f"{folder} is no bundle: it has no {CONTENT}; give a folder of incidents/ in a run"
        )
    content = read_json(folder / CONTENT)
    if content.get("format") != FORMAT:
        by = content.get("versions")
        by = by.get("alpha_bridge") if isinstance(by, dict) else None
        raise ValueError(
            f"{folder} is a bundle of format {content.get('format')!r}, this version reads format "
            f"{FORMAT}: replay it with alpha_bridge {printable(str(by or 'of its own time'))}"
        )
    _require_known(folder, content, NEEDED)
    _require_known(folder, content["incident"], INCIDENT)
    if not (folder / MANIFEST).is_file():
        raise _not_whole(folder, f"it has no {MANIFEST}")
    try:
        files, _ = verified(folder)
    except Damaged as damage:
        raise _not_whole(folder, damage.reason) from damage
    for name in ("optimizers", DRAWS):
        if name not in files:
            raise _not_whole(folder, f"{folder / MANIFEST} does not name {name}{ENDING}")
    return content


def _not_whole(folder: Path, reason: str) -> ValueError:
    return ValueError(f"{folder} is no whole bundle ({reason}): {RESTORE}")


def _require_known(folder: Path, part: Mapping[str, Any], needed: Mapping[str, Valid]) -> None:
    for key, valid in needed.items():
        if not valid(part.get(key)):
            raise unknown(folder, key, part.get(key))


def unknown(folder: Path, key: str, value: object) -> ValueError:
    """The error of a bundle that says what this version does not know."""
    return ValueError(
        f"{folder / CONTENT} has {shortened(value)} for {key}, which this version does not know: "
        "it is a bundle of another version, to be replayed with that, or damaged, to be restored "
        "from a copy"
    )


def differences(content: Mapping[str, Any]) -> Iterator[str]:
    """A line for each version that a bundle was written with and that is another one here."""
    now = versions()
    for name, before in content["versions"].items():
        if name in now and before != now[name]:
            yield (
                f"the bundle was written with {name} {printable(str(before))}, this is "
                f"{now[name]}: its numbers may differ"
            )
