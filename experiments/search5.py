"""What was tried for Figure 5: sharpness against what is kept of Step I, on MNIST.

Each attempt is the α-Bridge or one of its baselines with other settings. Those that agree until
the end of Step I share it: it is trained once, and each goes on from its checkpoint. All have the
same seed, and as many updates, fewer than Figure 5 has. The first settings came from trials that
were not recorded: this shows what each part of them does, and where it went from there.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_bridge.files import writing
from alpha_bridge.metrics.definition import label
from alpha_bridge.recipe import Config, GammaConfig, changed
from alpha_bridge.recipe.builders import assemble, build_evaluation
from alpha_bridge.runs.plots import MUTED, SMALL, TEXT, WIDTH, save_figure
from alpha_bridge.training.checkpoint import save

from . import figure5
from .comparison import metric_names
from .drawing import style
from .runs import Tell, silent
from .watched import (
    Begun,
    Watch,
    compared,
    configurations,
    ends,
    preset_on,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "reproduce"]

SHARED: dict[str, Any] = {
    **figure5.SHARED,
    "method": "alpha-bridge",
    "steps": 6000,
    "path.ml": 0.5,
    "path.adversarial": 0.4,
}
"""What all attempts change in the preset, unless they say otherwise."""

_FIRST: dict[str, Any] = {**figure5.HELD, "gamma.c": 9.0, "gamma.d": -4.5}
_LESS = figure5.HELD
_SHORTER: dict[str, Any] = {**_LESS, "path.ml": 0.3, "path.adversarial": 0.6}
_SLOWER = _SHORTER | figure5.SLOWER
_WIDER: dict[str, Any] = {**_SLOWER, "model.hidden": [512]}

ATTEMPTS: dict[str, dict[str, Any]] = {
    "not held": {**_FIRST, "optimization.hold": 1.0},
    "to α = 1": {**_FIRST, "path.end": 1.0},
    "less κ": _LESS,
    "less κ, shorter Step I": _SHORTER,
    "σ 1": {**_LESS, "model.noise": 1.0},
    "σ 1, naive": {"method": "naive", "model.noise": 1.0},
    "R1 0.7": {**_SHORTER, "regularizer.weight": 0.7},
    "R1 0.7, rkl-gp": {"method": "rkl-gp", "regularizer.weight": 0.7},
    "slower β": _SLOWER,
    "slower β, naive": {**_SLOWER, "method": "naive"},
    "slower β, rkl-gp": {**figure5.SLOWER, "method": "rkl-gp"},
    "slower β, R1 0.7": {**_SLOWER, "regularizer.weight": 0.7},
    "wider": _WIDER,
    "wider, shorter Step I": {**_WIDER, "path.ml": 0.2, "path.adversarial": 0.7},
    "wider, naive": {**_WIDER, "method": "naive"},
    "wider, rkl-gp": {**_WIDER, "method": "rkl-gp"},
}
"""By name, what an attempt changes in what all of them share."""

QUICK: dict[str, Any] = {"steps": 300, "evaluation.samples": 500}
"""What all attempts change in the miniature as well, which has the first two of them."""

ALONE: dict[str, Any] = {
    "method": "alpha-bridge",
    "path.ml": 1.0,
    "path.transfer": 0.0,
    "path.adversarial": 0.0,
    "path.end": 1.0,
    "gamma": asdict(GammaConfig()),
    "optimization.hold": 1.0,
}
"""What makes Step I of an attempt a run of its own: nothing else tells until there."""

METRICS = ("frechet_distance", "reconstruction_error", "retention")

Record = dict[str, Any]


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
    data: str | None = None,
) -> Record:
    """Train every attempt, and write ``search5.json`` and ``search5.png``.

    Args:
        folder: Where to write; it is made if it is missing. Attempts that an interrupted search
            has ended there are not trained again, and Step I is kept there between them.
        seed: Seed of all attempts.
        trials: None or 1: an attempt has one trial.
        quick: Whether to train a miniature on the built-in digits, for half a minute.
        tell: Told in a line of each evaluation.
        data: A hub id, a folder or a file of images; None for the preset's.

    Returns:
        What ``search5.json`` holds: ``settings``; ``runs``, each with the attempt's name, its
        whole configuration and its evaluations; and ``last``.

    Raises:
        ValueError: A number is out of its range, or the data cannot be used.
    """
    if trials not in (None, 1):
        raise ValueError(f"search5 has one trial of each attempt, got {trials}: leave it out")
    folder = Path(folder)
    base = "digits" if quick else "mnist"
    preset = preset_on(base, data)
    names = [*ATTEMPTS][:2] if quick else [*ATTEMPTS]
    settings = {name: SHARED | ATTEMPTS[name] | (QUICK if quick else {}) for name in names}
    configs = [*configurations(preset, settings, seed, trials=1)]
    record: Record = {
        "experiment": "search5",
        "settings": {
            "seed": seed,
            "trials": 1,
            "quick": quick,
            "data": preset.data,
            "preset": base,
            "methods": settings,
            "note": "all settings are ours: the paper's are not published",
        },
    }
    path = folder / "search5.json"
    steps = {step for _, config in configs for step in _due(config)}
    kept = folder / "search5.partial"
    for _ in compared(record, configs, steps, path, tell, lambda own: step_one(own, kept)):
        save_figure(draw(record), path.with_suffix(".png"))
    return record


def _due(config: Config) -> list[int]:
    """Updates after which attempts are measured: all through what comes after Step I."""
    first, *_, last = ends(config)
    return [first + (last - first) * eighth // 8 for eighth in range(2, 9)]


def step_one(config: Config, folder: Path) -> Begun:
    """Where an attempt goes on from: the end of Step I, which is trained if it is not there.

    Args:
        config: Of an attempt.
        folder: Where ends of Step I are kept, each under what it depends on.

    Returns:
        The checkpoint and what was measured there; nothing for an attempt without Step I.
    """
    first, *_ = ends(config)
    if not first:
        return None, []
    alone = changed(config, ALONE | {"steps": first})
    text = json.dumps(alone.model_dump(mode="json"), sort_keys=True)
    kept = folder / hashlib.sha256(text.encode()).hexdigest()[:12]
    measured = kept.with_suffix(".json")
    if not measured.exists():
        parts = assemble(alone)
        watched = Watch(build_evaluation(parts.config, parts.source), [first])
        save(parts.fit(callbacks=[watched]), kept)
        with writing(measured) as file:
            file.write(json.dumps(watched.evaluations).encode())
    return kept, json.loads(measured.read_text(encoding="utf-8"))


def draw(record: Record) -> "Figure":
    """Fréchet distance against retention, a line through the last half of each attempt.

    An attempt without Step I has nothing to keep: a dotted line tells where it ends.

    Args:
        record: As :func:`reproduce` gives it.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    distance, _, retention = metric_names(record, *METRICS)
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    axes = figure.subplots()
    colors = colormaps["tab20"]
    for place, run in enumerate(record["runs"]):
        rows = [row for row in run["evaluations"] if retention in row]
        rows = rows[len(rows) // 2 :]
        color = colors(place % colors.N)
        x, y = [row[distance] for row in rows], [row[retention] for row in rows]
        if rows:
            axes.plot(x, y, color=color, marker=".", linewidth=1, label=run["method"])
            axes.plot(x[-1], y[-1], color=color, marker="o", markersize=7)
        else:
            end = run["evaluations"][-1][distance]
            axes.axvline(end, color=color, linewidth=1, linestyle=":", label=run["method"])
    axes.set_xlabel(label(distance), color=MUTED, fontsize=SMALL)
    axes.set_ylabel(label(retention), color=MUTED, fontsize=SMALL)
    axes.legend(frameon=False, fontsize=SMALL, ncols=2)
    style(axes)
    quick = "quick miniature: " if record["settings"]["quick"] else ""
    figure.suptitle(
        f"{quick}seed {record['settings']['seed']}, the last half of each attempt after Step I; "
        "the end is a disc",
        fontsize=TEXT,
    )
    return figure
