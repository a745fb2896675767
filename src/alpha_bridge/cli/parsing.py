"""From the arguments of a command line to the command that they ask for."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from difflib import get_close_matches
from inspect import Parameter, Signature, get_annotations, signature
from itertools import chain, dropwhile, pairwise, takewhile
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Union

import tyro
from pydantic import ValidationError
from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec

from .. import __version__, commands
from ..errors import printable
from ..files.table_files import is_table
from ..recipe import DECIDED, Config, explain, known_keys, read_config
from ..recipe.decided import dialled
from ..recipe.methods import METHODS, Method
from ..recipe.presets import PRESETS, from_vae, of_data, of_reconstructions, with_data
from ..studio import studio
from .json_objects import JSON

COMMANDS: Mapping[str, Callable[..., Any]] = {
    name: getattr(commands, name)
    for name in (
        "train",
        "sample",
        "impute",
        "reconstruct",
        "translate",
        "edit",
        "missed",
        "ratio",
        "outliers",
        "compare",
        "evaluate",
        "report",
        "replay",
        "frontier",
        "export",
        "push",
        "restore",
        "verify",
        "runs",
        "overview",
        "doctor",
    )
} | {"studio": studio}
"""The commands by name."""

METHODS_COMPARED = "compare --methods"
"""The command ``compare`` where it trains methods on the same data."""

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **COMMANDS,
    METHODS_COMPARED: commands.compare_methods,
}
"""What is called for each request."""

TRAINING = ("train", METHODS_COMPARED)
"""Commands that take data or a preset, and the options of a configuration."""

SEEDS = 3
"""Of each method in a comparison where no number is given."""

APART = ("--config=", "--from=", "--method=", "--objective=")
"""Options that are looked at before the others are read."""

SOURCES = ("--data", "--prior", "--from", "--init")
"""Options that may name data or a VAE of the hub."""

OF_PYTHON = ("console", "fetch")
"""Parameters of commands that are no options."""

RATES = "--optimization.generator, --optimization.encoder and --optimization.discriminator"
UPDATES = "--steps, the number of updates, not of passes over the data"
NO_WORKERS = "leave it out: images are decoded once, and then mapped from a file"
NO_DEVICE = "leave it out: an accelerator is taken if there is one; CUDA_VISIBLE_DEVICES chooses it"

ELSEWHERE: Mapping[str, str] = {
    "lr": RATES,
    "learning-rate": RATES,
    "epochs": UPDATES,
    "num-epochs": UPDATES,
    "iterations": "--steps",
    "batch": "--batch-size",
    "bs": "--batch-size",
    "output": "--out",
    "output-dir": "--out",
    "outdir": "--out",
    "dataset": "--data",
    "data-dir": "--data",
    "resolution": "--images.size",
    "image-size": "--images.size",
    "size": "--images.size",
    "grayscale": "--images.channels 1",
    "latent-dim": "--model.latent",
    "fp16": "--precision bf16",
    "amp": "--precision bf16",
    "workers": NO_WORKERS,
    "num-workers": NO_WORKERS,
    "device": NO_DEVICE,
    "gpu": NO_DEVICE,
    "gpus": NO_DEVICE,
    "cuda": NO_DEVICE,
    "cpu": NO_DEVICE,
}
"""What options of other tools are called here."""


@dataclass(frozen=True)
class Request:
    """A command, the arguments of its function, and whether its result is printed as JSON."""

    command: str
    arguments: Mapping[str, Any]
    json: bool = False


def parse(arguments: Sequence[str]) -> Request:
    """The command that ``arguments`` ask for; help and version are printed, and leave."""
    given = list(arguments)
    if not given:
        return Request("overview", {})
    if given[0] == "--version":
        print(f"alpha-bridge {__version__}")
        raise SystemExit
    if given[0] == "reproduce":
        raise ValueError(
            "the experiments are not part of the package any more: in a clone of the repository, "
            f"run python -m experiments {' '.join(given[1:]) or '--help'}"
        )
    if given[0] not in (*COMMANDS, "-h", "--help"):
        raise ValueError(f"there is no command {given[0]!r}: give one of {', '.join(COMMANDS)}")
    start, command = _Start(), given[0]
    if command == "compare" and any(word.split("=")[0] == "--methods" for word in given):
        command = METHODS_COMPARED
    if command in TRAINING:
        given, start = _start(given)
    readers = {name: _reader(name, function) for name, function in COMMANDS.items()}
    readers["train"] = _train_reader(start)
    if command == METHODS_COMPARED:
        readers["compare"] = _methods_reader(start)
    asked: Any = Union[  # noqa: UP007
        tuple(Annotated[Any, subcommand(name, constructor=f)] for name, f in readers.items())
    ]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), _only_named_parts(given):
            request, unknown = tyro.cli(
                Annotated[asked, FlagCreatePairsOff],
                prog="alpha-bridge",
                description="Move a generator from maximum likelihood to adversarial learning.",
                args=given,
                return_unknown_args=True,
            )
    except ValidationError as error:
        raise ValueError(explain(error)) from None
    except SystemExit as leave:
        if not leave.code:
            raise
        raise ValueError(_reason(leave, printed.getvalue())) from None
    if unknown:
        raise ValueError(_unknown(command, unknown[0]))
    if command in TRAINING:
        _require_used(request.arguments["config"], given)
    assert isinstance(request, Request)
    return request


def _only_named_parts(given: Sequence[str]) -> ConstructorRegistry:
    """Parts of the configuration that no option names stay whole, unless help is asked for.

    All 130 options take .44 s to be made in a new process, those of one part .21 s.
    """
    named = {key.split(".")[0] for key in _keys(given)}
    left: set[object] = set()
    if not _asks_for_help(given):
        parts = ((name, field.annotation) for name, field in Config.model_fields.items())
        left = {part for name, part in parts if is_dataclass(part) and name not in named}
    registry = ConstructorRegistry()
    registry.primitive_rule(lambda about: WHOLE if about.type in left else None)
    return registry


WHOLE = PrimitiveConstructorSpec[Any](
    nargs=1,
    metavar="PART",
    instance_from_str=lambda given: given,
    is_instance=lambda _: True,
    str_from_instance=lambda _: ["..."],
)
"""What no option is made for, so that it stays what it is."""

JSON_OPTION = Parameter(
    "json",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, arg(help="Print one JSON object instead of lines or a table.")],
)


def _reader(name: str, function: Callable[..., Any]) -> Callable[..., Request]:
    """A function with the options of a command, which gives the request instead of running it."""
    hints = get_annotations(function, eval_str=True)
    options = [
        option.replace(annotation=hints[option.name])
        for option in signature(function).parameters.values()
        if option.name not in OF_PYTHON
    ]

    def read(*positional: Any, json: bool = False, **keywords: Any) -> Request:  # noqa: ANN401
        names = [option.name for option in options]
        return Request(name, dict(zip(names, positional, strict=False)) | keywords, json)

    return _with_options(read, [*options, JSON_OPTION] if name in JSON else options, function)


def _train_reader(start: _Start) -> Callable[..., Request]:
    """The options of a configuration, which begin at that of a preset or a file."""

    def read(preset: str, config: Config, out: Path | None, resume: bool, json: bool) -> Request:
        folder = out or start.out or Path("runs") / _folder_name(preset, config)
        arguments = {"config": config, "out": folder, "resume": resume, "fetch": start.fetch}
        return Request("train", arguments, json)

    own = {"out": (Path | None, None), "resume": (bool, False)}
    return _with_options(read, _training_options(start, own), commands.train)


def _methods_reader(start: _Start) -> Callable[..., Request]:
    """The same for several methods, whose trials are runs of their own."""
    if start.config.trials == 1:
        start = replace(start, config=start.config.model_copy(update={"trials": SEEDS}))

    def read(
        preset: str,
        config: Config,
        methods: tuple[str, ...],
        out: Path | None,
        jobs: int,
        cluster: str | None,
        json: bool,
    ) -> Request:
        arguments = {
            "config": config,
            "methods": [method.name for method in _compared(methods)],
            "out": out or Path("runs") / f"compare-{Path(preset).resolve().stem}",
            "jobs": jobs,
            "cluster": cluster,
            "fetch": start.fetch,
        }
        return Request(METHODS_COMPARED, arguments, json)

    own = {
        "methods": (tuple[str, ...], ()),
        "out": (Path | None, None),
        "jobs": (int, 1),
        "cluster": (str | None, None),
    }
    return _with_options(read, _training_options(start, own), commands.compare_methods)


def _training_options(start: _Start, own: Mapping[str, tuple[Any, object]]) -> list[Parameter]:
    """What is trained, the options of its configuration, and those of a command: type, default."""
    data = (
        "A folder of images, an .npy file, a table, or an id of the hub; a preset, "
        f"{', '.join(PRESETS)}; the config.json of a run; or with train --resume a run."
    )
    options = {
        "preset": (Annotated[Positional[str], arg(help=data)], start.preset),
        "config": (Annotated[Config, arg(name="")], start.config),
        **own,
    }
    return [
        *(
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in options.items()
        ),
        JSON_OPTION,
    ]


def _with_options(
    read: Callable[..., Request], options: Sequence[Parameter], documented: Callable[..., Any]
) -> Callable[..., Request]:
    """``read`` with the signature and the docstring from which tyro makes options and help."""
    vars(read)["__signature__"] = Signature(list(options))
    read.__annotations__ = {option.name: option.annotation for option in options}
    read.__doc__ = re.sub(r"\n {12,}(?=\S)", " ", documented.__doc__ or "")  # a line each
    return read


def _folder_name(preset: str, config: Config) -> str:
    of_method = "" if config.method == Config().method else f"-{config.method}"
    return f"{Path(preset).resolve().stem}{of_method}-seed-{config.seed}"


@dataclass(frozen=True)
class _Start:
    """What the options of training change."""

    preset: str = "gaussians25"
    config: Config = PRESETS["gaussians25"]
    fetch: tuple[str, ...] | None = None
    """What the command line itself names, and a file may not have fetched; None for anything."""
    out: Path | None = None
    """The run that is named, to go on with."""


def _start(given: list[str]) -> tuple[list[str], _Start]:
    """What is named to begin with, so that options need only state what differs."""
    given = _config_first(given)
    named = next((word for word in given[1:2] if not word.startswith("-")), None)
    if named is None:
        if _asks_for_help(given):
            return given, _Start()
        data = _values_of(("--data",), given) or ("my/images",)
        raise ValueError(
            f"{given[0]} needs data, a preset or a file first, such as alpha-bridge {given[0]} "
            f"{quote(data[0])}: a folder of images, an .npy file, a table, one of "
            f"{', '.join(PRESETS)}, or a config.json"
        )
    start = _named(named, given)
    config = start.config
    # the other options may change what these three set
    for value in _values_of(("--data",), given):
        config = with_data(config, value)
    if config.realism is None and _values_of(("--realism",), given):
        config = dialled(config)
    for option, value in pairwise(given):
        if option == "--from":
            config = from_vae(config, value)
    methods = [_method(value) for option, value in pairwise(given) if option == "--method"]
    kinds = {value for option, value in pairwise(given) if option == "--objective.kind"}
    compared = _compared(names) if (names := _values_of(("--methods",), given)) else []
    if {"reconstruction", "vqgan"} & kinds or any(of.reconstructs for of in methods + compared):
        config = of_reconstructions(config)
    for method in methods:
        config = method.apply(config)
    keys = _keys(given)
    left = tuple(key for key in config.decided if key not in keys)
    config = config.model_copy(update={DECIDED: left})
    if _asks_for_help(given):  # tyro prints the defaults as they are
        config, named = read_config(_printable(config.model_dump())), printable(named)
    return given, replace(start, preset=named, config=config)


def _asks_for_help(given: Sequence[str]) -> bool:
    return bool({"-h", "--help"} & set(given))


def _keys(given: Sequence[str]) -> set[str]:
    """The keys of the options that are given."""
    return {
        word.split("=")[0].lstrip("-").replace("-", "_") for word in given if word.startswith("--")
    }


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


def _compared(values: Iterable[str]) -> list[Method]:
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


def _named(name: str, given: list[str]) -> _Start:
    """The preset, the file, the run or the data of that name."""
    path, own, resume = Path(name).expanduser(), _values_of(SOURCES, given), "--resume" in given
    if name in PRESETS:
        if path.is_dir() and PRESETS[name].data != name and not own:
            warnings.warn(f"{name} is a preset; for the folder here give ./{name}", stacklevel=2)
        return _Start(name, PRESETS[name])
    if _is_config(path):
        return _Start(name, read_config(path), own)
    if resume or path.is_dir():
        from ..runs.folder import Run

        run = Run(path)
        if resume and (not path.exists() or run.config_path.is_file()):
            return _Start(name, read_config(Run.open(path).config_path), own, path)
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
        return _Start(name, of_data(name))
    near = get_close_matches(name, PRESETS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(PRESETS)}, or a path"
    raise ValueError(f"there is no preset, folder or file {name!r}: {hint}")


def _is_config(path: Path) -> bool:
    """Whether a file holds a configuration, a JSON object, or is named as if it did."""
    if not path.is_file() or is_table(path):
        return False
    with path.open("rb") as file:
        return path.suffix == ".json" or file.read(1) == b"{"


def _require_used(config: Config, given: Sequence[str]) -> None:
    """Refuse options that the data would silently ignore; a preset or a file may have them."""
    for part in config.idle:
        if idle := [argument for argument in given if argument.startswith(f"--{part}.")]:
            raise ValueError(f"{idle[0]} has no effect on the data {config.data}: leave it out")


def _unknown(command: str, option: str) -> str:
    key = option.split("=")[0].lstrip("-").replace("_", "-").lower()
    own = [*signature(FUNCTIONS[command]).parameters]
    names = own + known_keys() if command in TRAINING else own
    options = [name.replace("_", "-") for name in names if name not in OF_PYTHON]
    here = ELSEWHERE.get(key, "")
    near = get_close_matches(key, options, n=1)
    if {*re.findall(r"--([\w.-]+)", here)} & {*options}:
        hint = f"here it is {here}"
    elif near and not here:
        hint = f"did you mean --{near[0]}?"
    else:
        hint = here if here in (NO_DEVICE, NO_WORKERS) else "see --help"
    return f"unknown option {option}: {hint}"


def _reason(leave: SystemExit, printed: str) -> str:
    """Why tyro gave up, in one line: the error of the configuration, or the text of tyro's box."""
    error = leave.__context__
    while error is not None:
        if isinstance(error, ValidationError):
            return explain(error)
        if isinstance(getattr(error, "arg", None), str):  # a setting that is out of its range
            return str(getattr(error, "message", error))
        error = error.__context__
    return _plain(printed)


def _plain(box: str) -> str:
    """The text of a box of tyro, between its title and the next rule, as one line."""
    lines = [line.strip("│| ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    below = dropwhile(_is_rule, lines[1:])
    text = " ".join(takewhile(lambda line: not _is_rule(line), below))
    return re.sub(r"invalid literal for int\(\).*: (.+)", r"\1 is not a whole number", text)


def _is_rule(line: str) -> bool:
    return not line.strip("─-")
