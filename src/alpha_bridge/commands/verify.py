"""See for oneself that a run which is killed ends as the one that is not."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from tyro.conf import Positional

from ..checks import at_least
from ..errors import Interrupted, Stopped, Unequal, one_line, printable
from ..recipe import Config, changed, read_config

if TYPE_CHECKING:
    Name = str
else:
    Name = Positional[str]  # as the command line reads it

QUICK = {"evaluation.samples": 500, "evaluation.features": "pixels"}
"""What is measured of a preset costs little: it is not what is compared."""

CHILD = "import sys; from alpha_bridge.commands.verify import go_on; go_on(*sys.argv[1:])"
RESUMING, TRAINING, TRAINED = "resuming", "training", "trained"
"""What a child says when it has loaded torch, before its first update, and after its last."""
REFUSED = 2
"""The code with which a child ends that was asked for what cannot be; any other is not the
user's mistake."""


@dataclass(frozen=True)
class Verified:
    """What was compared.

    Attributes:
        begin: Updates done where both runs began.
        end: Updates done where both ended.
        kills: How often one of them was killed.
        resuming: How often of these it was about to go on.
        tensors: How many tensors of weights, averages and optimisers are equal.
        seconds: How long it took.
    """

    begin: int
    end: int
    kills: int
    resuming: int
    tensors: int
    seconds: float


def verify(
    name: Name, steps: int = 200, kills: int = 3, console: Console | None = None
) -> Verified:
    """Train, kill and resume, and compare the weights: alpha-bridge verify PRESET|RUN.

    Two runs are trained in a temporary folder, each in processes of its own: one to its end, the
    other killed at random moments, in its updates and while it resumes, and resumed. A run that is
    named is not changed: both go on with a copy, from its last checkpoint before its end.

    Args:
        name: A preset, or the folder of a run.
        steps: Number of updates; of a preset the whole path, of a run what it goes on by.
        kills: How often one of the two is killed.
        console: Where to say what is done; nowhere by default.

    Raises:
        ValueError: There is no such preset or run, a number is out of its range, or training
            was refused.
        OSError: A file cannot be read or written.
        Stopped: Training ended by itself, as a run that diverges does, and nothing was compared.
        Unequal: The weights differ; the message says which. Or the run that was killed ended by
            itself, and the other one did not.
    """
    at_least(1, "steps", steps)
    at_least(1, "kills", kills)
    start = time.perf_counter()
    console = console or Console(quiet=True)
    with tempfile.TemporaryDirectory(prefix="alpha-bridge-verify-") as place:
        pair = _begin(name, Path(place), steps)
        console.print(
            f"training {printable(name)} twice in {place}, from update {pair.begin} to "
            f"{pair.end}: once without a stop, once with {kills} kills",
            soft_wrap=True,
        )
        times = _whole(pair)
        rest = (kills + 1) * (times[0] + times[1]) + times[2]
        console.print(f"without a stop: {sum(times):.0f} s; the other one: about {rest:.0f} s")
        done, resuming = _killed(pair, kills, times)
        equal = _compare(pair)
    seconds = time.perf_counter() - start
    return Verified(pair.begin, pair.end, done, resuming, equal, seconds)


@dataclass(frozen=True)
class _Pair:
    """Two runs of one configuration that are about to be trained."""

    place: Path
    begin: int
    end: int
    fetch: bool

    @property
    def runs(self) -> tuple[Path, Path]:
        """The one that is not killed, and the other."""
        return self.place / "whole", self.place / "killed"


def _begin(name: str, place: Path, steps: int) -> _Pair:
    """Write down in ``place`` what is trained, and copy where it begins."""
    from ..recipe.availability import located
    from ..recipe.presets import PRESETS
    from ..runs.opening import require_trainable

    every = max(1, steps // 10)
    if name in PRESETS:
        config = changed(PRESETS[name], {**QUICK, "steps": steps, "checkpoint_every": every})
        pair = _Pair(place, 0, steps, fetch=True)
    else:
        config, pair = _of_run(name, place, steps)
        config = changed(config, {"checkpoint_every": every})
    config = located(config)
    for run in pair.runs:
        require_trainable(config, run, bool(pair.begin), None if pair.fetch else ())
    (place / "config.json").write_text(json.dumps(config.model_dump(mode="json")))
    return pair


def _of_run(name: str, place: Path, steps: int) -> tuple[Config, _Pair]:
    """The configuration of a run, and copies of its last checkpoint that is not its end.

    Checkpoints that have only the networks are passed over: training cannot go on from them.
    """
    from ..files.manifest import OPTIMIZERS, last_whole
    from ..recipe.presets import PRESETS
    from ..runs.folder import Run

    own = Run(Path(name).expanduser())
    if not own.config_path.is_file():
        raise ValueError(
            f"there is no preset and no run {name!r}: give one of {', '.join(PRESETS)}, or the "
            "folder that --out named"
        )
    config = read_config(own.config_path)
    before = {own.checkpoint_folder(at): at for at in own.checkpoint_steps if at < config.steps}
    folders = {folder: at for folder, at in before.items() if (folder / OPTIMIZERS).is_file()}
    if not folders:
        return config, _Pair(place, 0, min(steps, config.steps), fetch=False)
    folder, _ = last_whole([*folders], resume=True)
    begin = folders[folder]
    pair = _Pair(place, begin, min(begin + steps, config.steps), fetch=False)
    for copied in map(Run, pair.runs):
        shutil.copytree(folder, copied.checkpoint_folder(begin))
        shutil.copyfile(own.config_path, copied.config_path)
    return config, pair


def go_on(folder: str, end: str, fetch: str) -> None:
    """Begin a run beside its configuration, or take it up, up to an update: what a child does."""
    from ..runs.folder import Run
    from ..runs.recording import train_run
    from ..training import Callback, Event, TrainState

    class Until(Callback):
        reached = False

        def during(self, state: TrainState) -> nullcontext[None]:  # noqa: ARG002
            print(TRAINING, flush=True)
            return nullcontext()

        def after(self, event: Event) -> None:
            if event.step == int(end):
                print(TRAINED, flush=True)
                self.reached = not event.last

        def wants_to_stop(self) -> bool:
            return self.reached

    print(RESUMING, flush=True)
    run, quiet = Run(Path(folder)), Console(quiet=True)
    resume = run.config_path.is_file()
    config = read_config(run.folder.with_name("config.json"))
    try:
        train_run(config, run.folder, resume, quiet, None if fetch else (), [Until()])
    except Interrupted:
        pass  # which is how it ends early
    except Stopped as error:  # the first of its chain: a later one names a folder that will be gone
        sys.exit(f"{one_line(error)}; verify fewer --steps, or a run that does not end so")
    except (ValueError, FileNotFoundError, PermissionError) as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)
    except (OSError, RuntimeError) as error:
        sys.exit(str(error))


