r"""Ours: what other directions of the bridge do to a collapsed GAN, on the 25 Gaussians.

The paper's Appendix H leaves them open, and is lost. A reverse-KL GAN, α = 1 from the first
update, is trained without a regulariser and with Adam's β₁ at 0.9 until it has dropped modes; at
the preset's β₁ of 0.5 it drops them too, but takes them up and drops them again and again. From
its very weights training goes on in four ways for as many updates, with the preset's β₁ and R1,
with new optimisers and on new batches:

- ``stay``: α = 1, so that R1 and β₁ alone are new;
- ``reverse``: α from 1 to 0, then 0: it ends as a model of maximum likelihood;
- ``to and fro``: α from 1 to 0 and back, then 1;
- ``switch``: α = 0 at once, then 1 at once.

The discriminator goes on from where the GAN left it, and so does the encoder, which has followed
the evidence lower bound of the collapsing generator all the while, on data of all modes. The scores
are those of the moving average, which starts anew with each way.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from alpha_bridge.checks import at_least
from alpha_bridge.recipe import Config, PathConfig, changed
from alpha_bridge.recipe.builders import assemble

from .curves import watched
from .drawing import scale, style
from .runs import Tell, publish, silent
from .scores import (
    ALL_MODES,
    SCORES,
    Claim,
    covering,
    ends,
    failures,
    finite,
    in_words,
    mean,
    values,
    verdicts,
)
from .settings import gaussians25, hyperparameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["METRICS", "WAYS", "claims", "draw", "measure", "reproduce", "summary"]

GAN = "collapse"
WAYS = {
    "stay": PathConfig(ml=0, transfer=0, adversarial=1),
    "reverse": PathConfig(ml=0, transfer=0.5, adversarial=0.5, start=1, end=0),
    "to and fro": PathConfig(ml=0, transfer=0.75, adversarial=0.25, start=1, end=0, sweeps=2),
    "switch": PathConfig(ml=0.5, transfer=0, adversarial=0.5),
}
"""How training goes on, by the path of each way."""

COLLAPSING = {"path": WAYS["stay"], "regularizer.kind": "none", "optimization.beta1": 0.9}
"""What makes the GAN drop modes."""

STEPS = 2000
UPDATES = (100, 250, 500, 750, 1000, 1250, 1500, 1750, 2000)
SAMPLES = 5000
APART = 1000
"""What is added to the seeds for the batches after the collapse."""

METRICS = {"modes": "modes", "high_quality": "high quality", **SCORES}
COLORS = {
    GAN: "#98a2b3",
    "stay": "#cf6a17",
    "reverse": "#2f6bd8",
    "to and fro": "#2a8f5a",
    "switch": "#a33fd0",
}

Record = dict[str, Any]


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
) -> Record:
    """Let a GAN collapse, go on in each way, and write ``reverse25.json`` and ``reverse25.png``.

    Args:
        folder: Where to write; it is made if it is missing.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials, one or more, stacked; 10 by default.
        quick: A miniature: 2 trials, a tenth of the updates.
        tell: Told of each run in a line.

    Returns:
        What ``reverse25.json`` holds, as :func:`measure` gives it.
    """
    record = measure(seed, (2 if quick else 10) if trials is None else trials, quick, tell)
    return publish("reverse25", folder, record, draw)


def measure(seed: int = 0, trials: int = 10, quick: bool = False, tell: Tell = silent) -> Record:
    """Train the GAN and what becomes of it.

    Args:
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials, one or more.
        quick: Whether to take a tenth of the updates.
        tell: Told of each run in a line.

    Returns:
        ``runs``, the collapse and then one for each way, each with its α along the updates;
        ``summary``, how each ended; ``claims``; and ``hyperparameters``.

    Raises:
        ValueError: ``trials`` is below one.
    """
    at_least(1, "trials", trials)
    part = 10 if quick else 1
    updates = [update // part for update in UPDATES]
    configs = _configs(seed, trials, part)
    runs = _train(configs, updates, tell)
    record: Record = {
        "experiment": "reverse25",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "summary": [summary(run) for run in runs],
        "hyperparameters": [row | {"whose": "ours"} for row in hyperparameters([*configs.items()])],
        "runs": runs,
    }
    record["claims"] = verdicts(claims(record), record)
    return record


def _train(configs: Mapping[str, Config], updates: Sequence[int], tell: Tell) -> list[Record]:
    """The first run, and the others from where it ended."""
    runs: list[Record] = []
    weights: dict[str, Tensor] = {}
    for way, config in configs.items():
        parts = assemble(config)
        if weights:
            parts.model.load_state_dict(weights)
        alpha = [parts.path(update - 1) for update in updates]
        runs.append({"way": way, "alpha": alpha, **watched(parts, updates)})
        weights = weights or parts.model.state_dict()
        tell(f"{len(runs)}/{len(configs)}  {way}  {in_words(runs[-1])}")
    return runs


def _configs(seed: int, trials: int, part: int) -> dict[str, Config]:
    base = changed(
        gaussians25(seed, trials, quick=False),
        {"steps": STEPS // part, "evaluation.samples": SAMPLES // part},
    )
    after = changed(base, {"seed": seed + APART})
    return {GAN: changed(base, COLLAPSING)} | {
        way: changed(after, {"path": path}) for way, path in WAYS.items()
    }


def summary(run: Record) -> Record:
    """How a run ended.

    Args:
        run: One of ``runs``.

    Returns:
        Its ``way``; the number of trials that end with all modes, ``covering``, and that
        ``failed``; the fewest modes of a trial; and mean and deviation over trials of each metric,
        None where a trial has failed.
    """
    return {
        "way": run["way"],
        "covering": covering(run),
        "failed": failures(run),
        "fewest_modes": int(np.nan_to_num(values(run, "modes")[-1]).min()),
        **ends(run, METRICS),
    }


def claims(record: Record) -> list[Claim]:
    """What was expected before it was seen.

    Args:
        record: With ``runs`` and ``trials``.

    Returns:
        Whether every trial of the GAN has dropped modes; whether every trial has all 25 again
        after ``reverse``, and after ``to and fro``; whether either way brings more trials there
        than ``stay``; and whether ``to and fro`` ends with better means of both scores than
        ``stay`` and than ``switch``.
    """
    runs = {run["way"]: run for run in record["runs"]}
    covered = {way: covering(run) for way, run in runs.items()}
    scores = {m: {way: float(mean(values(runs[way], m)[-1])) for way in WAYS} for m in SCORES}
    best = all(of["to and fro"] > max(of["stay"], of["switch"]) for of in scores.values())
    back, all_modes = ("reverse", "to and fro"), f"all {ALL_MODES} modes"
    recovered = [
        Claim(
            f"{way}: every trial ends with {all_modes}", covered[way] == record["trials"], [covered]
        )
        for way in back
    ]
    return [
        Claim(f"no trial of the GAN ends with {all_modes}", not covered[GAN], [covered]),
        *recovered,
        Claim(
            f"more trials end with {all_modes} after either than after stay",
            all(covered[way] > covered["stay"] for way in back),
            [covered],
        ),
        Claim(
            "to and fro: both mean scores end above those of stay and of switch",
            best,
            [
                {"score": SCORES[m], **{way: finite(value) for way, value in of.items()}}
                for m, of in scores.items()
            ],
        ),
    ]


def draw(record: Record) -> "Figure":
    """A column for each way: α, and the metrics of each trial and their mean.

    Args:
        record: As :func:`measure` gives it. Left of update 0, in grey, is the collapse.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import MUTED, SMALL, TEXT, WIDTH

    gan, *ways = record["runs"]
    figure = Figure(figsize=(WIDTH, 8.4), layout="constrained")
    panels = figure.subplots(
        1 + len(METRICS), len(ways), sharex=True, sharey="row", height_ratios=[0.5, *[1] * 4]
    )
    before = [update - gan["updates"][-1] for update in gan["updates"]]
    for column, run in zip(panels.T, ways, strict=True):
        top, *rows = column
        top.plot(before, gan["alpha"], color=COLORS[GAN], linewidth=1.8)
        top.plot(run["updates"], run["alpha"], color=COLORS[run["way"]], linewidth=1.8)
        top.set_ylim(-0.1, 1.1)
        top.set_title(run["way"], loc="left", fontsize=TEXT)
        for axes, metric in zip(rows, METRICS, strict=True):
            _trials(axes, gan, metric, before)
            _trials(axes, run, metric, run["updates"])
            scale(axes, metric)
        rows[-1].set_xlabel("updates after the collapse", color=MUTED, fontsize=SMALL)
    for axes, name in zip(panels[:, 0], ("α", *METRICS.values()), strict=True):
        axes.set_ylabel(name, fontsize=TEXT)
    for axes in panels.flat:
        style(axes)
        axes.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(
        f"{quick}a collapsed GAN, then four ways: {record['trials']} trials and their mean",
        fontsize=TEXT,
    )
    return figure


def _trials(axes: "Axes", run: Mapping[str, Any], metric: str, updates: list[int]) -> None:
    found = values(run, metric)[:, [since is None for since in run["failed"]]]
    axes.plot(updates, found, color=COLORS[run["way"]], linewidth=0.8, alpha=0.35)
    if found.shape[1]:
        axes.plot(updates, found.mean(1), color=COLORS[run["way"]], linewidth=1.8)
