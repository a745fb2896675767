"""From the words of a command line to the command that they ask for."""

from __future__ import annotations

import contextlib
import io
import re
from difflib import get_close_matches
from itertools import chain, dropwhile, pairwise, takewhile
from pathlib import Path
from typing import Annotated, Any, Protocol, Union

import tyro
from pydantic import ValidationError
from rich.console import Console
from tyro.conf import FlagCreatePairsOff, subcommand

from ..errors import printable
from ..recipe import Config, explain, known_keys, read_config
from ..recipe.methods import METHODS, Method
from ..recipe.presets import PRESETS, from_vae
from .arm import Edit, Missed
from .sharing import Export, Push
from .train import Train
from .use import Evaluate, Frontier, Reconstruct, Report, Restore, Sample, Translate

__all__ = ["COMMANDS", "Command", "parse"]


APART = ("--config=", "--from=", "--method=", "--objective=")
"""Options that are looked at before the others are read."""

SOURCES = ("--data", "--prior", "--from", "--init")
"""Options that may name what is fetched."""


class Command(Protocol):
    """What the words ask for, ready to be done."""

    def __call__(self, console: Console) -> None:
        """Do it, and tell of it on ``console``."""


COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "sample": Sample,
    "reconstruct": Reconstruct,
    "translate": Translate,
    "edit": Edit,
    "missed": Missed,
    "evaluate": Evaluate,
    "report": Report,
    "frontier": Frontier,
    "export": Export,
    "push": Push,
    "restore": Restore,
}
"""The commands by name."""


def parse(words: list[str]) -> Command:
    """The command that ``words`` ask for.

    Raises:
        ValueError: They ask for none; one line.
        SystemExit: They ask for help, which is printed.
    """
    defaults = Train()
    if words[:1] == ["reproduce"]:
        raise ValueError(
            "the experiments are not part of the package any more: in a clone of the repository, "
            f"run python -m experiments {' '.join(words[1:]) or '--help'}"
        )
    if words and words[0] not in (*COMMANDS, "-h", "--help"):
        raise ValueError(f"there is no command {words[0]!r}: give one of {', '.join(COMMANDS)}")
    if words[:1] == ["train"]:
        words, defaults = _train_defaults(words)
    named = {name: subcommand(name) for name in COMMANDS}
    named["train"] = subcommand("train", default=defaults)
    commands: Any = Union[  # noqa: UP007
        tuple(Annotated[command, named[name]] for name, command in COMMANDS.items())
    ]
    if not words:
        words = ["--help"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            command, unknown = tyro.cli(
                Annotated[commands, FlagCreatePairsOff],
                prog="alpha-bridge",
                description="Move a generator from maximum likelihood to adversarial learning.",
                args=words,
                return_unknown_args=True,
            )
    except ValidationError as error:
        raise ValueError(explain(error)) from None
    except SystemExit as leave:
        if not leave.code:
            raise
        raise ValueError(_reason(leave, said.getvalue())) from None
    if unknown:
        raise ValueError(_unknown(unknown[0]))
    if isinstance(command, Train):
        _require_used(command.config, words)
    asked: Command = command
    return asked


def _train_defaults(words: list[str]) -> tuple[list[str], Train]:
    """The preset or the file that the words name, so that they need only state what differs."""
    words = _config_first(words)
    named = next((word for word in words[1:2] if not word.startswith("-")), None)
    if named is None:
        if {"-h", "--help"} & set(words):
            return words, Train()
        raise ValueError(
            f"train needs a preset or a file first: one of {', '.join(PRESETS)}, or a config.json"
        )
    config = _named_config(named)
    # the other options may change what these two set
    for option, value in pairwise(words):
        if option == "--from":
            config = from_vae(config, value)
    for option, value in pairwise(words):
        if option == "--method":
            config = _method(value).apply(config)
    if {"-h", "--help"} & set(words):  # tyro prints the defaults as they are
        config, named = read_config(_shown(config.model_dump())), printable(named)
    given = None if named in PRESETS else _values_of(SOURCES, words)
    return words, Train(preset=named, config=config, named=given)


def _values_of(options: tuple[str, ...], words: list[str]) -> tuple[str, ...]:
    """What the words give for some options."""
    apart = [word.split("=", 1) if word.startswith("--") else [word] for word in words]
    return tuple(value for option, value in pairwise(chain(*apart)) if option in options)


def _shown(content: dict[str, Any]) -> dict[str, Any]:
    """A configuration whose words may be printed."""
    return {
        key: _shown(value)
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


def _config_first(words: list[str]) -> list[str]:
    """The same words with the file of ``--config FILE`` in the place of the preset."""
    words = [part for word in words for part in _apart(word)]
    words = ["--objective.kind" if word == "--objective" else word for word in words]
    if "--config" not in words:
        return words
    at = words.index("--config")
    file, rest = words[at + 1 : at + 2], [*words[1:at], *words[at + 2 :]]
    if not file or file[0].startswith("-"):
        raise ValueError("--config needs a file: give the config.json of a run")
    if rest and not rest[0].startswith("-"):
        raise ValueError(f"train takes a preset or --config, not both: got {rest[0]} and {file[0]}")
    return [words[0], *file, *rest]


def _apart(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith(APART) else [word]


def _named_config(name: str) -> Config:
    if name in PRESETS:
        return PRESETS[name]
    path = Path(name)
    if path.is_file() and path.suffix != ".npy":
        return read_config(path)
    near = get_close_matches(name, PRESETS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(PRESETS)}"
    if path.exists():
        hint = f"to train on that, give a preset and --data {name}"
    raise ValueError(f"there is no preset or file {name!r}: {hint}")


def _require_used(config: Config, words: list[str]) -> None:
    """Refuse options that the data would silently ignore; a preset or a file may have them."""
    for part in config.idle:
        if given := [word for word in words if word.startswith(f"--{part}.")]:
            raise ValueError(f"the data {config.data} have no use for {given[0]}: leave it out")


def _unknown(word: str) -> str:
    key = word.split("=")[0].lstrip("-").replace("-", "_")
    near = get_close_matches(key, known_keys(), n=1)
    hint = f"did you mean --{near[0].replace('_', '-')}?" if near else "see --help"
    return f"unknown option {word}: {hint}"


def _reason(leave: SystemExit, said: str) -> str:
    """Why tyro gave up, in one line: what the configuration said, or what tyro says in a box."""
    error = leave.__context__
    while error is not None:
        if isinstance(error, ValidationError):
            return explain(error)
        if isinstance(getattr(error, "arg", None), str):  # a setting that is out of its range
            return str(getattr(error, "message", error))
        error = error.__context__
    return _plain(said)


def _plain(box: str) -> str:
    """What tyro says in a box, between its title and the next rule, as one line."""
    lines = [line.strip("│| ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    below = dropwhile(_is_rule, lines[1:])
    said = " ".join(takewhile(lambda line: not _is_rule(line), below))
    return re.sub(r"invalid literal for int\(\).*: (.+)", r"\1 is not a whole number", said)


def _is_rule(line: str) -> bool:
    return not line.strip("─-")
