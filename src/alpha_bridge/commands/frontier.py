r"""The way from likelihood to realism along α, as a curve of one run's snapshots.

Likelihood is the importance-weighted bound of the surrogate (13) on held-out data, in nats for
each dimension in model units,

.. math:: \frac1d \, E_x \log \frac1K \sum_{k=1}^K
    \frac{N(x; G_\theta(z_k), \sigma^2 I) \, p(z_k)}{q_\phi(z_k|x)},
    \qquad z_k \sim q_\phi(z|x)

It is measured under the run's own σ and under the best one of each snapshot (see
:mod:`~alpha_bridge.inference.likelihood`), and the second is what counts. Realism is the Fréchet
distance, or the inception score where the density of the data is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from torch import Tensor

from ..checks import at_least, between_zero_and_one
from ..files import writing
from ..inference.likelihood import bounds
from ..metrics.definition import METRICS, label
from ..metrics.evaluation import Evaluation
from ..recipe import Config
from ..recipe.builders import build_evaluation, build_path
from ..runs import plots
from ..runs.arguments import require_along
from ..runs.folder import Array, Run
from ..runs.loading import data_of, load_model
from ..runs.opening import config_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Frontier", "Point", "draw", "frontier", "judge", "scores"]

HELD_OUT = 500
REALISM = ("frechet_distance", "inception_score")
"""What realism is measured by: the first of these that the evaluation gives."""


@dataclass(frozen=True)
class Point:
    """One checkpoint of the run.

    Attributes:
        step: Updates done.
        alpha: α of the last of them.
        sigma: σ of the run there.
        bound: Likelihood under it, in nats for each dimension.
        best_sigma: The snapshot's own σ, its root mean squared error.
        best_bound: Likelihood under that.
        metrics: By names that state their protocols.
        score: The weighted sum that ``prefer`` asks for, in [0, 1].
    """

    step: int
    alpha: float
    sigma: float
    bound: float
    best_sigma: float
    best_bound: float
    metrics: Mapping[str, float]
    score: float = 0.0


@dataclass(frozen=True)
class Frontier:
    """What a run's snapshots say about the way along α.

    Attributes:
        points: In the order of training.
        realism: Name of the metric that stands for realism.
        prefer: Weight of realism against likelihood, in [0, 1].
        best: The point with the highest score, the earliest of equals.
        checkpoint: Where its model is.
    """

    points: Sequence[Point]
    realism: str
    prefer: float
    best: Point
    checkpoint: Path


def frontier(
    run: Run,
    prefer: float = 0.5,
    draws: int = 50,
    console: Console | None = None,
    data: str | None = None,
) -> Frontier:
    """Measure the snapshots of a run, and write ``frontier.json`` and ``frontier.png`` into it.

    Args:
        run: A run of one trial, trained with ``--snapshots``, done or in progress.
        prefer: What counts, in [0, 1]: 0 for likelihood alone, 1 for realism alone. Each is scaled
            to its range along the run, and the highest weighted sum is the best.
        draws: K, the number of latents for each sample, one or more.
        console: Where to tell what is being prepared; nowhere by default.
        data: The data instead of those that the run names; what it names of the hub is not fetched.

    Returns:
        The curve and the best of it.

    Raises:
        ValueError: A number is out of its range, the run has no snapshots or α does not move, or
            its data cannot be used.

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    console = console or Console(quiet=True)
    between_zero_and_one("prefer", prefer)
    at_least(1, "draws", draws)
    config = config_of(run)
    steps = require_along(run, config)
    evaluation = build_evaluation(config, data_of(run, config, console, data), console.print)
    points = []
    for point in _measured(run, config, steps, evaluation, draws):
        console.print(f"update {point.step:>6}  α = {point.alpha:.2f}", soft_wrap=True)
        points.append(point)
    found = judge(run, points, prefer)
    settings = {"draws": draws, "held_out": len(_held_out(evaluation))}
    content = asdict(found) | {"checkpoint": found.checkpoint.name, "settings": settings}
    text = json.dumps(content, indent=1, allow_nan=False)
    with writing(run.inside("frontier.json")) as file:
        file.write(f"{text}\n".encode())
    plots.save_figure(draw(found), run.inside("frontier.png"))
    return found


