"""Statements that the numbers of an experiment are held to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Claim", "trials_of", "verdicts"]


@dataclass(frozen=True)
class Claim:
    """A statement, whether it holds, and the numbers that decide it."""

    about: str
    holds: bool
    found: list[dict[str, Any]]


def trials_of(record: Mapping[str, Any]) -> int:
    """How many trials an experiment has of each method."""
    given = record if "trials" in record else record.get("settings", {})
    return given.get("trials") or len({run["seed"] for run in record["runs"]})


def verdicts(claims: Sequence[Claim], record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Claims as they stand in a record: one trial has numbers and no verdict."""
    several = trials_of(record) > 1
    return [asdict(claim) | ({} if several else {"holds": None}) for claim in claims]
