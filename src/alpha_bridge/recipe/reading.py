"""Reading, changing and comparing configurations, and explaining one that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from pydantic import ValidationError

from ..files import GONE_BACK, IDENTITY, read_json
from .config import DECIDED, HISTORY, Config


def read_config(source: Path | dict[str, Any]) -> Config:
    """Validate a configuration; what is not given takes its default.

    Args:
        source: A JSON file, such as a run's ``config.json``, or its content.

    Raises:
        ValueError: The file is not JSON, a key is unknown, also among those that are decided, or a
            value has the wrong type; one line that names it.

    Example:
        >>> read_config({"steps": 100}).steps
        100
    """
    if isinstance(source, dict):
        where, content = "", source
    else:
        where, content = f"{source}: ", read_json(source)
        for of_run in (IDENTITY, GONE_BACK):
            content.pop(of_run, None)
    try:
        config = Config.model_validate(_of_today(content))
    except ValidationError as error:
        raise ValueError(where + explain(error)) from None
    if unknown := sorted({*config.decided} - {*known_keys()}):
        raise ValueError(f"{where}{DECIDED} names an {_unknown(unknown[0])}")
    return config


def _of_today(content: dict[str, Any]) -> dict[str, Any]:
    """The same with the keys of today: in version 0.1.0, a σ was learned or fixed."""
    model = content.get("model")
    if not isinstance(model, dict) or "learn_noise" not in model:
        return content
    rest = {key: value for key, value in model.items() if key != "learn_noise"}
    course = "learned" if model["learn_noise"] else "fixed"
    return content | {"model": {"noise_course": course} | rest}


def changed(config: Config, values: Mapping[str, Any]) -> Config:
    """The same configuration with other values, by key, with dots for the parts.

    Raises:
        ValueError: A key is unknown, or a value is not allowed; one line that names it.

    Example:
        >>> changed(Config(), {"steps": 500, "model.latent": 8}).model.latent
        8
    """
    content = config.model_dump()
    content[DECIDED] = tuple(key for key in config.decided if key not in values)
    for key, value in values.items():
        *parts, last = key.split(".")
        reduce(lambda part, name: part.setdefault(name, {}), parts, content)[last] = value
    return read_config(content)


def explain(error: ValidationError) -> str:
    """The first of pydantic's complaints, in one line that begins with the key."""
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return _unknown(key)
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
    if first["type"] == "value_error":
        return message  # which begins with the key
    return f"{key}: {message}, got {shortened(first['input'])}"


def _unknown(key: str) -> str:
    near = get_close_matches(key, known_keys(), n=1)
    return f"unknown key {key!r}" + (f": did you mean {near[0]!r}?" if near else ": leave it out")


def known_keys() -> list[str]:
    """Every key of the configuration, with dots for the parts, that is a setting."""
    keys: list[str] = []
    for name, field in Config.model_fields.items():
        if is_dataclass(field.annotation):
            keys += [f"{name}.{setting.name}" for setting in fields(field.annotation)]
        elif name not in (HISTORY, DECIDED):
            keys.append(name)
    return keys


def given_keys(content: Mapping[str, Any]) -> list[str]:
    """Keys of settings that the content of a file gives.

    Example:
        >>> given_keys({"steps": 100, "model": {"latent": 8}})
        ['steps', 'model.latent']
    """
    content = _of_today(dict(content))
    return [key for key in known_keys() if _has(content, key)]


def _has(content: object, key: str) -> bool:
    part, _, rest = key.partition(".")
    return (
        isinstance(content, Mapping) and part in content and (not rest or _has(content[part], rest))
    )


def value_of(config: Config, key: str) -> object:
    """The value of a configuration under a key with dots."""
    return reduce(getattr, key.split("."), config)


def differences(first: Config, second: Config) -> list[str]:
    """Keys in which two configurations differ, each with both values.

    Example:
        >>> differences(Config(), Config(seed=1))
        ['seed: 0 and 1']
    """
    pairs = ((key, value_of(first, key), value_of(second, key)) for key in known_keys())
    return [f"{key}: {one} and {other}" for key, one, other in pairs if one != other]
