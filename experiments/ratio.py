r"""Ours: the log ratio against log q − log p that are known, as α moves, and rejection by it.

The data are three Gaussians of unequal weights in the plane, and the generator is linear, so that
the model is a Gaussian at every moment and f is known everywhere. A discriminator is trained as
always, by Algorithm 1. At five α the error of its logit is measured on new data, on new samples of
the model, and where neither ever was; then that of the calibrated logit, by a temperature, by steps
and by a last layer; and that of estimates that are fitted to the same held-out samples alone.
Beside it, what rejection and resampling make of missed and invented mass, on 25 Gaussians by a run
of the preset, and of the Fréchet distance, on digits.
"""

from collections.abc import Callable, Sequence
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from alpha_bridge.data import DensitySource, GaussianMixture, Units
from alpha_bridge.inference.calibrated_ratio import CalibratedRatio, calibrated, evidence
from alpha_bridge.inference.calibration import Isotonic, LastLayer, Temperature
from alpha_bridge.inference.reweighting import chosen, kept
from alpha_bridge.metrics import modes
from alpha_bridge.metrics.evaluation import SampleEvaluation
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator
from alpha_bridge.path import AlphaPath, AlphaSchedule
from alpha_bridge.penalty import R1
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.plots import ruled
from alpha_bridge.training import Callback, Event, Optimization, TrainState, fit

from .framework import Claim, Outcome, Plan, Record, Study, preset_on
from .linear_gaussian import LinearEncoder, LinearGenerator, surrogate
from .ratio_baselines import Array, Estimate, least_squares, logistic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "MIXTURE",
    "by_budget",
    "claims",
    "draw",
    "errors",
    "linear_density",
    "measure",
    "of_images",
    "of_known",
    "of_modes",
    "table",
    "train_linear",
]

MIXTURE = GaussianMixture(
    torch.tensor([[-1.5, -1.0], [1.5, -0.5], [0.0, 1.5]]), 0.7, torch.tensor([0.5, 0.3, 0.2])
)
HIDDEN, STEPS, SHARES = (64, 64), 4000, (0.3, 0.5, 0.2)
SIGMA, FITTED, TESTED, BOX = 0.5, 4000, 4000, 8.0
ALPHAS = 5
TRIALS = 2
BUDGETS = (1, 2, 4, 8)
MODES_STEPS, DRAWN = 4000, 5000
IMAGES_STEPS, IMAGES = 1000, 2000
WHERE = ("data", "model", "neither")
CALIBRATED = ("temperature", "isotonic", "last-layer")
BASELINES = ("quadratic", "uLSIF", "RuLSIF")
METHODS = ("logit", *CALIBRATED, *BASELINES)
CHOSEN = {"modes": "missed + invented", "images": "Fréchet distance"}
"""By part, what is measured of the samples that are kept or chosen."""


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Errors along α, and what rejection does by budget, 2 trials of each.

    ``data`` is MNIST, in place of the digits of scikit-learn. ``quick``: 1 trial, a tenth.
    """
    trials = trials or (1 if quick else TRIALS)
    steps = [each // (10 if quick else 1) for each in (STEPS, MODES_STEPS, IMAGES_STEPS)]
    plans = []
    for at in range(seed, seed + trials):
        of: dict[str, Callable[..., Outcome]]
        of = {"known": of_known, "modes": of_modes, "images": of_images}
        for (part, work), updates in zip(of.items(), steps, strict=True):
            own = {"data": data} if part == "images" else {}
            plans.append(
                Plan({"part": part, "seed": at}, work, {"seed": at, "steps": updates} | own)
            )
    return {
        "experiment": "ratio",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "steps": steps,
        "images": "digits" if data is None else "MNIST",
        "samples": {"fitted": FITTED, "tested": TESTED},
        "runs": study.train(plans),
    }


class _Errors(Callback):
    """Errors of every estimate after chosen updates."""

    def __init__(self, seed: int, updates: Sequence[int]) -> None:
        self.seed, self.updates = seed, frozenset(updates)
        self.rows: list[Record] = []

    def after(self, event: Event) -> None:
        if event.step in self.updates:
            row = {"update": event.step, "alpha": round(event.alpha, 4)}
            self.rows.append(row | _errors(event.state.averaged(), self.seed))


def of_known(seed: int, steps: int) -> Outcome:
    """Train one linear generator, and measure errors on the way.

    Args:
        seed: Of the weights and the draws.
        steps: Updates of the whole path.
    """
    path = AlphaPath.three_steps(*(round(share * steps) for share in SHARES))
    ml, transfer = path.boundaries[0], round(SHARES[1] * steps)
    updates = [ml + round(transfer * at / (ALPHAS - 1)) for at in range(ALPHAS)]
    measured = _Errors(seed, updates)
    train_linear(seed, path, [measured])
    return Outcome({"rows": measured.rows})


def train_linear(seed: int, path: AlphaSchedule, callbacks: Sequence[Callback] = ()) -> TrainState:
    """A linear generator on the three Gaussians, trained as always.

    Args:
        seed: Of the weights and the draws.
        path: To follow.
        callbacks: Of the training.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = LinearGenerator(2), LinearEncoder(2), MLPDiscriminator(2, HIDDEN)
    return fit(
        AlphaBridge(*networks, noise=SIGMA),
        DensitySource(MIXTURE),
        path,
        regularizer=R1(),
        optimization=Optimization(generator=2e-3, encoder=2e-3, discriminator=2e-3),
        seed=seed,
        callbacks=callbacks,
        progress=False,
    )


