"""Whole commands of two builds side by side, as a user waits for them.

    python -m venv /else/.venv && git worktree add /else COMMIT
    make -C /else install                       # an environment of the other build's own
    make bench BASE=/else/.venv/bin/python

The builds take turns, and the one that begins changes with each round. Medians are written to
``benchmarks/builds.json``, with the commits, and to the tables of ``docs/speed.md``: seconds, and
the processor's seconds of all processes, which say more where others use the machine. ``--profile``
adds where the seconds of each command go, from one run of each under cProfile. With ``--only`` the
other commands stay as they were measured, if both builds and the machine are still the same.
"""

import argparse
import json
import os
import pstats
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measure import HERE, PAGE, finished, machine, put, table, write_json

MNIST = HERE.parents[1] / "shared" / "data" / "mnist"

TORCH = "import torch"
"""What is measured beside commands that need little more."""
LIGHT = f"≤ 1.5 × {TORCH}"
"""Their goal."""

PARTS = {
    "imports": "importlib._bootstrap>(_find_and_load)",
    "decoding": "data/decode.py(write_images)",
    "classifier": "metrics/classifier.py(train_classifier)",
    "drawing batches": "training/batches.py(_drawn)",
    "updates": "training/update.py(update)",
    "of these, backward passes": "torch/autograd/graph.py(_engine_run_backward)",
    "of these, passes that are written out": "training/backpropagation.py(__call__)",
    "optimisers, the classifier's too": "optim/optimizer.py(wrapper) networks/adam.py(step)",
    "evaluations": "metrics/evaluation.py(__call__)",
    "of these, kernel distance": "metrics/image_quality.py(kernel_distance)",
    "incidents and records": "training/flight_recorder.py(after)",
    "checkpoints": "training/checkpoint.py(save)",
    "page": "runs/page.py(write_report)",
}
"""Where seconds go, and the functions that spend them with all that they call, in any build."""

PROFILED = """
import cProfile, runpy, sys, time
_, file, module, *sys.argv[1:] = sys.argv
profile = cProfile.Profile(time.process_time)
try:
    profile.runcall(runpy.run_module, module, run_name="__main__")
finally:
    profile.dump_stats(file)
"""
"""A module as a program whose functions are timed by the processor's clock."""


@dataclass(frozen=True)
class Build:
    """A tree of the package, and the Python of an environment that has what it needs."""

    python: Path
    tree: Path

    @classmethod
    def of(cls, python: Path) -> "Build":
        """The build that is installed, from its tree, in the environment of a Python."""
        code = "import alpha_bridge; print(alpha_bridge.__file__)"
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        found = subprocess.check_output([python, "-c", code], env=env, text=True)
        return cls(python, Path(found.strip()).parents[2])

    @property
    def commit(self) -> str:
        """The commit of its tree."""
        command = ["git", "-C", str(self.tree), "rev-parse", "--short", "HEAD"]
        return subprocess.check_output(command, text=True).strip()

    def run(self, command: Sequence[str | Path], cache: Path) -> tuple[float, float]:
        """Seconds of a command of this build, and those of the processor; it must succeed."""
        env = os.environ | {
            "PYTHONPATH": f"{self.tree / 'src'}:{self.tree}",
            "ALPHA_BRIDGE_CACHE": str(cache),
            "HF_HOME": str(cache / "hub"),
        }
        seconds, used = finished(command, env, self.tree)
        return seconds, used.ru_utime + used.ru_stime


def sides(base: Path) -> dict[str, Build]:
    """The build of the Python of another environment, ``base``, and ``ours``."""
    # not resolved: the Python of an environment is a link to the one that it was made with
    return {"base": Build.of(base.absolute()), "ours": Build(Path(sys.executable), HERE.parent)}


Command = Callable[[Build, Path], list[str | Path]]
"""The words of a command of a build, given an empty folder."""


def words(*of: str | Path) -> Command:
    """A command of the package; ``OUT`` begins a path that is not there yet."""

    def command(build: Build, folder: Path) -> list[str | Path]:
        given = [str(word).replace("OUT", str(folder / "out")) for word in of]
        return [build.python, "-m", "alpha_bridge", *given]

    return command


def demo(build: Build, folder: Path) -> list[str | Path]:
    """``make demo`` of a build whose environment is there."""
    venv = build.python.parents[1]
    return ["make", "-o", venv / ".installed", "demo", f"VENV={venv}", f"RUNS={folder}"]


def figure(build: Build, folder: Path) -> list[str | Path]:
    """The miniature of Figure 4: eight runs of two stacked trials and 1,000 updates."""
    return [build.python, "-m", "experiments", "figure4", "--quick", "--out", folder / "out"]


def torch_alone(build: Build, folder: Path) -> list[str | Path]:  # noqa: ARG001
    """What every command that needs torch waits for."""
    return [build.python, "-c", "import torch"]


def commands(run: Path, share: float) -> dict[str, tuple[Command, str]]:
    """The commands that are measured, by what they are called, and what is wanted of each.

    Args:
        run: A finished run of images.
        share: Share of its updates that each training does.
    """
    found: dict[str, tuple[Command, str]] = {
        TORCH: (torch_alone, ""),
        "--help": (words("--help"), LIGHT),
        "sample RUN": (words("sample", run, "--out", "OUT.png"), LIGHT),
        "reconstruct RUN": (
            words(
                "reconstruct",
                run,
                "--images",
                run / "samples" / "step-00000020.npy",
                "--out",
                "OUT.png",
            ),
            LIGHT,
        ),
        "make demo": (demo, "≥ 2"),
        "experiments figure4 --quick": (figure, "≥ 2"),
    }
    mnist: list[str | Path] = ["--data", MNIST] if MNIST.is_dir() else []
    for preset, updates, data, goal in (
        ("gaussians25", 10_000, [], "≥ 2"),
        ("mnist", 3000, mnist, "≥ 1.6"),
    ):
        steps = f"--steps={share * updates:.0f}"
        command = words("train", preset, *data, steps, "--out", "OUT")
        found[f"train {preset} {steps}"] = command, goal
    return found


