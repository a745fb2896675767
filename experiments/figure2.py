r"""Figure 2: how variable the gradient estimators of one Gaussian problem are, along α.

.. math:: \nabla_{\mu,\sigma} D_\alpha[N(x; \mu, \sigma^2) \| N(x; 0, 1)], \qquad
    \mu \in \{3, 1\}, \ \sigma = 1

As in the paper, the gradient is estimated from one Monte Carlo sample, a hundred times: by the
forward twin, the reverse twin, and their combination. Beside each variance that was measured
stands the exact one, because a hundred trials miss the rare samples that make most of it. And
beside the paper's γ stand two of ours: the one that makes the variance least, from exact moments,
and the same estimated online while α rises.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from alpha_bridge import estimator, go
from alpha_bridge.control import (
    Moments,
    OnlineGamma,
    gaussian_moments,
    optimal_gamma,
    pooled_moments,
)
from alpha_bridge.gamma import SigmoidGamma

from .framework.plan import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "measure"]

MEANS = (3.0, 1.0)
PARAMETERS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": itemgetter(0),
    "scale": itemgetter(1),
    "both": torch.sum,
}
ALPHAS = tuple(step / 40 for step in range(1, 40))
CLAIMS = {
    "forward": "forward varies less than reverse,\nas α → 0 (paper)",
    "reverse": "reverse varies less than forward,\nas α → 1 (paper)",
    "combined": "combined varies less than both,\nfor α in (0, 1) (paper)",
    "optimal": "so it does with the optimal γ\n(ours: one γ, least for both together)",
}
GREEN, VIOLET = "#2a8f5a", "#a33fd0"
SYMBOLS = {"mean": "∂D/∂μ", "scale": "∂D/∂σ", "both": "both together"}
UPDATES = 200
"""Updates at each α, for the γ that is estimated online."""


def measure(seed: int = 0, trials: int | None = None, quick: bool = False) -> Record:
    """Variance of every estimator at every α, measured and exact, and what the paper claims of it.

    Args:
        seed: Seed of all draws.
        trials: Trials at each α, two or more; by default the paper's 100, or 20 if ``quick``.
        quick: Fewer trials; all of it takes seconds.

    Returns:
        A record with ``settings``; ``points``, one for each μ, parameter and α, with the variances
            of all estimators; ``claims``, one for each claim, μ and parameter, with the ranges of
            α where it holds; and ``gains``, the variance with the optimal γ as a share of that
            with the paper's, both parameters together.

    Raises:
        ValueError: ``trials`` is below two.
    """
    trials = trials or (20 if quick else 100)
    if trials < 2:
        raise ValueError(f"a variance needs two trials or more, got trials={trials}")
    noise = torch.Generator().manual_seed(seed)
    gamma = SigmoidGamma()
    points, gains = [], []
    for mean in MEANS:
        problem, online = Problem(mean, noise), OnlineGamma()
        for alpha in ALPHAS:
            exact = gaussian_moments(*problem.parameters, alpha)
            for step in range(UPDATES):
                online.observe(step, partial(problem.moments, alpha))
            gammas = {
                "forward": 0.0,
                "reverse": 1.0,
                "combined": gamma(alpha),
                "optimal": float(optimal_gamma(exact.total(), alpha)),
                "online": online(alpha),
            }
            points += problem.points(alpha, gammas, exact, trials)
            gains.append({"mu": mean, "alpha": alpha, **_gains(exact.total(), alpha, gammas)})
    return {
        "figure": "Figure 2",
        "settings": {
            "seed": seed,
            "trials": trials,
            "samples": 1,
            "sigma": 1.0,
            "gamma": {"c": gamma.c, "d": gamma.d, "note": "ours: the paper's are not published"},
            "online": {
                "every": online.every,
                "decay": online.decay,
                "pairs": Problem.PAIRS,
                "updates_at_each_alpha": UPDATES,
            },
        },
        "claims": [
            {"claim": " ".join(text.split()), **_verdict(points, name, mean, parameter)}
            for name, text in CLAIMS.items()
            for mean in MEANS
            for parameter in PARAMETERS
        ],
        "gains": gains,
        "points": points,
    }


class Problem:
    """The model N(μ, 1) against the data N(0, 1)."""

    PAIRS = 64

    def __init__(self, mean: float, noise: torch.Generator) -> None:
        self.mean, self.noise = mean, noise
        self.parameters = (
            torch.tensor([mean], dtype=torch.float64),
            torch.ones(1, dtype=torch.float64),
        )
        self.data = Normal(torch.zeros(1, dtype=torch.float64), 1.0)

    def draws(self, count: int) -> Tensor:
        """Standard normal noise, shape ``(2, count, 1)``: for the data and for the model."""
        return torch.randn(2, count, 1, generator=self.noise, dtype=torch.float64)

    def points(
        self, alpha: float, gammas: dict[str, float], exact: Moments, trials: int
    ) -> list[Record]:
        """Variance of every estimator: of its gradient for μ, for σ, and their sum."""
        x, z = self.draws(trials)

        def forward(p: Distribution) -> Tensor:
            return estimator.forward(p, self.data, alpha, x)

        def reverse(p: Distribution) -> Tensor:
            return estimator.reverse(p, self.data, alpha, p.mean + p.stddev * z)

        of_forward, of_reverse = self.gradients(forward, trials), self.gradients(reverse, trials)
        measured = {
            name: ((1 - gamma) * of_forward + gamma * of_reverse).var(0)
            for name, gamma in gammas.items()
        }
        known = {name: exact.variance(alpha, gamma) for name, gamma in gammas.items()}
        return [
            {
                "mu": self.mean,
                "parameter": parameter,
                "alpha": alpha,
                "gamma": gammas,
                "measured": {name: float(of(measured[name])) for name in gammas},
                "exact": {name: float(of(known[name])) for name in gammas},
            }
            for parameter, of in PARAMETERS.items()
        ]

    def moments(self, alpha: float) -> Moments:
        """Moments of both twins, from data and model samples together."""
        x, z = self.draws(self.PAIRS)
        p = Normal(*self.parameters)
        pooled = torch.cat([x, p.mean + p.stddev * z])

        def forward(p: Distribution) -> Tensor:
            return (1 - alpha) * estimator.forward(p, self.data, alpha, pooled)

        def reverse(p: Distribution) -> Tensor:
            return estimator.reverse(p, self.data, alpha, go.attach(p, pooled))

        of_forward, of_reverse = (
            self.gradients(twin, 2 * self.PAIRS).unflatten(0, (2, self.PAIRS))
            for twin in (forward, reverse)
        )
        f = (self.data.log_prob(pooled) - p.log_prob(pooled)).reshape(2, self.PAIRS)
        return pooled_moments(of_forward, of_reverse, f)

    def gradients(self, surrogate: Callable[[Distribution], Tensor], count: int) -> Tensor:
        """Gradients of each sample, shape ``(count, 2)``."""
        return torch.cat(
            estimator.sample_gradients(Normal, self.parameters, count, surrogate), dim=1
        )


def _gains(moments: Moments, alpha: float, gammas: dict[str, float]) -> dict[str, float]:
    """Variance with our γ as a share of the variance with the paper's."""
    variance = {name: float(moments.variance(alpha, gamma)) for name, gamma in gammas.items()}
    return {name: variance[name] / variance["combined"] for name in ("optimal", "online")}