def linear_density(model: AlphaBridge) -> Callable[[Tensor], Tensor]:
    """Log density of what a linear generator draws, in double precision.

    Args:
        model: With such a generator.
    """
    affine: Any = model.generator.affine
    p: Any = surrogate(affine.weight.double(), affine.bias.double().squeeze(-1), torch.zeros(1))
    return lambda x: p.log_prob(x.double())


@torch.no_grad()
def _errors(model: AlphaBridge, seed: int) -> Record:
    """Mean absolute errors of f in nats, by method and place, and seconds of each method."""
    rng = np.random.default_rng(seed)
    log_p = linear_density(model)

    def truth(x: Tensor) -> Tensor:
        return MIXTURE.log_prob(x.double()) - log_p(x)

    held_out = MIXTURE.sample(FITTED, rng)
    fakes = model.sample(FITTED, torch.Generator().manual_seed(seed))
    tested = {
        "data": MIXTURE.sample(TESTED, rng),
        "model": model.sample(TESTED, torch.Generator().manual_seed(seed + 1000)),
    }
    tested["neither"] = _elsewhere(log_p, [*tested.values()], rng)
    estimates, seconds = _estimates(model, held_out, fakes)
    errors = {
        name: {
            where: round(float(np.abs(f(x) - truth(x).numpy()).mean()), 5)
            for where, x in tested.items()
        }
        for name, f in estimates.items()
    }
    spread = {where: round(float(truth(x).std()), 4) for where, x in tested.items()}
    return {"errors": errors, "seconds": seconds, "deviation of f": spread}


def _elsewhere(
    log_p: Callable[[Tensor], Tensor], seen: Sequence[Tensor], rng: np.random.Generator
) -> Tensor:
    """Points of a box where both densities are below that of all samples of their own side."""
    points = torch.from_numpy(rng.uniform(-BOX, BOX, (4 * TESTED, 2))).float()
    data, model = seen
    far = (MIXTURE.log_prob(points) < MIXTURE.log_prob(data).min()) & (
        log_p(points) < log_p(model).min()
    )
    return points[far][:TESTED]


def _estimates(
    model: AlphaBridge, q: Tensor, p: Tensor
) -> tuple[dict[str, Callable[[Tensor], Array]], dict[str, float]]:
    """Every estimate of f, and the seconds in which it was fitted to the same samples."""

    def plain(x: Tensor) -> Array:
        found: Array = x.double().numpy()
        return found

    def logit(x: Tensor) -> Array:
        return plain(model.log_ratio(x))

    def last(x: Tensor) -> Array:
        return evidence(model, x, "last-layer")

    def quadratic(x: Tensor) -> Array:
        pairs = torch.stack([x[:, 0] ** 2, x[:, 1] ** 2, x[:, 0] * x[:, 1]], 1)
        return plain(torch.cat([x, pairs], 1))

    fits: dict[str, tuple[Callable[[Tensor], Array], Callable[[Array, Array], Estimate]]] = {
        "logit": (logit, lambda *_: lambda f: f),
        "temperature": (logit, Temperature.fitted),
        "isotonic": (logit, Isotonic.fitted),
        "last-layer": (last, LastLayer.fitted),
        "quadratic": (quadratic, logistic),
        "uLSIF": (plain, least_squares),
        "RuLSIF": (plain, lambda q, p: least_squares(q, p, 0.1)),
    }
    found: dict[str, Callable[[Tensor], Array]] = {}
    seconds: dict[str, float] = {}
    for name, (features, fitted) in fits.items():
        begin = process_time()
        estimate = fitted(features(q), features(p))
        seconds[name] = round(process_time() - begin, 3)
        found[name] = partial(_composed, features, estimate)
    return found, seconds


