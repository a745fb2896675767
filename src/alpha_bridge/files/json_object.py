"""JSON objects as people's files hold them, whole or damaged."""

import json
import math
from pathlib import Path
from typing import Any

from ..errors import one_line


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}): check its path, or restore it from a copy"
        ) from error
    return parse_json(content, str(path))


def parse_json(content: bytes, source: str) -> dict[str, Any]:
    """The JSON object that is written in ``content``, UTF-8.

    Raises:
        ValueError: It is none; one line that names ``source``, where it stood.
    """
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{source} is damaged ({one_line(error)}): mend it, or restore it from a copy"
        ) from error
    if not isinstance(found, dict):
        raise ValueError(
            f"{source} is damaged (it is no JSON object): mend it, or restore it from a copy"
        )
    return found


def plain(value: object) -> object:
    """``value`` in what strict JSON knows: numpy's numbers as Python's, non-finite ones as null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
