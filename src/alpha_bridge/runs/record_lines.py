"""Lines of a run's records: what stands in each, and what is refused as damaged."""

import json
from pathlib import Path
from typing import Any

from ..files import parse_json, plain

NUMBERS = ("alpha", "gamma", "seconds", "sigma")
"""Keys that must have a number, as those of metrics must."""

Record = dict[str, Any]


def line_of(record: Record) -> bytes:
    """A record as a line; a number that is not finite is null."""
    return (json.dumps(plain(record), ensure_ascii=False, allow_nan=False) + "\n").encode()


def lines_of(path: Path) -> list[tuple[bytes, str]]:
    """The finished lines of a file that may be missing, each with the place where it stands."""
    if not path.exists():
        return []
    *lines, _unfinished = path.read_bytes().split(b"\n")
    numbered = enumerate(lines, start=1)
    return [(line, f"line {number} of {path}") for number, line in numbered if line.strip()]


def record_of(line: bytes, source: str) -> Record:
    """What a line of the records says."""
    record = parse_json(line, source)
    wrong = [name for name, value in record.items() if not fits(name, value)]
    if "step" not in record or wrong:
        kind = "word" if "phase" in wrong[:1] else "number"
        reason = f"{wrong[0]!r} is no {kind}" if wrong else "it has no step"
        raise ValueError(f"{source} is damaged ({reason}): restore it from a copy")
    return record


def fits(name: str, value: object) -> bool:
    """Whether a record may have ``value`` under ``name``."""
    if name == "step":
        return type(value) is int and value >= 0
    if name == "phase":
        return isinstance(value, str)
    if name in NUMBERS or "/" in name:
        values = value if isinstance(value, list) else [value]
        return all(of is None or type(of) in (int, float) for of in values)
    return True