def _verdict(points: Sequence[Record], name: str, mean: float, parameter: str) -> Record:
    """Where a claim holds, by the variances measured and by the exact ones."""

    def verdict(kind: str) -> Record:
        at = [_holds(name, point[kind]) for point in _curve(points, mean, parameter)]
        asked = {"forward": at[:1], "reverse": at[-1:]}.get(name, at)
        return {"holds": all(asked), "share": sum(at) / len(at), "alphas": _ranges(at)}

    return {
        "about": name,
        "mu": mean,
        "parameter": parameter,
        "measured": verdict("measured"),
        "exact": verdict("exact"),
    }


def _holds(name: str, variance: dict[str, float]) -> bool:
    rival = {"forward": "reverse", "reverse": "forward"}.get(name)
    least = variance[rival] if rival else min(variance["forward"], variance["reverse"])
    return variance[name] < least


def _ranges(at: Sequence[bool]) -> list[tuple[float, float]]:
    """First and last α of each run of α where something holds."""
    runs = [
        [alpha for alpha, _ in group]
        for holds, group in groupby(zip(ALPHAS, at, strict=True), key=lambda pair: pair[1])
        if holds
    ]
    return [(run[0], run[-1]) for run in runs]


def draw(record: Record) -> "Figure":
    """The figure, from a record alone: lines are exact, points are measured.

    Args:
        record: As :func:`measure` gives it.

    Returns:
        A panel for each μ and parameter, and below them the paper's claims with the ranges of α
            where they hold.
    """
    from matplotlib.figure import Figure

    from alpha_bridge.runs.plots import TEXT, WIDTH

    figure = Figure(figsize=(WIDTH, 8.6), layout="constrained")
    grid = figure.add_gridspec(3, 3, height_ratios=[1, 1, 0.75])
    for row, mean in enumerate(MEANS):
        for column, parameter in enumerate(PARAMETERS):
            axes = figure.add_subplot(grid[row, column])
            _panel(axes, _curve(record["points"], mean, parameter))
            axes.set_title(f"μ = {mean:g}: {SYMBOLS[parameter]}", loc="left", fontsize=TEXT)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=5, frameon=False, fontsize=TEXT)
    _claims(figure.add_subplot(grid[2, :]), record)
    return figure