@contextmanager
def _child(pair: _Pair, run: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that trains, which does not outlive the context."""
    command = [sys.executable, "-P", "-c", CHILD, str(run), str(pair.end), "1" * pair.fetch]
    with (
        (pair.place / "errors").open("w") as errors,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


def _hear(child: subprocess.Popen[str], word: str) -> bool:
    """Wait until a child has printed a word; False if it ends before."""
    assert child.stdout is not None
    return any(line.strip() == word for line in iter(child.stdout.readline, ""))


def _end(pair: _Pair, run: Path, child: subprocess.Popen[str]) -> None:
    """Wait for the end of a child that trains a run, and raise what kept it from its last update.

    Raises:
        ValueError: It was refused.
        Stopped: The run that is not killed ended by itself.
        Unequal: The other one did.
    """
    code = child.wait()
    if not code:
        return
    lines = (pair.place / "errors").read_text().strip().splitlines()
    reason = lines[-1] if lines else f"its code was {code}"
    if code == REFUSED:
        raise ValueError(reason)
    if run == pair.runs[1]:
        raise Unequal(
            f"the run that was killed ended by itself before update {pair.end}, and the other one "
            f"did not: {reason}"
        )
    raise Stopped(
        f"training ended by itself before update {pair.end}, so nothing was compared: {reason}"
    )


def _whole(pair: _Pair) -> tuple[float, float, float]:
    """Train without a stop: seconds to load torch, to begin, and to train."""
    clocks = [time.perf_counter()]
    with _child(pair, pair.runs[0]) as child:
        for word in (RESUMING, TRAINING, TRAINED):
            _hear(child, word)
            clocks.append(time.perf_counter())
        _end(pair, pair.runs[0], child)
    load, begin, train = (after - before for before, after in pairwise(clocks))
    return load, begin, train


def _killed(pair: _Pair, kills: int, times: tuple[float, float, float]) -> tuple[int, int]:
    """Train with kills, every third while it resumes: how many there were, and of which kind."""
    _, beginning, training = times
    done = resuming = 0
    while done < kills:
        word, most = (RESUMING, beginning) if done % 3 == 1 else (TRAINING, training / kills)
        with _child(pair, pair.runs[1]) as child:
            _hear(child, word)
            time.sleep(random.uniform(0, most))
            child.kill()
            if child.wait() >= 0:  # it has ended, or was refused
                _end(pair, pair.runs[1], child)
                return done, resuming
        done, resuming = done + 1, resuming + (word == RESUMING)
    with _child(pair, pair.runs[1]) as child:
        _hear(child, TRAINED)
        _end(pair, pair.runs[1], child)
    return done, resuming


def _compare(pair: _Pair) -> int:
    """How many tensors are equal; ``Unequal`` where one is not."""
    from ..runs.folder import Run
    from ..training.checkpoint import read_tensors

    whole, killed = (
        {
            f"{file}/{name}": value
            for file, named in read_tensors(Run(run).checkpoint_folder(pair.end))[0].items()
            for name, value in named.items()
        }
        for run in pair.runs
    )
    both = whole.keys() & killed.keys()
    unlike = [name for name in both if not whole[name].equal(killed[name])]
    unlike = sorted({*unlike, *(whole.keys() ^ killed.keys())})
    if unlike:
        raise Unequal(
            f"{len(unlike)} of {len(whole)} tensors differ after update {pair.end}: "
            f"{', '.join(unlike[:5])}{', …' * (len(unlike) > 5)}; sums that "
            "threads share may come out otherwise each time: try OMP_NUM_THREADS=1"
        )
    return len(whole)
