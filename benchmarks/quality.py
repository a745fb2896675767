"""How soon training is as good as an earlier build's was at its end: time to quality.

    python benchmarks/quality.py --base /else/.venv/bin/python

The earlier build trains with its own settings and updates, this one with the dial and half of them,
and each evaluates once, at its end; they take turns, seed by seed. Both have the caches that a
short run filled. Scores of all seeds, seconds, and the processor's seconds are written to
``benchmarks/quality.json``, and the table to ``docs/speed.md``. ``benchmarks/builds.py`` says how
to get the environment of the other build.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from builds import Build, sides
from measure import HERE, PAGE, machine, put, table, write_json

from alpha_bridge.metrics.deviation import spread
from experiments.pages.markdown import plus_minus

SHARED = HERE.parents[1] / "shared" / "data"
SCORES = {"frechet_distance": -1, "retention": 1, "reconstruction_error": -1}
"""What is compared, and whether more is better."""
TIMES = ("seconds", "cpu_seconds")


@dataclass(frozen=True)
class Task:
    """What both builds are trained on.

    Attributes:
        steps: Updates of the earlier build.
        base: Its data, and options with which it has the settings that its users had.
        ours: Data and options of this build.
    """

    steps: int
    base: tuple[str, ...]
    ours: tuple[str, ...]


GREY = (str(SHARED / "cifar10"), "--images.size=16", "--images.channels=1")
TASKS = {
    "MNIST, the preset before": Task(
        3000,
        ("mnist", "--data", str(SHARED / "mnist")),
        (str(SHARED / "mnist"), "--images.size=28"),
    ),
    "CIFAR-10 in grey, the dial before": Task(2000, GREY, GREY),
}


def trained(build: Build, words: tuple[str, ...], steps: int, seed: int, cache: Path) -> Any:
    """The scores at the end of a training, and how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        given = (f"--steps={steps}", f"--evaluation.every={steps}", f"--seed={seed}")
        train: list[str | Path] = [build.python, "-m", "alpha_bridge", "train"]
        command = [*train, *words, *given, "--out", run]
        seconds, cpu_seconds = build.run(command, cache)
        last = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    record = json.loads(last)
    names = [next(name for name in record if name.startswith(f"{score}/")) for score in SCORES]
    scores = {score: record[name] for score, name in zip(SCORES, names, strict=True)}
    return scores | {"metrics": names, "seconds": seconds, "cpu_seconds": cpu_seconds}


def measure(builds: dict[str, Build], task: Task, seeds: int, quick: bool) -> dict[str, Any]:
    """Both builds with each seed, after one short training each that fills the caches."""
    steps = {"base": task.steps, "ours": task.steps // 2}
    if quick:
        steps = {"base": 40, "ours": 20}
    runs: dict[str, list[Any]] = {"base": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        caches = {side: Path(folder) / side for side in builds}
        for side, build in builds.items():
            trained(build, getattr(task, side), 20, 0, caches[side])
        for seed in range(seeds):
            for side in sorted(builds, reverse=seed % 2 == 1):
                run = trained(builds[side], getattr(task, side), steps[side], seed, caches[side])
                if run["metrics"] != (runs["base"] or runs["ours"] or [run])[0]["metrics"]:
                    raise RuntimeError(f"the builds do not measure alike: {run['metrics']}")
                runs[side].append(run)
                print(side, seed, run, flush=True)
    return {"steps": steps, "runs": runs}


def page(results: dict[str, Any]) -> str:
    """The table: a line for each build and task."""
    head = ["data", "updates", "seconds", "CPU", "Fréchet distance", "retention", "error"]
    rows = []
    for name, found in results["tasks"].items():
        for side, label in (("base", name), ("ours", "the dial now")):
            runs = found["runs"][side]
            seconds = (f"{median(run[kind] for run in runs):.0f}" for kind in TIMES)
            every = ([run[score] for run in runs] for score in SCORES)
            scores = (plus_minus(fmean(of), float(spread(of)), 3) for of in every)
            rows.append([label, f"{found['steps'][side]:,}", *seconds, *scores])
        ratios = (f"{median(_ratios(found['runs'], kind)):.2f} ×" for kind in TIMES)
        verdicts = (_verdict(found["runs"], score) for score in SCORES)
        rows.append(["median of ratios, goal 2 ×; mean no worse", "", *ratios, *verdicts])
    return table(head, rows)


def _ratios(runs: dict[str, list[Any]], kind: str) -> list[float]:
    return [base[kind] / ours[kind] for base, ours in zip(runs["base"], runs["ours"], strict=True)]


def _verdict(runs: dict[str, list[Any]], score: str) -> str:
    base, ours = (fmean(run[score] for run in runs[side]) for side in ("base", "ours"))
    return "yes" if SCORES[score] * (ours - base) >= 0 else "**no**"


def main() -> None:
    """Measure, and write the results and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, help="the other build's Python")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of a task's name")
    parser.add_argument("--quick", action="store_true", help="twenty updates, to try it")
    parser.add_argument("--out", type=Path, default=HERE / "quality.json")
    given = parser.parse_args()
    builds = sides(given.base)
    commits = {side: build.commit for side, build in builds.items()}
    results: dict[str, Any] = {"machine": machine(), **commits, "tasks": {}}
    for name, task in TASKS.items():
        if given.only in name:
            results["tasks"][name] = measure(builds, task, given.seeds, given.quick)
            write_json(given.out, results)
    if given.out == HERE / "quality.json":
        put(PAGE, "quality", page(results))
    else:
        print(page(results))


if __name__ == "__main__":
    main()