def judge(run: Run, points: Sequence[Point], prefer: float) -> Frontier:
    """Find the best of the points.

    Args:
        run: The run that they are of.
        points: Two or more.
        prefer: Weight of realism against likelihood, in [0, 1].
    """
    names = [name for metric in REALISM for name in points[0].metrics if name.startswith(metric)]
    realism = names[0]
    sign = 1 if METRICS[realism.split("/")[0]].better == "higher" else -1
    scored = scores(
        [point.best_bound for point in points],
        [sign * point.metrics[realism] for point in points],
        prefer,
    )
    judged = [
        Point(**{**vars(point), "score": score})
        for point, score in zip(points, scored, strict=True)
    ]
    best = max(judged, key=lambda point: point.score)
    return Frontier(judged, realism, prefer, best, run.checkpoint_folder(best.step))


def scores(likelihood: Sequence[float], realism: Sequence[float], prefer: float) -> list[float]:
    r"""Weighted sums of two qualities, each scaled to its own range.

    .. math:: (1 - w) \, \frac{l - \min l}{\max l - \min l}
        + w \, \frac{r - \min r}{\max r - \min r}

    Args:
        likelihood: l of each point, higher is better.
        realism: r of each point, higher is better.
        prefer: w in [0, 1].

    Returns:
        A number in [0, 1] for each point; a quality that does not vary counts as 0.

    Example:
        >>> scores([0.0, -1.0, -4.0], [1.0, 3.0, 4.0], prefer=0.5)
        [0.5, 0.7083333333333333, 0.5]
    """
    total = (1 - prefer) * _scaled(likelihood) + prefer * _scaled(realism)
    found: list[float] = total.tolist()
    return found


def _scaled(values: Sequence[float]) -> Array:
    quality = np.asarray(values, float)
    scaled: Array = (quality - quality.min()) / (np.ptp(quality) or 1.0)
    return scaled


def _measured(
    run: Run, config: Config, steps: Sequence[int], evaluation: Evaluation, draws: int
) -> Iterator[Point]:
    path, held_out = build_path(config), _held_out(evaluation)
    size = held_out[0].numel()
    for step in steps:
        model, memory = load_model(run, config, step)
        metrics = evaluation(model, memory).metrics
        sigma, best_sigma = float(model.sigma), model.best_sigma(held_out)
        yield Point(
            step=step,
            alpha=path(step - 1) if step else path(0),
            sigma=sigma,
            bound=float(bounds(model, held_out, sigma, draws).mean()) / size,
            best_sigma=best_sigma,
            best_bound=float(bounds(model, held_out, best_sigma, draws).mean()) / size,
            metrics=metrics,
        )


def _held_out(evaluation: Evaluation) -> Tensor:
    return evaluation.held_out[:HELD_OUT]


def draw(found: Frontier) -> Figure:
    """Likelihood against realism, a point for each snapshot in the colour of its α.

    Args:
        found: As :func:`frontier` gives it.

    Returns:
        The curve under the best σ, and that under the run's own beside it; better is up and to the
            right, and the best point is ringed.
    """
    from matplotlib.figure import Figure

    from ..runs.plots import INK, LINE, MUTED, SMALL, TEXT, WIDTH

    realism = [point.metrics[found.realism] for point in found.points]
    alphas = [point.alpha for point in found.points]
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    titles = {"best_bound": "under each snapshot's best σ", "bound": "under the run's own σ"}
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        bounds = [getattr(point, name) for point in found.points]
        axes.plot(bounds, realism, color=LINE, linewidth=1.5, zorder=1)
        shades = axes.scatter(bounds, realism, c=alphas, cmap="viridis", vmin=0, vmax=1, zorder=2)
        for point, x, y in zip(found.points, bounds, realism, strict=True):
            words, at = f"{point.alpha:.2f}", (x, y)
            axes.annotate(
                words, at, (6, 4), textcoords="offset points", fontsize=SMALL, color=MUTED
            )
            if point.step == found.best.step:
                axes.scatter(x, y, s=140, facecolors="none", edgecolors=INK, zorder=3)
        axes.set_title(title, loc="left", fontsize=TEXT)
        axes.set_xlabel("importance-weighted bound, nats for each dimension", fontsize=SMALL)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=MUTED, labelsize=SMALL)
    panels[0].set_ylabel(label(found.realism), fontsize=SMALL)
    if METRICS[found.realism.split("/")[0]].better == "lower":
        panels[0].invert_yaxis()
    figure.colorbar(shades, ax=panels, label="α")
    figure.suptitle(
        f"best at a weight of {found.prefer:g} for realism: α = {found.best.alpha:.3g}, "
        f"update {found.best.step:,}",
        fontsize=TEXT,
        color=INK,
    )
    return figure
