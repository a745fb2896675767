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

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ..checks import at_least, between_zero_and_one
from .paths import Folder, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from ..metrics.evaluation import Evaluation
    from ..runs.folder import Run
    from ..runs.opening import RunAt
    from ..runs.sample_files import Array

HELD_OUT = 500
REALISM = ("frechet_distance", "inception_score")
"""What realism is measured by: the first of these that the evaluation gives."""


@dataclass(frozen=True)
class Point:
    """One checkpoint of the run, with both bounds in nats for each dimension.

    Attributes:
        best_sigma: The snapshot's own σ, its root mean squared error.
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

    @property
    def table(self) -> Path:
        return self.checkpoint.parents[1] / "frontier.json"

    @property
    def picture(self) -> Path:
        return self.checkpoint.parents[1] / "frontier.png"


def frontier(
    run: Folder,
    prefer: float = 0.5,
    draws: int = 50,
    data: str | None = None,
    console: Console | None = None,
) -> Frontier:
    """Show how a run trades likelihood for realism along α, and name the best α.

    Args:
        run: Folder of a run that was trained with --snapshots.
        prefer: Weight of realism: 0 for likelihood alone, 1 for realism alone, each over its
            range in the run.
        draws: Latents for each sample in the importance-weighted bound.
        data: Data in place of the run's; a hub id in the run's configuration is not fetched.
        console: Where to show progress; nowhere by default.

    Returns:
        The curve and the best of it; ``frontier.json`` and ``frontier.png`` lie in the run.

    Raises:
        ValueError: A number is out of its range, the run has no snapshots or α does not move, or
            its data cannot be used.

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    from ..runs.opening import open_run

    between_zero_and_one("prefer", prefer)
    at_least(1, "draws", draws)
    run, config, _ = at = open_run(run)
    steps = snapshots_of(at)

    from ..recipe.assembly import build_evaluation
    from ..recipe.slots import build_path
    from ..runs import plots
    from ..runs.loading import data_of
    from ..training.progress import Bars

    console = console or Console(quiet=True)
    along = {*config.snapshot_steps, *build_path(config).boundaries, steps[-1]}
    steps = [step for step in steps if step in along]
    source, points = data_of(at, console, data), []
    with Bars(console) as bars:
        evaluation = build_evaluation(config, source, bars.say, progress=bars.show)
        for point in _measured(at, steps, evaluation, draws):
            console.print(f"update {point.step:>6}  α = {point.alpha:.2f}", soft_wrap=True)
            points.append(point)
    found = best_of(run, points, prefer)
    settings = {"draws": draws, "held_out": len(_held_out(evaluation))}
    content = asdict(found) | {"checkpoint": found.checkpoint.name, "settings": settings}
    write_json(content, run.inside(found.table.name))
    plots.save_figure(draw(found), run.inside(found.picture.name))
    return found


def snapshots_of(at: RunAt) -> list[int]:
    """The whole checkpoints up to this one, if a curve along α can be drawn through them."""
    from ..files.manifest import Damaged, verified

    run, config, last = at
    if config.prior is not None:
        raise ValueError(
            f"{run.folder} translates samples of {config.prior}, which have no likelihood under "
            "N(0, I): give a run without --prior"
        )
    if config.rows is not None:
        raise ValueError(
            f"the samples of {run.folder} are rows of a table, of which no metric stands for "
            "realism: give a run on images or vectors, and see alpha-bridge evaluate for this one"
        )
    if config.objective.reconstructs:
        raise ValueError(
            f"{run.folder} has latents of data alone, which have no likelihood under N(0, I): give "
            f"a run of another objective than {config.objective.kind}"
        )

    def whole(step: int) -> bool:
        try:
            verified(run.checkpoint_folder(step))
        except Damaged as damage:
            warnings.warn(f"{damage.what}: the curve is drawn without it", stacklevel=4)
            return False
        return True

    lengths = config.path.lengths(config.steps)
    if not lengths[1] or config.path.start == config.path.end:
        raise ValueError(
            f"α is constant in {run.folder}, a run of {config.method}: give a run of alpha-bridge"
        )
    if not config.snapshots:
        raise ValueError(
            f"{run.folder} has no snapshots along α: train it with --snapshots 10, in a new folder"
        )
    steps = [step for step in run.checkpoint_steps if lengths[0] <= step <= last and whole(step)]
    if len(steps) < 2:
        raise ValueError(
            f"{run.folder} has {len(steps)} checkpoints from the end of Step I on, and a curve "
            f"needs two: go on with {run.resuming}"
        )
    return steps


def best_of(run: Run, points: Sequence[Point], prefer: float) -> Frontier:
    """Find the best of two or more points; ``prefer`` is the weight of realism, in [0, 1]."""
    from ..metrics.definition import METRICS

    names = [name for metric in REALISM for name in points[0].metrics if name.startswith(metric)]
    realism = names[0]
    score = METRICS[realism.split("/")[0]].score
    scored = scores(
        [point.best_bound for point in points],
        [score(point.metrics[realism]) for point in points],
        prefer,
    )
    ranked = [replace(point, score=score) for point, score in zip(points, scored, strict=True)]
    best = max(ranked, key=lambda point: point.score)
    return Frontier(ranked, realism, prefer, best, run.checkpoint_folder(best.step))


def scores(likelihood: Sequence[float], realism: Sequence[float], prefer: float) -> list[float]:
    r"""Weighted sums of two qualities, higher is better, each scaled to its own range.

    .. math:: (1 - w) \, \frac{l - \min l}{\max l - \min l}
        + w \, \frac{r - \min r}{\max r - \min r}

    A quality that does not vary counts as 0.

    Example:
        >>> scores([0.0, -1.0, -4.0], [1.0, 3.0, 4.0], prefer=0.5)
        [0.5, 0.7083333333333333, 0.5]
    """
    total = (1 - prefer) * _scaled(likelihood) + prefer * _scaled(realism)
    found: list[float] = total.tolist()
    return found


def _scaled(values: Sequence[float]) -> Array:
    import numpy as np

    quality = np.asarray(values, float)
    scaled: Array = (quality - quality.min()) / (np.ptp(quality) or 1.0)
    return scaled


def _measured(
    at: RunAt, steps: Sequence[int], evaluation: Evaluation, draws: int
) -> Iterator[Point]:
    from ..inference.likelihood import bounds
    from ..recipe.slots import build_path
    from ..runs.loading import load_model_and_memory
    from ..runs.snapshots import alpha_after

    path, held_out = build_path(at.config), _held_out(evaluation)
    size = held_out[0].numel()
    for step in steps:
        model, memory = load_model_and_memory(at._replace(step=step))
        metrics = evaluation(model, memory).metrics
        sigma, best_sigma = float(model.sigma), model.best_sigma(held_out)
        yield Point(
            step=step,
            alpha=alpha_after(at.run, path, step),
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

    The curve under the best σ stands beside that under the run's own; better is up and to the
    right, and the best point is ringed.
    """
    from matplotlib.figure import Figure

    from ..metrics.definition import METRICS, label
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
            text, at = f"{point.alpha:.2f}", (x, y)
            axes.annotate(text, at, (6, 4), textcoords="offset points", fontsize=SMALL, color=MUTED)
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