def _composed(features: Callable[[Tensor], Array], estimate: Estimate, x: Tensor) -> Array:
    return estimate(features(x))


def of_modes(seed: int, steps: int) -> Outcome:
    """Train the preset of 25 Gaussians, and draw from it with each budget.

    Args:
        seed: Of the run and the draws.
        steps: Updates.
    """
    config = changed(PRESETS["gaussians25"], {"seed": seed, "steps": steps})
    parts = assemble(config)
    state = parts.fit()
    model, units, source = state.averaged(), Units(), parts.source
    assert isinstance(source, DensitySource)
    ratio = calibrated(model, source.held_out(FITTED), units)

    def score(x: Tensor) -> Record:
        return _masses(source.mixture, x)

    return Outcome({"rows": _rows(model, units, ratio, DRAWN, seed, score)})


def of_images(seed: int, steps: int, data: str | None) -> Outcome:
    """Train a preset of digits, and measure what it draws with each budget.

    Args:
        seed: Of the run and the draws.
        steps: Updates.
        data: MNIST; None for the digits of scikit-learn.
    """
    preset = preset_on("digits" if data is None else "mnist", data)
    config = changed(preset, {"seed": seed, "steps": steps, "evaluation.samples": IMAGES})
    parts = assemble(config)
    state = parts.fit()
    model, source = state.averaged().eval(), parts.source
    evaluation = build_evaluation(parts.config, source)
    assert isinstance(evaluation, SampleEvaluation)
    ratio = calibrated(model, source.held_out(FITTED), source.units)

    def score(x: Tensor) -> Record:
        found = evaluation.comparison(x)[0]
        distance = next(value for name, value in found.items() if name.startswith("frechet"))
        return {"frechet_distance": round(float(distance), 4)}

    return Outcome({"rows": _rows(model, source.units, ratio, IMAGES, seed, score)})


def _rows(
    model: AlphaBridge,
    units: Units,
    ratio: CalibratedRatio,
    count: int,
    seed: int,
    score: Callable[[Tensor], Record],
) -> list[Record]:
    """Scores of what rejection keeps and resampling chooses, by budget."""
    rows: list[Record] = []
    for budget in BUDGETS:
        row: Record = {"budget": budget}
        row["rejected"] = score(kept(model, units, ratio, count, budget, seed).x)
        try:
            row["resampled"] = score(chosen(model, units, ratio, count, budget, seed).x)
        except ValueError as error:
            row["refused"] = str(error)
        rows.append(row)
    return rows


def _masses(mixture: GaussianMixture, x: Tensor) -> dict[str, float]:
    missed = modes.missed_mass(x, mixture.means, mixture.std, mixture.weights)
    invented = modes.invented_mass(x, mixture.means, mixture.std)
    return {"missed": round(float(missed), 4), "invented": round(float(invented), 4)}


def errors(record: Record, method: str, where: str) -> Array:
    """Mean absolute errors of a method, a row for each trial and a column for each α.

    Args:
        record: With ``runs``.
        method: One of the estimates.
        where: ``data``, ``model`` or ``neither``.
    """
    runs = [run for run in record["runs"] if run["part"] == "known"]
    return np.array([[row["errors"][method][where] for row in run["rows"]] for run in runs])


def by_budget(record: Record, part: str, how: str) -> Array:
    """Missed and invented mass together, or the distance: a row for each trial, a column a budget.

    Args:
        record: With ``runs``.
        part: ``modes`` or ``images``.
        how: ``rejected`` or ``resampled``; infinite where weights were refused.
    """
    runs = [run for run in record["runs"] if run["part"] == part]
    refused = {"refused": np.inf}
    return np.array([[sum(row.get(how, refused).values()) for row in run["rows"]] for run in runs])


