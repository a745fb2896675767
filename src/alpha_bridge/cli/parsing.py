"""From the arguments of a command line to the command that they ask for."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from inspect import Parameter, Signature, get_annotations, signature
from pathlib import Path
from typing import Annotated, Any, Union

import tyro
from pydantic import ValidationError
from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec

from .. import __version__, commands
from ..recipe import Config, changed, explain, known_keys
from ..recipe.decided import adapts, end_of
from ..recipe.presets import PRESETS
from ..recipe.soundness import require_sound
from ..recipe.unread import unread
from ..studio import studio
from .json_objects import JSON
from .refusals import reason, unknown
from .start import TrainingStart, asks_for_help, keys_of, methods_compared, start_of

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

OF_PYTHON = ("console", "fetch")
"""Parameters of commands that are no options."""


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
    start, command = TrainingStart(), given[0]
    if command == "compare" and any(word.split("=")[0] == "--methods" for word in given):
        command = METHODS_COMPARED
    if command in TRAINING:
        given, start = start_of(given)
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
            request, left = tyro.cli(
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
        raise ValueError(reason(leave, printed.getvalue())) from None
    if left:
        raise ValueError(unknown(left[0], _options(command)))
    if command in TRAINING:
        _require_used(request.arguments["config"], given)
    assert isinstance(request, Request)
    return request


def _only_named_parts(given: Sequence[str]) -> ConstructorRegistry:
    """Parts of the configuration that no option names stay whole, unless help is asked for.

    All 130 options take .44 s to be made in a new process, those of one part .21 s.
    """
    named = {key.split(".")[0] for key in keys_of(given)}
    left: set[object] = set()
    if not asks_for_help(given):
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


def _train_reader(start: TrainingStart) -> Callable[..., Request]:
    """The options of a configuration, which begin at that of a preset or a file."""

    def read(preset: str, config: Config, out: Path | None, resume: bool, json: bool) -> Request:
        folder = out or start.out or Path("runs") / _folder_name(preset, config)
        arguments = {"config": config, "out": folder, "resume": resume, "fetch": start.fetch}
        return Request("train", arguments, json)

    own = {"out": (Path | None, None), "resume": (bool, False)}
    return _with_options(read, _training_options(start, own), commands.train)


def _methods_reader(start: TrainingStart) -> Callable[..., Request]:
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
            "methods": [method.name for method in methods_compared(methods)],
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


def _training_options(
    start: TrainingStart, own: Mapping[str, tuple[Any, object]]
) -> list[Parameter]:
    """What is trained, the options of its configuration, and those of a command: type, default."""
    data = (
        "A folder of images or of shards of them (.tar, .parquet, .arrow), an .npy file, a table, "
        "or an id of the hub; a preset, "
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


def _options(command: str) -> list[str]:
    """The options of a command, without their dashes."""
    own = [*signature(FUNCTIONS[command]).parameters]
    names = own + known_keys() if command in TRAINING else own
    return [name.replace("_", "-") for name in names if name not in OF_PYTHON]


def _require_used(config: Config, given: Sequence[str]) -> None:
    """Refuse options that the data would silently ignore; a preset or a file may have them."""
    for part in config.idle:
        if idle := [argument for argument in given if argument.startswith(f"--{part}.")]:
            raise ValueError(f"{idle[0]} has no effect on the data {config.data}: leave it out")
    keys = keys_of(given)
    for key, why in unread(config).items():
        if key in keys:
            raise ValueError(f"--{key.replace('_', '-')} has no effect {why}")
    limits = sorted(key for key in keys if key.startswith("control."))
    if limits and not adapts(config):
        raise ValueError(
            f"--{limits[0]} has no effect, as α goes along a ramp: {_way_to_adapt(config)}"
        )
    # that a path which ends at 0 has arrived is seen at the first measurement, whatever it finds
    held = [key for key in limits if key != "control.every"]
    if held and end_of(config) == 0:
        raise ValueError(
            f"--{held[0]} has no effect, as α stays at 0, the end of its path: give a larger "
            "--realism or --path.end, or leave it out"
        )


def _way_to_adapt(config: Config) -> str:
    """What to give so that α waits for the model, where it can."""
    try:
        require_sound(changed(config, {"path.kind": "adaptive"}))
    except ValueError:
        return "leave it out"
    return "give --path.kind adaptive, or leave it out"
