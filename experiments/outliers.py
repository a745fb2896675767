"""Ours: outliers by the scores of a bridge and by their sum, beside the usual detectors.

Ten sets with outliers that are known, of vectors, images and tables; what is trained on holds a
twentieth of them. The bridge has its defaults and a given number of updates, PyOD's ECOD, VAE and
ALAD and the isolation forest of scikit-learn theirs; all see the same numbers. The measure is the
area under the ROC curve on samples that nobody was trained on.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from alpha_bridge import OutlierBridge
from alpha_bridge.data import Source, from_array, samples_of
from alpha_bridge.data.tables import TableUnits, load_table, read_rows
from alpha_bridge.files import read_json, writing
from alpha_bridge.inference.outlyingness import summed
from alpha_bridge.runs.plots import ruled

from .framework import Claim, Outcome, Plan, Record, Study
from .outlier_sets import SETS, OutlierSet, mixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["claims", "draw", "measure", "table"]

Array = NDArray[Any]

STEPS, QUICK_STEPS = 400, 20
TRIALS = 5
OURS = ("bound", "reconstruction", "ratio", "sum")
USUAL = ("IsolationForest", "ECOD", "VAE", "ALAD")
BEST = "density"
"""What the density of usual samples itself reaches, where it is known."""
QUICK = ("wine", "spirals")


def measure(
    study: Study,
    seed: int,
    trials: int | None,
    quick: bool,
    data: str | None = None,
    python: str | None = None,
) -> Record:
    """Areas of all methods on ten sets, 5 trials; ``data`` is a folder with a folder for each.

    ``python`` is that of an environment with pyod; what it has scored before lies in the folder
    ``baselines`` of the experiment and is not scored again. The miniature has two sets, one trial,
    and the isolation forest alone.
    """
    trials = trials or (1 if quick else TRIALS)
    names, usual = (QUICK, USUAL[:1]) if quick else (tuple(SETS), USUAL)
    if data is None and not quick:
        raise ValueError("outliers needs a folder with mnist, celeba, ...: give it as --data")
    runs: list[Record] = []
    for number in range(seed, seed + trials):
        plans = [_plan(name, number, QUICK_STEPS if quick else STEPS, data) for name in names]
        of_bridge = study.train(plans)
        scored = _baselines(study, names, number, usual, data, python, quick)
        runs += [
            run | {"auroc": run["auroc"] | found}
            for run, found in zip(of_bridge, scored, strict=True)
        ]
    return {
        "experiment": "outliers",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "steps": QUICK_STEPS if quick else STEPS,
        "methods": [*OURS, *usual],
        "runs": runs,
    }


def _plan(name: str, seed: int, steps: int, data: str | None) -> Plan:
    given = {"name": name, "seed": seed, "steps": steps, "data": data}
    return Plan({"set": name, "seed": seed}, of_bridge, given, None, _described)


def _described(run: Record) -> str:
    return "  ".join(f"{method} {value:.3f}" for method, value in run["auroc"].items())


def of_bridge(name: str, seed: int, steps: int, data: str | None) -> Outcome:
    """Areas of the three scores and of their sum on one set.

    Args:
        name: Of the set.
        seed: Of its mixture and of training.
        steps: Updates.
        data: As of :func:`measure`.
    """
    of, since = mixed(name, seed, data), process_time()
    bridge = OutlierBridge(steps=steps, random_state=seed, progress=False).fit(of.training)
    outlyingness = bridge.outlyingness_
    found = outlyingness.surprisals(outlyingness.scores(bridge.to_model(of.tested)))
    found["sum"] = summed(found)
    seconds = round(process_time() - since, 1)
    if of.log_q is not None:
        found[BEST] = -of.log_q
    areas = {method: _area(of, values) for method, values in found.items()}
    return Outcome({"auroc": areas, "seconds": seconds})


def _area(of: OutlierSet, scores: Array | Sequence[float]) -> float:
    return round(float(roc_auc_score(of.outlier, scores)), 4)


def _baselines(
    study: Study,
    names: Sequence[str],
    seed: int,
    methods: Sequence[str],
    data: str | None,
    python: str | None,
    quick: bool,
) -> list[dict[str, float]]:
    """Areas of the usual detectors on each set with one seed; what was scored before stays."""
    folder = study.folder.absolute() / "baselines" / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        (name, method): folder / f"{name}-{method}.json" for name in names for method in methods
    }
    sets = {name: mixed(name, seed, data) for name in names}
    if not all(file.exists() for file in files.values()):
        if python is None and not quick:
            raise ValueError(f"{folder} lacks scores: give --python, of an environment with pyod")
        for name, of in sets.items():
            _write(of, seed, folder / f"{name}.npz")
        script = str(Path(__file__).with_name("outlier_baselines.py"))
        command = [python or sys.executable, script, str(folder), *methods]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or "no word").splitlines()[-1]
            raise ValueError(f"outliers could not be scored ({last}): mend {command[0]}")
        study.report(f"seed {seed}  {', '.join(methods)}")
    return [
        {method: _area(of, read_json(files[name, method])["scores"]) for method in methods}
        for name, of in sets.items()
    ]


def _write(of: OutlierSet, seed: int, path: Path) -> None:
    """The numbers that a bridge sees of both parts, for the script of the baselines."""
    training, tested = coded(of)
    with writing(path) as file:
        np.savez(file, training=training, tested=tested, seed=seed)


def coded(of: OutlierSet) -> list[Array]:
    """Training and tested samples in model units, ``(N, D)``.

    Args:
        of: A set.
    """
    parts = of.training, of.tested
    source: Source
    if isinstance(of.training, pd.DataFrame):
        source = load_table(of.training)
        units = source.units
        assert isinstance(units, TableUnits)
        stored = [read_rows(rows, units) for rows in parts]
    else:
        source = from_array(of.training)
        stored = [samples_of(np.asarray(rows), source.event_shape) for rows in parts]
    return [source.units.normalize(x).flatten(1).float().numpy() for x in stored]


def areas(record: Record, name: str, method: str) -> Array:
    """Of a method on a set, one for each seed; none where it has none.

    Args:
        record: With ``runs``.
        name: Of the set.
        method: One of ours, of the usual ones, or the density.
    """
    runs = [run for run in record["runs"] if run["set"] == name]
    return np.array([run["auroc"][method] for run in runs if method in run["auroc"]])


def _sets(record: Record) -> list[str]:
    return [*dict.fromkeys(run["set"] for run in record["runs"])]


def claims(record: Record) -> list[Claim]:
    """Whether the sum is at least as good as each part of it and as each usual detector.

    Args:
        record: Of :func:`measure`.
    """
    found = []
    for rival in (method for method in record["methods"] if method != "sum"):
        gains = {
            name: areas(record, name, "sum") - areas(record, name, rival) for name in _sets(record)
        }
        mean = float(np.mean([gain.mean() for gain in gains.values()]))
        sure = [name for name, gain in gains.items() if gain.min() > 0]
        worse = [name for name, gain in gains.items() if gain.max() < 0]
        about = f"the sum's mean area over all sets is at least that of {rival}"
        by = {
            "gain": round(mean, 4),
            "above with every seed": ", ".join(sure) or "none",
            "below with every seed": ", ".join(worse) or "none",
        }
        found.append(Claim(about, mean >= 0, [by]))
    return found


def table(record: Record) -> str:
    """Mean and deviation over seeds by set and method, the best in bold, in Markdown.

    Args:
        record: Of :func:`measure`.
    """
    methods = record["methods"]
    lines = [f"| set | {' | '.join(methods)} | {BEST} |", "|---" * (len(methods) + 2) + "|"]
    for name in _sets(record):
        found = {method: areas(record, name, method) for method in (*methods, BEST)}
        best = max(found[method].mean() for method in methods)
        cells = [
            _cell(found[method], method != BEST and found[method].mean() == best)
            for method in found
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    means = [
        np.mean([areas(record, name, method).mean() for name in _sets(record)])
        for method in methods
    ]
    lines.append(f"| mean | {' | '.join(f'{mean:.3f}' for mean in means)} | |")
    return "\n".join(lines) + "\n"


def _cell(found: Array, best: bool) -> str:
    if not len(found):
        return ""
    spread = f" ± {found.std(ddof=1):.3f}" if len(found) > 1 else ""
    return f"**{found.mean():.3f}**{spread}" if best else f"{found.mean():.3f}{spread}"


def draw(record: Record) -> "Figure":
    """A panel for each set: a point for each method and seed.

    Args:
        record: Of :func:`measure`.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import BLUE, MUTED, ORANGE, SMALL, TEXT, WIDTH

    names = _sets(record)
    columns = min(5, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    methods = [*record["methods"], BEST][::-1]
    for axes, name in zip(panels, names, strict=False):
        for at, method in enumerate(methods):
            color = ORANGE if method == "sum" else BLUE if method in OURS else MUTED
            found = areas(record, name, method)
            axes.plot(found, [at] * len(found), "o", ms=4, color=color, alpha=0.7)
        axes.set_yticks(range(len(methods)), methods)
        axes.set_xlim(0, 1.02)
        axes.set_title(name, loc="left", fontsize=TEXT)
        ruled(axes)
        axes.tick_params(labelsize=SMALL)
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(f"{quick}area under the ROC curve, a point for each seed", fontsize=TEXT)
    return figure
