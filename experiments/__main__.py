"""Regenerate a result: ``python -m experiments NAME``."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import NoReturn

from alpha_bridge.errors import Stopped, one_line, printable
from alpha_bridge.recipe.availability import require_data

from . import EXPERIMENTS, reproduce

PROG = "python -m experiments"


class Parser(ArgumentParser):
    """An argument parser whose errors are ValueErrors of one line."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}: see {PROG} --help")


def parse(arguments: list[str] | None) -> Namespace:
    """What is asked for.

    Args:
        arguments: By default those of this process.
    """
    listed = "\n".join(f"  {name:16} {about}" for name, about in EXPERIMENTS.items())
    parser = Parser(
        prog=PROG,
        description="Regenerate a result of the paper, or one of ours.",
        epilog=f"experiments:\n{listed}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("name", metavar="NAME", help="one of the experiments below")
    add("--quick", action="store_true", help="a miniature of at most two minutes, labelled so")
    add(
        "--out",
        type=Path,
        help="folder of the result, by default results/NAME, or "
        "results/NAME-quick; an experiment that was interrupted there goes on",
    )
    add("--data", help="images to train on: a hub id, a folder or a file")
    add("--python", help="of an environment with what is compared with, such as ctgan, for tables")
    add("--trials", type=int, help="number of trials; by default the paper's, or the experiment's")
    add("--seed", type=int, default=0, help="seed of all draws (default: 0)")
    add(
        "--jobs",
        type=int,
        default=1,
        help="runs at a time, each by a process of its own, which share the cores (default: 1)",
    )
    add("--cluster", metavar="ADDRESS", help="a Dask scheduler whose workers train the runs")
    return parser.parse_args(arguments)


def _stop(reason: str, code: int) -> int:
    """Say why it ended, and that nothing is lost."""
    print(f"experiments: {reason}; the same command goes on from here", file=sys.stderr)
    return code


def main(arguments: list[str] | None = None) -> int:
    """Compute, and name the picture; the exit code."""
    try:
        asked = parse(arguments)
        if asked.data is not None:
            require_data(asked.data)
        options = vars(asked)
        name = options.pop("name")
        folder = options.pop("out") or Path("results", f"{name}-quick" if asked.quick else name)
        reproduce(name, folder, report=lambda line: print(line, flush=True), **options)
    except (ValueError, FileExistsError, FileNotFoundError, PermissionError) as error:
        print(f"experiments: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return 2
    except (Stopped, OSError) as error:
        return _stop(printable(one_line(error)), 1)
    except KeyboardInterrupt:
        return _stop("interrupted", 130)
    print(folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