def _curve(points: Sequence[Record], mean: float, parameter: str) -> list[Record]:
    return [p for p in points if p["mu"] == mean and p["parameter"] == parameter]


def _panel(axes: "Axes", curve: Sequence[Record]) -> None:
    from alpha_bridge.runs.plots import BLUE, INK, MUTED, ORANGE, SMALL, ruled

    styles = {
        "forward": (BLUE, "-", "forward (10)"),
        "reverse": (ORANGE, "-", "reverse (11)"),
        "combined": (INK, "-", "combined (12), γ of footnote 1"),
        "optimal": (GREEN, "-", "γ optimal (ours)"),
        "online": (VIOLET, ":", "γ estimated online (ours)"),
    }
    alphas = [point["alpha"] for point in curve]
    for name, (color, dash, label) in styles.items():
        exact = [point["exact"][name] for point in curve]
        axes.plot(alphas, exact, color=color, linestyle=dash, linewidth=1.6, label=label)
        if name != "online":
            measured = [point["measured"][name] for point in curve]
            axes.plot(alphas, measured, color=color, marker=".", markersize=4, linestyle="")
    axes.set(yscale="log", xlim=(0, 1))
    axes.set_xlabel("α", color=MUTED, fontsize=SMALL)
    ruled(axes)


def _claims(axes: "Axes", record: Record) -> None:
    """A row for each claim: the α where it holds by exact variances, its share by measured ones."""
    from alpha_bridge.runs.plots import INK, MUTED, SMALL, TEXT

    axes.axis("off")
    trials, left, pitch = record["settings"]["trials"], 0.34, 0.11
    head = f"Variance of one sample. Lines: exact.\nPoints: measured in {trials} trials."
    axes.text(0, 1, head, color=INK, fontsize=SMALL, va="top")
    for row, name in enumerate(CLAIMS):
        top = 0.76 - 0.2 * row
        found = [claim for claim in record["claims"] if claim["about"] == name]
        axes.text(0, top, CLAIMS[name], color=INK, fontsize=SMALL, va="top")
        for column, claim in enumerate(found):
            at = left + pitch * column
            if row == 0:
                title = f"μ = {claim['mu']:g}\n{SYMBOLS[claim['parameter']]}"
                axes.text(at, 1, title, color=INK, fontsize=TEXT, va="top")
            verdict = (
                f"{_share_of_alphas(claim['exact'])}\nseen in {claim['measured']['share']:.0%}"
            )
            axes.text(at, top, verdict, color=MUTED, fontsize=SMALL, va="top")


def _share_of_alphas(verdict: Record) -> str:
    match verdict["alphas"]:
        case []:
            return "no α"
        case [(low, high)] if verdict["share"] < 1:
            return f"{low:.2f}–{high:.2f}"
        case _:
            return f"{verdict['share']:.0%} of α"
