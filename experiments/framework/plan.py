"""Runs that an experiment asks for, and what each of them gives."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType
from typing import Any

from alpha_bridge.recipe import Config, read_config
from alpha_bridge.runs.plots.records import Array

__all__ = ["Outcome", "Plan", "Record", "Samples", "key_of", "read_key"]

Record = dict[str, Any]
Samples = Mapping[str, Mapping[int, Array]]
"""By name and number of updates."""


@dataclass(frozen=True)
class Outcome:
    """What a run gives.

    Attributes:
        record: Its numbers, as they go into JSON.
        samples: What figures show, by the end of its name and the number of updates.
    """

    record: Record
    samples: Samples = field(default_factory=dict)


def _no_words(_: Record) -> str:
    return ""


@dataclass(frozen=True)
class Plan:
    """One run that an experiment asks for.

    Attributes:
        labels: What tells it from the experiment's other runs, such as the method.
        train: Trains and measures. A module's function: it may run in another process.
        arguments: Its arguments by name: all that its numbers depend on.
        picture: The name under which its samples are kept; None if they are not.
        describe: From the record to a short line for the terminal.
        means: Arguments that its numbers do not depend on, such as where something is installed.
    """

    labels: Mapping[str, Any]
    train: Callable[..., Outcome]
    arguments: Mapping[str, Any]
    picture: str | None = None
    describe: Callable[[Record], str] = _no_words
    means: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Outcome:
        """Train, and measure."""
        return self.train(**self.arguments, **self.means)

    @property
    def key(self) -> str:
        """All that its numbers depend on, as JSON."""
        return key_of({"train": self.train, **self.arguments})


def key_of(arguments: Mapping[str, Any]) -> str:
    """Arguments as JSON: functions by name, configurations without what data and a VAE decide."""
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, default=_plain)


def read_key(text: str) -> str:
    """The key of today for one that was written before a setting was added."""
    arguments = json.loads(text)
    if "config" in arguments:
        arguments["config"] = read_config(arguments["config"])
    return key_of(arguments)


def _plain(value: object) -> object:
    if isinstance(value, Config):
        own = value.model_copy(update={"event_shape": None, "architecture": None})
        return own.model_dump(mode="json")
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    assert isinstance(value, FunctionType), f"a run cannot depend on {value!r}"
    return f"{value.__module__}.{value.__qualname__}"
