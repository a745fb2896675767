"""What the bundle of an incident says of itself, read without torch."""

import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import printable
from .json_object import plain, read_json
from .manifest import Damaged, verified

CONTENT = "bundle.json"
FORMAT = 1
"""Of the content; another one is refused."""

DRAWS = "draws"
"""The file of tensors of what the update was given."""

NEEDED: Mapping[str, type | tuple[type, ...]] = {
    "incident": dict,
    "numbers": dict,
    "alpha": (int, float),
    "steps": int,
    "seed": int,
    "processes": int,
    "config": dict,
    "versions": dict,
}
"""What there is in a content beside its format."""


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
    for key, kind in NEEDED.items():
        if not isinstance(content.get(key), kind):
            raise ValueError(
                f"{folder / CONTENT} is damaged (it has no {key}): restore it from a copy"
            )
    try:
        files, _ = verified(folder)
    except Damaged as damage:
        raise ValueError(f"{damage.what}: restore the bundle from a copy") from damage
    if not {"optimizers", DRAWS} <= {*files}:
        raise ValueError(f"{folder} is no whole bundle: restore it from a copy")
    return content


def differences(content: Mapping[str, Any]) -> Iterator[str]:
    """A line for each version that a bundle was written with and that is another one here."""
    now = versions()
    for name, before in content["versions"].items():
        if name in now and before != now[name]:
            yield (
                f"the bundle was written with {name} {printable(str(before))}, this is "
                f"{now[name]}: its numbers may differ"
            )