def side_by_side(builds: dict[str, Build], command: Command, rounds: int) -> dict[str, Any]:
    """Median seconds of a command of two builds, and the medians of their ratios."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in builds}
    for turn in range(rounds):
        for name in sorted(builds, reverse=turn % 2 == 1):
            with tempfile.TemporaryDirectory() as folder:
                build, place = builds[name], Path(folder)
                seconds[name].append(build.run(command(build, place), place / "cache"))
    found: dict[str, Any] = {"rounds": rounds}
    for kind, index in (("seconds", 0), ("cpu_seconds", 1)):
        sides = {name: [of[index] for of in times] for name, times in seconds.items()}
        ratios = [base / ours for base, ours in zip(sides["base"], sides["ours"], strict=True)]
        found |= {f"{name}_{kind}": median(of) for name, of in sides.items()}
        found |= {f"{kind}_ratio": median(ratios), f"{kind}_ratios": ratios}
    return found


def where(build: Build, command: Command) -> dict[str, float]:
    """Processor seconds of the parts of a command under cProfile, which makes Python slower.

    Parts may lie within each other: what is imported late belongs to imports and to its caller.
    """
    with tempfile.TemporaryDirectory() as folder:
        python, _, module, *rest = command(build, Path(folder))
        file = Path(folder) / "profile"
        build.run([python, "-c", PROFILED, file, module, *rest], Path(folder) / "cache")
        stats = pstats.Stats(str(file))
    found = {"all": stats.total_tt}  # type: ignore[attr-defined]
    calls = stats.stats.items()  # type: ignore[attr-defined]
    for part, place in PARTS.items():
        for function in place.split():
            module, _, called = function[:-1].partition("(")
            spent = (
                of[3] for (file, _, name), of in calls if name == called and module in f"{file}>"
            )
            found[part] = found.get(part, 0.0) + sum(spent)
    return found


def continued(out: Path, about: dict[str, Any]) -> dict[str, Any]:
    """What has been measured of the same builds on the same machine, or nothing yet."""
    found: dict[str, Any] = json.loads(out.read_text("utf-8")) if out.exists() else {}
    if any(found.get(key) != value for key, value in about.items()):
        found = {}
    return about | {"commands": found.get("commands", {}), "profiles": found.get("profiles", {})}


def wanted(name: str, results: dict[str, Any]) -> str:
    """The goal of a command; beside one in imports of torch, what it takes of them now."""
    goal: str = results["commands"][name]["goal"]
    if TORCH not in goal or TORCH not in results["commands"]:
        return goal
    now, torch = (results["commands"][of]["ours_seconds"] for of in (name, TORCH))
    return f"{goal}, is {now / torch:.2f}"


def pairs(results: dict[str, Any]) -> str:
    """The table of whole commands."""
    head = [
        "command",
        "before (s)",
        "now (s)",
        "ratio",
        "CPU before (s)",
        "now (s)",
        "ratio",
        "goal",
    ]
    rows = [
        [
            f"`{name}`",
            *(f"{found[f'{side}_seconds']:.3g}" for side in ("base", "ours")),
            f"{found['seconds_ratio']:.2f}",
            *(f"{found[f'{side}_cpu_seconds']:.3g}" for side in ("base", "ours")),
            f"{found['cpu_seconds_ratio']:.2f}",
            wanted(name, results),
        ]
        for name, found in results["commands"].items()
    ]
    return table(head, rows)


def profiles(results: dict[str, Any]) -> str:
    """The table of where seconds go: before and now, for each command."""
    profiled = results["profiles"]
    head = ["processor seconds, profiled", *(f"`{name}`: before, now" for name in profiled)]
    rows = [
        [part, *(f"{of['base'][part]:.1f}, {of['ours'][part]:.1f}" for of in profiled.values())]
        for part in ("all", *PARTS)
    ]
    return table(head, rows)


def main() -> None:
    """Measure, and write the results and the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, help="the other build's Python")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the updates of trainings")
    parser.add_argument("--only", nargs="*", default=[""], help="parts of the commands' names")
    parser.add_argument("--profile", action="store_true", help="where the seconds go, too")
    parser.add_argument("--out", type=Path, default=HERE / "builds.json")
    given = parser.parse_args()
    builds = sides(given.base)
    about = {"machine": machine(), "share": given.share}
    about |= {name: build.commit for name, build in builds.items()}
    results = continued(given.out, about)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        trained = words("train", "digits", "--steps", "20", "--out", run)
        builds["base"].run(trained(builds["base"], run), Path(folder) / "cache")
        for name, (command, goal) in commands(run, given.share).items():
            if not any(part in name for part in given.only):
                continue
            results["commands"][name] = side_by_side(builds, command, given.rounds) | {"goal": goal}
            if given.profile and name.startswith(("train", "sample")):
                results["profiles"][name] = {
                    side: where(build, command) for side, build in builds.items()
                }
            print(name, results["commands"][name], flush=True)
            write_json(given.out, results)
    if given.out == HERE / "builds.json":
        put(PAGE, "builds", pairs(results))
        if results["profiles"]:
            put(PAGE, "profiles", profiles(results))


if __name__ == "__main__":
    main()
