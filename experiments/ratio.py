r"""Ours: the log ratio against log q − log p that are known, as α moves, and rejection by it.

The data are three Gaussians of unequal weights in the plane, and the generator is linear, so that
the model is a Gaussian at every moment and f is known everywhere. A discriminator is trained as
always, by Algorithm 1. At five α the error of its logit is measured on new data, on new samples of
the model, and where neither ever was; then that of the calibrated logit, by a temperature and by
steps; and that of estimates that are fitted to the same held-out samples alone. Beside it, 25
Gaussians by a run of the preset: what rejection and resampling make of missed and invented mass.
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
from alpha_bridge.inference.reweighting import chosen, kept
from alpha_bridge.metrics import modes
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import R1
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.training import Callback, Event, Optimization, fit

from .framework import Claim, Outcome, Plan, Record, Study
from .framework.drawing import style
from .linear_gaussian import LinearEncoder, LinearGenerator, surrogate
from .ratio_baselines import Array, Estimate, least_squares, logistic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["claims", "draw", "errors", "masses", "measure", "of_known", "of_modes", "table"]

MIXTURE = GaussianMixture(
    torch.tensor([[-1.5, -1.0], [1.5, -0.5], [0.0, 1.5]]), 0.7, torch.tensor([0.5, 0.3, 0.2])
)
HIDDEN, STEPS, SHARES = (64, 64), 4000, (0.3, 0.5, 0.2)
SIGMA, FITTED, TESTED, BOX = 0.5, 4000, 4000, 8.0
ALPHAS = 5
TRIALS = 2
BUDGETS = (1, 2, 4, 8)
MODES_STEPS, DRAWN = 4000, 5000
WHERE = ("data", "model", "neither")
CALIBRATED = ("temperature", "isotonic", "last-layer")
BASELINES = ("quadratic", "uLSIF", "RuLSIF")
METHODS = ("logit", *CALIBRATED, *BASELINES)


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Errors along α of 2 trials, and mass by budget of as many. ``quick``: 1 trial, a tenth."""
    trials = trials or (1 if quick else TRIALS)
    part = 10 if quick else 1
    seeds = range(seed, seed + trials)
    known = [
        Plan({"part": "known", "seed": at}, of_known, {"seed": at, "steps": STEPS // part})
        for at in seeds
    ]
    masses = [
        Plan({"part": "modes", "seed": at}, of_modes, {"seed": at, "steps": MODES_STEPS // part})
        for at in seeds
    ]
    runs = study.train([*known, *masses])
    return {
        "experiment": "ratio",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "steps": [STEPS // part, MODES_STEPS // part],
        "samples": {"fitted": FITTED // 2, "tested": TESTED},
        "runs": runs,
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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = LinearGenerator(2), LinearEncoder(2), MLPDiscriminator(2, HIDDEN)
    measured = _Errors(seed, updates)
    fit(
        AlphaBridge(*networks, noise=SIGMA),
        DensitySource(MIXTURE),
        path,
        regularizer=R1(),
        optimization=Optimization(generator=2e-3, encoder=2e-3, discriminator=2e-3),
        seed=seed,
        callbacks=[measured],
        progress=False,
    )
    return Outcome({"rows": measured.rows})


@torch.no_grad()
def _errors(model: AlphaBridge, seed: int) -> Record:
    """Mean absolute errors of f in nats, by method and place, and seconds of each method."""
    rng = np.random.default_rng(seed)
    affine: Any = model.generator.affine
    p: Any = surrogate(affine.weight.double(), affine.bias.double().squeeze(-1), torch.zeros(1))

    def truth(x: Tensor) -> Tensor:
        found: Tensor = MIXTURE.log_prob(x.double()) - p.log_prob(x.double())
        return found

    held_out = MIXTURE.sample(FITTED, rng)
    fakes = model.sample(FITTED, torch.Generator().manual_seed(seed))
    tested = {
        "data": MIXTURE.sample(TESTED, rng),
        "model": model.sample(TESTED, torch.Generator().manual_seed(seed + 1000)),
    }
    tested["neither"] = _elsewhere(p.log_prob, [*tested.values()], rng)
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
        log_p(points.double()) < log_p(model.double()).min()
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
        "temperature": (logit, lambda q, p: CalibratedRatio.of(q, p, "temperature").map),
        "isotonic": (logit, lambda q, p: CalibratedRatio.of(q, p, "isotonic").map),
        "last-layer": (last, lambda q, p: CalibratedRatio.of(q, p, "last-layer").map),
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
    rows: list[Record] = []
    for budget in BUDGETS:
        rejected = kept(model, units, ratio, DRAWN, budget, seed)
        row = {"budget": budget, "rejected": _masses(source.mixture, rejected.x)}
        try:
            row["resampled"] = _masses(
                source.mixture, chosen(model, units, ratio, DRAWN, budget, seed).x
            )
        except ValueError as error:
            row["refused"] = str(error)
        rows.append(row)
    return Outcome({"rows": rows})


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


def masses(record: Record, how: str) -> Array:
    """Missed and invented mass together, a row for each trial and a column for each budget.

    Args:
        record: With ``runs``.
        how: ``rejected`` or ``resampled``; infinite where weights were refused.
    """
    runs = [run for run in record["runs"] if run["part"] == "modes"]
    refused = {"missed": np.inf, "invented": np.inf}
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
    plain, four = (float(masses(record, "rejected")[:, BUDGETS.index(b)].mean()) for b in (1, 4))
    by.append(
        Claim(
            "rejection at a budget of 4 lowers missed plus invented mass by 40 % or more",
            four <= 0.6 * plain,
            [{"budget 1": round(plain, 4), "budget 4": round(four, 4)}],
        )
    )
    return by


def table(record: Record) -> str:
    """Errors by method and place, and masses by budget, in Markdown.

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
    lines += ["", "| budget | rejected: missed + invented | resampled |", "|---|---|---|"]
    both = (masses(record, how).mean(0) for how in ("rejected", "resampled"))
    for budget, *found in zip(BUDGETS, *both, strict=True):
        shown = (f"{value:.1%}" if np.isfinite(value) else "refused" for value in found)
        lines.append(f"| {budget} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def draw(record: Record) -> "Figure":
    """Errors along α in three places, and mass by budget.

    Args:
        record: As :func:`measure` gives it; all are means over trials.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    *places, last = figure.subplots(1, len(WHERE) + 1)
    alphas = [row["alpha"] for row in record["runs"][0]["rows"]]
    for axes, where in zip(places, WHERE, strict=True):
        for method in METHODS:
            dashed = "-" if method in ("logit", *CALIBRATED) else "--"
            found = errors(record, method, where).mean(0)
            axes.plot(alphas, found, linestyle=dashed, linewidth=1.6, label=method)
        axes.set_yscale("log")
        axes.set_title(f"error of f, {where}", loc="left", fontsize=TEXT)
        axes.set_xlabel("α", fontsize=SMALL)
    for how in ("rejected", "resampled"):
        last.plot(BUDGETS, masses(record, how).mean(0), marker="o", markersize=3, label=how)
    last.set_title("missed + invented mass", loc="left", fontsize=TEXT)
    last.set_xlabel("draws for each sample", fontsize=SMALL)
    for axes in (places[0], last):
        axes.legend(frameon=False, fontsize=SMALL - 1)
    for axes in (*places, last):
        style(axes)
    quick = "quick miniature: " if record["quick"] else ""
    figure.suptitle(f"{quick}means over {record['trials']} trials, in nats", fontsize=TEXT)
    return figure
