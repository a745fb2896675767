"""The command line: it reads words, calls the library, and says how it went.

Exit codes: 0 done, 2 the user's input is wrong, 1 anything else. Nothing here imports torch
before a command needs it.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import dropwhile, pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand

from .config import Config, explain, known_keys, read_config
from .errors import Stopped
from .experiments import EXPERIMENTS
from .methods import METHODS, Method
from .presets import PRESETS

if TYPE_CHECKING:
    from .commands import Trained

__all__ = ["main"]

Metrics = dict[str, float]

WRONG_PATH = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
"""What a path that the user gave can raise; any other trouble with files is not the user's."""


@dataclass(frozen=True)
class Train:
    """Train with the α-Bridge, or a baseline: alpha-bridge train PRESET|FILE [options]."""

    preset: Positional[str] = "gaussians25"
    """gaussians25, ring8, unbalanced, spirals, digits, mnist, cifar10, celeba, or a file of one."""
    out: Path | None = None
    """Folder of the run; by default runs/PRESET-seed-SEED, with a baseline's name before seed."""
    resume: bool = False
    """Go on with the run in that folder from its last checkpoint."""
    json: bool = False
    """Print one JSON object instead of a table."""
    config: Annotated[Config, arg(name="")] = PRESETS["gaussians25"]

    def __call__(self, console: Console) -> None:
        """Train, and print the metrics."""
        from .commands import train

        folder = self.out or Path("runs") / self._name
        trained = train(self.config, folder, self.resume, console)
        if self.json and not console.quiet:  # it is quiet in all processes of a run but the first
            print(_json(_summary(trained)))
        else:
            console.print(_comparison(trained))
            console.print(
                f"{trained.seconds:.0f} s; report: {trained.run.report_path}", soft_wrap=True
            )

    @property
    def _name(self) -> str:
        method = self.config.method
        of_method = "" if method == Config().method else f"-{method}"
        return f"{Path(self.preset).stem}{of_method}-seed-{self.config.seed}"


@dataclass(frozen=True)
class Sample:
    """Draw samples from a run's generator."""

    run: Positional[Path]
    """Folder of the run."""
    n: Annotated[int, arg(aliases=["-n"])] = 64
    """Number of samples."""
    out: Path | None = None
    """A .png for a picture, an .npy for an array; by default in the run's folder."""
    seed: int = 0
    """Seed of the latents."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""

    def __call__(self, console: Console) -> None:
        """Draw, and name the file."""
        from .commands import sample
        from .run import Run

        console.print(
            str(sample(Run.open(self.run), self.n, self.seed, self.out, self.step)), soft_wrap=True
        )


@dataclass(frozen=True)
class Reconstruct:
    """Encode and decode images with a run's inference arm."""

    run: Positional[Path]
    """Folder of the run."""
    images: Path
    """An image, a folder of images, or an .npy file."""
    out: Path | None = None
    """A .png for a picture, an .npy for an array; by default in the run's folder."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""

    def __call__(self, console: Console) -> None:
        """Reconstruct, and name the file and the error."""
        from .commands import reconstruct
        from .run import Run

        path, error = reconstruct(Run.open(self.run), self.images, self.out, self.step)
        console.print(f"mean squared error {error:.4g}; {path}", soft_wrap=True)


@dataclass(frozen=True)
class Evaluate:
    """Measure a run's model again."""

    run: Positional[Path]
    """Folder of the run."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    json: bool = False
    """Print one JSON object instead of a table."""

    def __call__(self, console: Console) -> None:
        """Measure, and print the metrics."""
        from .commands import evaluate
        from .run import Run

        metrics = evaluate(Run.open(self.run), self.step, console)
        if self.json:
            print(_json(metrics))
        else:
            console.print(_table(metrics))


@dataclass(frozen=True)
class Report:
    """Write a run's report.html again."""

    run: Positional[Path]
    """Folder of the run."""

    def __call__(self, console: Console) -> None:
        """Write, and name the file."""
        from .report import write_report
        from .run import Run

        console.print(str(write_report(Run.open(self.run))), soft_wrap=True)


@dataclass(frozen=True)
class Frontier:
    """Show how a run trades likelihood for realism along α, and name the best α."""

    run: Positional[Path]
    """Folder of a run that was trained with --snapshots."""
    prefer: float = 0.5
    """What counts: 0 for likelihood alone, 1 for realism alone, each over its range in the run."""
    draws: int = 50
    """Latents for each sample in the importance-weighted bound."""
    json: bool = False
    """Print one JSON object instead of a table."""

    def __call__(self, console: Console) -> None:
        """Measure the snapshots, and name the best α, its checkpoint and the picture."""
        from .frontier import frontier
        from .metrics.names import METRICS
        from .run import Run

        found = frontier(Run.open(self.run), self.prefer, self.draws, console)
        if self.json:
            print((self.run / "frontier.json").read_text(encoding="utf-8"), end="")
            return
        realism = METRICS[found.realism.split("/")[0]].label
        table = Table("update", "α", "σ", "bound", "best σ", "its bound", realism, "score")
        for point in found.points:
            sigmas = (point.sigma, point.bound, point.best_sigma, point.best_bound)
            numbers = (point.alpha, *sigmas, point.metrics[found.realism], point.score)
            table.add_row(str(point.step), *(f"{number:.4g}" for number in numbers))
        console.print(table)
        console.print(f"best: α = {found.best.alpha:.4g}, {found.checkpoint}", soft_wrap=True)
        console.print(str(self.run / "frontier.png"), soft_wrap=True)