def claims(record: Record) -> list[Claim]:
    """What was asked for: half the error of the logit, less than the others, and less mass.

    Args:
        record: As :func:`measure` gives it; errors are means over trials and α, on the data.
    """
    found = {method: round(float(errors(record, method, "data").mean()), 4) for method in METHODS}
    by = [
        Claim(
            "calibrated by a last layer, the error on the data is at most half of the logit's",
            found["last-layer"] <= found["logit"] / 2,
            [{"logit": found["logit"], "last-layer": found["last-layer"]}],
        )
    ]
    by += [
        Claim(
            f"it is below that of {name} on the same held-out samples",
            found["last-layer"] < found[name],
            [{name: found[name], "last-layer": found["last-layer"]}],
        )
        for name in BASELINES
    ]
    for part, what, least in (
        ("modes", "missed plus invented mass", 0.4),
        ("images", f"the Fréchet distance on {record['images']}", 0.2),
    ):
        curve = by_budget(record, part, "rejected").mean(0)
        plain, four = (float(curve[BUDGETS.index(budget)]) for budget in (1, 4))
        by.append(
            Claim(
                f"rejection at a budget of 4 lowers {what} by {least:.0%} or more",
                four <= (1 - least) * plain,
                [{"budget 1": round(plain, 4), "budget 4": round(four, 4)}],
            )
        )
    return by


def table(record: Record) -> str:
    """Errors by method and place, and masses and distances by budget, in Markdown.

    Args:
        record: As :func:`measure` gives it.
    """
    alphas = [row["alpha"] for row in record["runs"][0]["rows"]]
    lines = [
        f"| error on the data at α = | {' | '.join(f'{alpha:g}' for alpha in alphas)} | on the "
        "model | where neither was | seconds |",
        "|---" * (len(alphas) + 4) + "|",
    ]
    for method in METHODS:
        of_data = errors(record, method, "data").mean(0)
        others = [errors(record, method, where).mean() for where in ("model", "neither")]
        rows = [row for run in record["runs"] if run["part"] == "known" for row in run["rows"]]
        seconds = float(np.mean([row["seconds"][method] for row in rows]))
        numbers = [f"{value:.3g}" for value in (*of_data, *others, seconds)]
        lines.append(f"| {method} | {' | '.join(numbers)} |")
    parts = [part for part in CHOSEN if any(run["part"] == part for run in record["runs"])]
    heads = (f"rejected: {CHOSEN[part]} | resampled" for part in parts)
    lines += ["", f"| budget | {' | '.join(heads)} |", "|---" * (1 + 2 * len(parts)) + "|"]
    for at, budget in enumerate(BUDGETS):
        cells = [
            _cell(float(by_budget(record, part, how).mean(0)[at]), part)
            for part in parts
            for how in ("rejected", "resampled")
        ]
        lines.append(f"| {budget} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: float, part: str) -> str:
    if np.isinf(value):
        return "refused"
    return f"{value:.1%}" if part == "modes" else f"{value:.4g}"


def draw(record: Record) -> "Figure":
    """Errors along α in three places, and mass and distance by budget.

    Args:
        record: As :func:`measure` gives it; all are means over trials.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    panels = figure.subplots(2, len(WHERE))
    alphas = [row["alpha"] for row in record["runs"][0]["rows"]]
    for axes, where in zip(panels[0], WHERE, strict=True):
        for method in METHODS:
            dashed = "-" if method in ("logit", *CALIBRATED) else "--"
            found = errors(record, method, where).mean(0)
            axes.plot(alphas, found, linestyle=dashed, linewidth=1.6, label=method)
        axes.set_yscale("log")
        axes.set_title(f"error of f, {where}", loc="left", fontsize=TEXT)
        axes.set_xlabel("α", fontsize=SMALL)
    titles = "missed + invented mass", f"Fréchet distance on {record['images']}"
    for axes, part, title in zip(panels[1], ("modes", "images"), titles, strict=False):
        for how in ("rejected", "resampled"):
            found = by_budget(record, part, how).mean(0)
            axes.plot(BUDGETS, found, marker="o", markersize=3, label=how)
        axes.set_ylim(bottom=0)
        axes.set_title(title, loc="left", fontsize=TEXT)
        axes.set_xlabel("draws for each sample", fontsize=SMALL)
    for axes in (panels[0][0], panels[1][0]):
        axes.legend(frameon=False, fontsize=SMALL - 1)
    panels[1][2].set_axis_off()
    for axes in (*panels[0], *panels[1][:2]):
        ruled(axes)
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(f"{quick}means over {record['trials']} trials, in nats", fontsize=TEXT)
    return figure
