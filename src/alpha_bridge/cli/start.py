"""What training starts from: the preset, file, run or data that a command line names."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain, pairwise
from pathlib import Path
from shlex import quote
from typing import Any

from ..errors import printable
from ..files import read_json
from ..files.run_folder import lacks_config
from ..files.table_files import is_table
from ..recipe import DECIDED, Config, changed, known_keys, read_config, value_of
from ..recipe.decided import OF_FACTS, left_again
from ..recipe.methods import METHODS, SHARES, Method
from ..recipe.presets import (
    PRESETS,
    from_vae,
    left_open,
    of_data,
    of_reconstructions,
    with_data,
    with_dial,
)

APART = ("--config=", "--from=", "--method=", "--objective=")
"""Options that are looked at before the others are read."""

SOURCES = ("--data", "--prior", "--from", "--init")
"""Options that may name data or a VAE of the hub."""

FLAGS = frozenset(key for key in known_keys() if isinstance(value_of(Config(), key), bool))
"""Settings that an option turns on, ``--compile``, or off, ``--no-compile``."""


@dataclass(frozen=True)
class TrainingStart:
    """What the options of training change."""

    preset: str = "gaussians25"
    config: Config = PRESETS["gaussians25"]
    fetch: tuple[str, ...] | None = None
    """What the command line itself names, and a file may not have fetched; None for anything."""
    out: Path | None = None
    """The run that is named, to go on with."""


def start_of(given: list[str]) -> tuple[list[str], TrainingStart]:
    """What is named to begin with, so that options need only state what differs."""
    given = _config_first(given)
    named = next((word for word in given[1:2] if not word.startswith("-")), None)
    if named is None:
        if asks_for_help(given):
            return given, TrainingStart()
        data = _values_of(("--data",), given) or ("my/images",)
        raise ValueError(
            f"{given[0]} needs data, a preset or a file first, such as alpha-bridge {given[0]} "
            f"{quote(data[0])}: a folder of images or of shards, an .npy file, a table, one of "
            f"{', '.join(PRESETS)}, or a config.json"
        )
    start = _named(named, given)
    config = start.config
    # the other options may change what these three set
    for value in _values_of(("--data",), given):
        config = with_data(config, value)
    if config.realism is None and not config.decided and _values_of(("--realism",), given):
        config = with_dial(config)
    for option, value in pairwise(given):
        if option == "--from":
            config = from_vae(config, value)
    methods = [_method(value) for option, value in pairwise(given) if option == "--method"]
    kinds = {*_values_of(("--objective.kind",), given)}
    compared = methods_compared(names) if (names := _values_of(("--methods",), given)) else []
    if {"reconstruction", "vqgan"} & kinds or any(of.reconstructs for of in methods + compared):
        config = of_reconstructions(config)
    for method in methods:
        config = method.apply(config)
    config = _with_rest(config, given)
    keys = keys_of(given)
    _require_no_dial_of_vae(config, given)
    left = tuple(key for key in config.decided if key not in keys)
    config = config.model_copy(update={DECIDED: left})
    given = [word for word in given if not _is_so(word, config)]
    if asks_for_help(given):  # tyro prints the defaults as they are
        config, named = read_config(_printable(config.model_dump())), printable(named)
    return given, replace(start, preset=named, config=config)


def _with_rest(config: Config, given: list[str]) -> Config:
    """The configuration in which a share of the path that is given leaves the rest to the other."""
    found = {key: _values_of((f"--{key}",), given)[-1:] for key in SHARES}
    try:
        shares = {key: float(values[0]) for key, values in found.items() if values}
    except ValueError:  # of which whoever reads the options tells
        return config
    if not all(0 <= share <= 1 for share in shares.values()):
        return config
    rest = METHODS[config.method].rest(shares)
    return changed(config, shares | rest) if rest else config


def _require_no_dial_of_vae(config: Config, given: list[str]) -> None:
    """Refuse a dial, also that of a file, where a VAE has set the path and γ without it."""
    dial = _values_of(("--realism",), given)
    if config.architecture is None and config.realism is not None:  # else it is that of a run
        dial = dial or (f"{config.realism:g}",)
    of_vae = config.init is not None and not config.objective.reconstructs
    if dial and of_vae and "gamma.kind" not in keys_of(given) and config.gamma.kind != "realism":
        raise ValueError(
            f"--realism {dial[0]} has no effect on a bridge from a VAE: give --path.end and "
            "--gamma.c, or --objective.kind reconstruction, which has the dial"
        )


def asks_for_help(given: Sequence[str]) -> bool:
    """Whether help is to be printed in place of training."""
    return bool({"-h", "--help"} & set(given))


def keys_of(given: Sequence[str]) -> set[str]:
    """The keys of the options that are given, of those that turn a setting off too."""
    return {_key_of(word)[0] for word in given if word.startswith("--")}


def _key_of(option: str) -> tuple[str, bool]:
    """The key of an option, and whether it turns its setting on, if it does either."""
    key = option.split("=")[0].lstrip("-").replace("-", "_")
    part, dot, last = key.rpartition(".")
    without = part + dot + last.removeprefix("no_")
    return (without, False) if without != key and without in FLAGS else (key, True)


def _is_so(word: str, config: Config) -> bool:
    """Whether a word turns on or off what is so already, for which tyro has no option."""
    if not word.startswith("--") or "=" in word:
        return False
    key, on = _key_of(word)
    return key in FLAGS and value_of(config, key) == on


def _values_of(options: tuple[str, ...], given: list[str]) -> tuple[str, ...]:
    """The values that are given for some options."""
    apart = [word.split("=", 1) if word.startswith("--") else [word] for word in given]
    return tuple(value for option, value in pairwise(chain(*apart)) if option in options)


def _printable(content: dict[str, Any]) -> dict[str, Any]:
    """A configuration whose texts may be printed."""
    return {
        key: _printable(value)
        if isinstance(value, dict)
        else printable(value)
        if isinstance(value, str)
        else value
        for key, value in content.items()
    }


def _method(name: str) -> Method:
    if name in METHODS:
        return METHODS[name]
    near = get_close_matches(name, METHODS, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"give one of {', '.join(METHODS)}"
    raise ValueError(f"there is no method {name!r}: {hint}")


def methods_compared(values: Iterable[str]) -> list[Method]:
    """The methods of ``--methods``, which stand between commas or spaces."""
    names = [name for value in values for name in value.split(",") if name]
    if not names:
        raise ValueError(f"--methods needs names of methods: give some of {', '.join(METHODS)}")
    return [*map(_method, dict.fromkeys(names))]


def _config_first(given: list[str]) -> list[str]:
    """The same arguments with the file of ``--config FILE`` in the place of the preset."""
    given = [part for argument in given for part in _apart(argument)]
    given = ["--objective.kind" if argument == "--objective" else argument for argument in given]
    if "--config" not in given:
        return given
    at = given.index("--config")
    file, rest = given[at + 1 : at + 2], [*given[1:at], *given[at + 2 :]]
    if not file or file[0].startswith("-"):
        raise ValueError("--config needs a file: give the config.json of a run")
    if rest and not rest[0].startswith("-"):
        raise ValueError(
            f"{given[0]} takes a preset or --config, not both: got {rest[0]} and {file[0]}"
        )
    return [given[0], *file, *rest]


def _apart(argument: str) -> list[str]:
    return argument.split("=", 1) if argument.startswith(APART) else [argument]


def _named(name: str, given: list[str]) -> TrainingStart:
    """The preset, the file, the run or the data of that name."""
    path, own, resume = Path(name).expanduser(), _values_of(SOURCES, given), "--resume" in given
    if name in PRESETS:
        if path.is_dir() and PRESETS[name].data != name and not own:
            warnings.warn(f"{name} is a preset; for the folder here give ./{name}", stacklevel=2)
        return TrainingStart(name, PRESETS[name])
    if _is_config(path):
        return TrainingStart(name, _of_file(path, given), own)
    if resume or path.is_dir():
        from ..runs.folder import Run

        run = Run(path)
        if lacks_config(path) or (resume and (not path.exists() or run.config_path.is_file())):
            return TrainingStart(name, read_config(Run.open(path).config_path), own, path)
        if run.config_path.is_file() and (run.metrics_path.exists() or run.checkpoint_steps):
            raise ValueError(
                f"{name} is a run: go on with {run.resuming}, or give {run.config_path} to repeat "
                "it"
            )
    if (
        path.exists()
        or path.suffix == ".npy"
        or is_table(path)
        or ("/" in name and path.suffix != ".json")
    ):
        return TrainingStart(name, of_data(name))
    near = get_close_matches(name, PRESETS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(PRESETS)}, or a path"
    raise ValueError(f"there is no preset, folder or file {name!r}: {hint}")


def _of_file(path: Path, given: list[str]) -> Config:
    """The configuration of a file, whose dial decides what it leaves out.

    What a run decided, it decides again where it is repeated with another dial, or other updates.
    """
    config, keys = read_config(path), keys_of(given)
    if config.event_shape is None:
        content = read_json(path)
        dial = config.realism is not None or "realism" in keys
        return left_open(config, content) if dial and DECIDED not in content else config
    anew = OF_FACTS if config.decided else {"realism", "objective.kind", "method"}
    if "resume" in keys or not keys & anew:
        return config
    return left_again(config) if config.decided else config.model_copy(update={"event_shape": None})


def _is_config(path: Path) -> bool:
    """Whether a file holds a configuration, a JSON object, or is named as if it did."""
    if not path.is_file() or is_table(path):
        return False
    with path.open("rb") as file:
        return path.suffix == ".json" or file.read(1) == b"{"