@dataclass(frozen=True)
class Reproduce:
    """Regenerate a result of the paper: alpha-bridge reproduce figure2 [options]."""

    name: Annotated[Positional[str], arg(help="; ".join(map(": ".join, EXPERIMENTS.items())) + ".")]
    out: Path | None = None
    """Folder of the JSON and the picture; by default results/NAME, or results/NAME-quick. An
    experiment that was interrupted there goes on."""
    trials: int | None = None
    """Number of trials; by default the paper's."""
    seed: int = 0
    """Seed of all draws."""
    quick: bool = False
    """A miniature of at most two minutes, labelled so."""
    data: str | None = None
    """Images to train on, where the experiment is about images: a hub id, a folder or a file."""

    def __call__(self, console: Console) -> None:
        """Compute, and name the picture."""
        from .experiments import reproduce

        folder = self.out or Path("results") / f"{self.name}{'-quick' if self.quick else ''}"

        def tell(line: str) -> None:
            console.print(line, soft_wrap=True)

        reproduce(self.name, folder, self.seed, self.trials, self.quick, tell, self.data)
        console.print(str(folder / f"{self.name}.png"), soft_wrap=True)


Command = Train | Sample | Reconstruct | Evaluate | Report | Frontier | Reproduce
COMMANDS = ("train", "sample", "reconstruct", "evaluate", "report", "frontier", "reproduce")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The words after the program's name; by default those of this process.

    Returns:
        The exit code.
    """
    # torch's threads wait for each other awake; beside other work on the same cores they must
    # not do so for long, or an update takes ten times as long (read when torch is loaded)
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an α must not stop a run in an ASCII terminal
            stream.reconfigure(errors="replace")
    try:
        command = _parse(words)
        # a path may have what rich would take for markup
        command(Console(stderr=getattr(command, "json", False), markup=False, highlight=False))
        sys.stdout.flush()
    except (ValueError, *WRONG_PATH) as error:
        return _say(error, 2)
    except BrokenPipeError:  # the reader has seen enough; nothing is left to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Stopped, OSError, MemoryError) as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return _say("interrupted", 1)
    return 0


def _say(message: object, code: int) -> int:
    print("alpha-bridge:", " ".join(str(message).split()), file=sys.stderr)
    return code


def _parse(words: list[str]) -> Command:
    """The command that ``words`` ask for.

    Raises:
        ValueError: They ask for none; one line.
        SystemExit: They ask for help, which is printed.
    """
    defaults = Train()
    if words and words[0] not in (*COMMANDS, "-h", "--help"):
        raise ValueError(f"there is no command {words[0]!r}: give one of {', '.join(COMMANDS)}")
    if words[:1] == ["train"]:
        words, defaults = _train_defaults(words)
    commands = Annotated[
        Annotated[Train, subcommand("train", default=defaults)]
        | Annotated[Sample, subcommand("sample")]
        | Annotated[Reconstruct, subcommand("reconstruct")]
        | Annotated[Evaluate, subcommand("evaluate")]
        | Annotated[Report, subcommand("report")]
        | Annotated[Frontier, subcommand("frontier")]
        | Annotated[Reproduce, subcommand("reproduce")],
        FlagCreatePairsOff,
    ]
    if not words:
        words = ["--help"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            command, unknown = tyro.cli(
                commands,
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
    return command


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
    for option, value in pairwise(words):
        if option == "--method":
            config = _method(value).apply(config)  # the other options may change what it sets
    return words, Train(preset=named, config=config)


def _method(name: str) -> Method:
    if name in METHODS:
        return METHODS[name]
    near = get_close_matches(name, METHODS, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"give one of {', '.join(METHODS)}"
    raise ValueError(f"there is no method {name!r}: {hint}")


def _config_first(words: list[str]) -> list[str]:
    """The same words with the file of ``--config FILE`` in the place of the preset."""
    words = [part for word in words for part in _apart(word)]
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
    return word.split("=", 1) if word.startswith(("--config=", "--method=")) else [word]


def _named_config(name: str) -> Config:
    if name in PRESETS:
        return PRESETS[name]
    path = Path(name)
    if path.is_file():
        return read_config(path)
    near = get_close_matches(name, PRESETS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(PRESETS)}"
    if path.is_dir():
        hint = f"to train on that folder, give a preset and --data {name}"
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
    while error is not None and not isinstance(error, ValidationError):
        error = error.__context__
    return _plain(said) if error is None else explain(error)


def _plain(box: str) -> str:
    """What tyro says in a box, between its title and the next rule, as one line."""
    lines = [line.strip("│| ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    below = dropwhile(_is_rule, lines[1:])
    said = " ".join(takewhile(lambda line: not _is_rule(line), below))
    return re.sub(r"invalid literal for int\(\).*: (.+)", r"\1 is not a whole number", said)


def _is_rule(line: str) -> bool:
    return not line.strip("─-")


def _json(value: object) -> str:
    """``value`` as JSON, which has no word for NaN or infinity but null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _summary(trained: Trained) -> dict[str, object]:
    return {
        "run": str(trained.run.folder),
        "report": str(trained.run.report_path),
        "seconds": round(trained.seconds, 3),
        "end_of_ml": trained.first,
        "end": trained.last,
        "spread": trained.spread,
    }


def _comparison(trained: Trained) -> Table:
    table = Table("metric", "end of Step I", "end")
    for name, value in trained.last.items():
        before, spread = trained.first.get(name), trained.spread.get(name)
        end = f"{value:.4g}" if spread is None else f"{value:.4g} ± {spread:.2g}"
        table.add_row(name, "" if before is None else f"{before:.4g}", end)
    return table


def _table(metrics: Metrics) -> Table:
    table = Table("metric", "value")
    for name, value in metrics.items():
        table.add_row(name, f"{value:.4g}")
    return table


if __name__ == "__main__":
    sys.exit(main())
