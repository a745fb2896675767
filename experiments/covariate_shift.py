r"""Ours: a classifier trained on a model's samples for the data, with weights by the ratio.

Samples of a linear generator, whose labels are drawn by a law that is known, are to train a
classifier for data that follow three Gaussians: a covariate shift, in which
:math:`q(x) / p_\theta(x)` is known everywhere. The classifier is linear and the law is not, so that
it matters where the samples lie: the law was chosen so with the true weights alone. It is fitted
without weights, with those of the discriminator's logit, of the calibrated ratio, and of the true
one, all Pareto-smoothed, and to labelled data. Its error is what it minimises, the log loss.

Source:
    Shimodaira, Improving Predictive Inference under Covariate Shift by Weighting the
    Log-likelihood Function, Journal of Statistical Planning and Inference 2000.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from alpha_bridge.inference.calibrated_ratio import calibrated, evidence
from alpha_bridge.inference.importance import LARGEST_SHAPE, SmoothedWeights, smoothed_weights
from alpha_bridge.path import constant
from alpha_bridge.runs.plots import ruled

from .framework import Claim, Outcome, Plan, Record, Study
from .ratio import MIXTURE, linear_density, train_linear

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["claims", "draw", "measure", "of_seed", "table"]

Array = NDArray[np.float64]

STEPS, TRIALS = 1000, 5
HELD_OUT, TRAINED, TESTED = 4000, 2000, 20_000
WEIGHED = ("none", "logit", "calibrated", "true")
METHODS = (*WEIGHED, "on the data")


def measure(study: Study, seed: int, trials: int | None, quick: bool) -> Record:
    """Errors of five classifiers, 5 trials. ``quick``: 1 trial, a tenth of the updates."""
    trials = trials or (1 if quick else TRIALS)
    steps = STEPS // (10 if quick else 1)
    plans = [
        Plan({"seed": at}, of_seed, {"seed": at, "steps": steps})
        for at in range(seed, seed + trials)
    ]
    return {
        "experiment": "covariate-shift",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "steps": steps,
        "runs": study.train(plans),
    }


def of_seed(seed: int, steps: int) -> Outcome:
    """Train a linear generator by likelihood, and classifiers on its samples.

    Args:
        seed: Of all draws.
        steps: Updates.
    """
    model = train_linear(seed, constant(0.0, steps)).averaged().eval()
    rng = np.random.default_rng(seed)
    ratio = calibrated(model, MIXTURE.sample(HELD_OUT, rng))
    x = model.sample(TRAINED, torch.Generator().manual_seed(seed))
    f = {
        "none": np.zeros(TRAINED),
        "logit": evidence(model, x),
        "calibrated": ratio.map(evidence(model, x, ratio.kind)),
        "true": (MIXTURE.log_prob(x.double()) - linear_density(model)(x)).detach().numpy(),
    }
    weights = {method: smoothed_weights(f[method]) for method in WEIGHED}
    points, labels = x.double().numpy(), _labels(x.double().numpy(), rng)
    data, tested = (MIXTURE.sample(count, rng).double().numpy() for count in (TRAINED, TESTED))
    of_tested = _labels(tested, rng)
    fitted = {
        method: LogisticRegression().fit(points, labels, TRAINED * found.weights)
        for method, found in weights.items()
    }
    fitted["on the data"] = LogisticRegression().fit(data, _labels(data, rng))
    true = weights["true"].weights
    return Outcome(
        {
            "error": {
                method: round(log_loss(of_tested, classifier.predict_proba(tested)), 4)
                for method, classifier in fitted.items()
            },
            "weights": {method: _account(found, true) for method, found in weights.items()},
        }
    )


def _labels(x: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Labels of points by a law that no line follows."""
    odds = 3 * np.sin(2 * x[:, 0] + x[:, 1])
    drawn: NDArray[np.bool_] = rng.random(len(x)) < 1 / (1 + np.exp(-odds))
    return drawn


def _account(found: SmoothedWeights, true: Array) -> dict[str, Any]:
    """How far weights are from the true ones in total variation, and how reliable."""
    shape = None if np.isinf(found.shape) else round(found.shape, 3)
    away = round(float(np.abs(found.weights - true).sum()) / 2, 4)
    return {"away": away, "effective": round(found.effective, 4), "shape": shape}


def _errors(record: Record, method: str) -> Array:
    return np.array([run["error"][method] for run in record["runs"]])


def _away(record: Record, method: str) -> Array:
    return np.array([run["weights"][method]["away"] for run in record["runs"]])


def claims(record: Record) -> list[Claim]:
    """Whether weights help, and how near they come to the true ones.

    Args:
        record: Of :func:`measure`.
    """
    error = {method: round(float(_errors(record, method).mean()), 4) for method in METHODS}
    away = {method: round(float(_away(record, method).mean()), 4) for method in WEIGHED}
    shapes = [run["weights"]["calibrated"]["shape"] or 0.0 for run in record["runs"]]
    gained = error["none"] - error["calibrated"]
    return [
        Claim(
            "weights by the calibrated ratio make half of the gain of the true ones or more",
            gained >= (error["none"] - error["true"]) / 2 > 0,
            [{method: error[method] for method in ("none", "calibrated", "true")}],
        ),
        Claim(
            "calibration halves the distance of the logit's weights from the true ones",
            away["calibrated"] <= away["logit"] / 2,
            [{method: away[method] for method in ("logit", "calibrated")}],
        ),
        Claim(
            f"k̂ of the calibrated weights is at most {LARGEST_SHAPE}, so that none are refused",
            max(shapes) <= LARGEST_SHAPE,
            [{"largest k̂": max(shapes)}],
        ),
    ]


def table(record: Record) -> str:
    """Errors and weights by method, means and deviations over seeds, in Markdown.

    Args:
        record: Of :func:`measure`.
    """
    lines = [
        "| weights | log loss on data | away from the true ones | effective |",
        "|---" * 4 + "|",
    ]
    for method in METHODS:
        cells = [_spread(_errors(record, method)), "", ""]
        if method in WEIGHED:
            effective = [run["weights"][method]["effective"] for run in record["runs"]]
            cells[1:] = [_spread(_away(record, method)), f"{np.mean(effective):.1%}"]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spread(found: Array) -> str:
    spread = f" ± {found.std(ddof=1):.4f}" if len(found) > 1 else ""
    return f"{found.mean():.4f}{spread}"


def draw(record: Record) -> "Figure":
    """Errors by method, and distances of weights from the true ones, a point for each seed.

    Args:
        record: Of :func:`measure`.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import BLUE, SMALL, TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    titles = "log loss of the classifier on data", "distance of weights from the true ones"
    shown = (_errors, METHODS), (_away, WEIGHED)
    for axes, title, (values, methods) in zip(figure.subplots(1, 2), titles, shown, strict=True):
        for at, method in enumerate(methods):
            found = values(record, method)
            axes.plot([at] * len(found), found, "o", ms=4, color=BLUE, alpha=0.7)
        axes.set_xticks(range(len(methods)), methods)
        axes.set_title(title, loc="left", fontsize=TEXT)
        ruled(axes)
        axes.tick_params(labelsize=SMALL)
    if record["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure
