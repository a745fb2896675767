r"""Ours: the gradient of categories, exact given the latent and by straight-through Gumbel-softmax.

Of a table of sixteen booleans all cells can be enumerated, and with them the gradient of

.. math:: E_{z} \sum_x p_\theta(x|z) \, w(x)

with w the reverse half of a discriminator. A small model is trained, and held still: how far the
mean of each estimator is from that gradient, and how much one of them varies, over many draws of
the rows. Then each trains the bridge, three seeds; the divergence from the data is exact too.
"""

from itertools import product
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch
from torch import Tensor

from alpha_bridge import AlphaBridge
from alpha_bridge.adversarial import Bridge
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.presets import of_data
from alpha_bridge.runs.plots import BLUE, ORANGE, SMALL, TEXT, WIDTH, ruled
from alpha_bridge.training import Callback, Event

from .framework import Claim, Outcome, Plan, Record, Study
from .framework.evaluations import Evaluations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["WAYS", "claims", "draw", "ended", "measure", "of_way", "seconds"]

WAYS: dict[str, dict[str, Any]] = {
    "exact, all": {"objective.alternatives": None},
    "exact, 4": {"objective.alternatives": 4},
    "exact, 1": {"objective.alternatives": 1},
    "straight through, 0.3": {"objective.temperature": 0.3},
    "straight through, 0.7": {"objective.temperature": 0.7},
    "straight through, 1.5": {"objective.temperature": 1.5},
}
SHARED: dict[str, Any] = {"batch_size": 256, "model.hidden": (128, 128)}
SMALL_MODEL: dict[str, Any] = {"batch_size": 256, "model.hidden": (32,), "model.latent": 4}
STEPS, QUICK_STEPS = 1500, 20
HELD, QUICK_HELD = 400, 10
"""Updates of the model whose gradients are compared."""
REPEATS, QUICK_REPEATS = 400, 20
LATENTS = 64
ALPHA = 0.5
CLEAR = 3.0
"""Standard errors from which a bias is one."""


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Compare the estimators, and train with each, 3 trials.

    ``data`` is a table of booleans, such as NLTCS; without it one is made up.
    """
    trials = trials or (1 if quick else 3)
    place = _made_up(study.folder, 6 if quick else 16) if data is None else data
    steps, held = (QUICK_STEPS, QUICK_HELD) if quick else (STEPS, HELD)
    start = changed(of_data(place), {"seed": seed})
    still = changed(start, {**SMALL_MODEL, "steps": held})
    repeats = QUICK_REPEATS if quick else REPEATS
    (compared,) = study.train(
        [Plan({"part": "gradients"}, estimators, {"config": still, "repeats": repeats})]
    )
    plans = [
        Plan(
            {"method": way, "seed": number},
            trained,
            {"config": changed(start, {**SHARED, "steps": steps, "seed": number, **WAYS[way]})},
            None,
            lambda run: f"kl {ended(run, 'kl'):.4f}  {1e3 * run['seconds_an_update']:.1f} ms",
        )
        for number, way in product(range(seed, seed + trials), WAYS)
    ]
    return {
        "experiment": "categories",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "data": "made up" if data is None else Path(data).name,
            "steps": steps,
            "repeats": repeats,
            "alpha": ALPHA,
        },
        "gradients": compared["gradients"],
        "runs": study.train(plans),
    }


def _made_up(folder: Path, columns: int) -> str:
    """Booleans of six kinds of rows, each with chances of its own."""
    draws, count = np.random.default_rng(0), 10_000
    kind = draws.choice(6, count, p=draws.dirichlet(np.ones(6)))
    chances = draws.beta(0.4, 0.4, size=(6, columns))
    cells = draws.random((count, columns)) < chances[kind]
    file = folder.absolute() / "made-up.parquet"
    pyarrow.parquet.write_table(
        pyarrow.table({f"q{at}": column for at, column in enumerate(cells.T)}), file
    )
    return str(file)


def estimators(config: Config, repeats: int) -> Outcome:
    """Bias and noise of each estimator, of the norm of the gradient that is enumerated."""
    since = perf_counter()
    model = assemble(config).fit().averaged().double()
    model.generator.requires_grad_()
    torch.manual_seed(config.seed)
    z = torch.randn(LATENTS, *(model.latent_shape or ()), dtype=torch.float64)
    truth = enumerated(model, z)
    size = truth.square().sum()
    found: dict[str, Record] = {}
    for way, values in WAYS.items():
        drawn = torch.stack([_estimate(model, z, values) for _ in range(repeats)])
        variance = drawn.var(0).sum()
        apart = (drawn.mean(0) - truth).square().sum() - variance / repeats
        shares = {
            "bias": apart.clamp(min=0),
            "bias_error": variance / repeats,
            "noise": variance,
        }
        found[way] = {key: float((of / size).sqrt()) for key, of in shares.items()}
    return Outcome({"gradients": found, "seconds": round(perf_counter() - since, 1)})


def enumerated(model: AlphaBridge, z: Tensor) -> Tensor:
    """The gradient of the mean of w, over all cells of all latents, to θ."""
    rows = model.rows
    assert rows is not None
    blocks = [torch.eye(size, dtype=z.dtype) for _, size in rows.categories]
    of = torch.cartesian_prod(*(torch.arange(size) for _, size in rows.categories))
    x = torch.cat([block[codes] for block, codes in zip(blocks, of.T, strict=True)], 1)
    with torch.no_grad():
        w = _reverse(model, x)
    shares = (x @ rows.log_shares(model.generator(z)).T).exp()
    return _gradient(model, (w @ shares).mean())


def _estimate(model: AlphaBridge, z: Tensor, values: dict[str, Any]) -> Tensor:
    """One draw of the gradient."""
    drawn = model.draw(z)
    temperature = values.get("objective.temperature")
    if temperature is not None:
        return _gradient(model, _reverse(model, drawn.straight_through(temperature)).mean())
    most = values["objective.alternatives"]
    return _gradient(model, drawn.surrogate(lambda x: _reverse(model, x), most).mean())


def _reverse(model: AlphaBridge, x: Tensor) -> Tensor:
    logits = model.logits(x.flatten(0, -2)).unflatten(0, x.shape[:-1])
    return Bridge().reverse(logits, ALPHA)


def _gradient(model: AlphaBridge, loss: Tensor) -> Tensor:
    parameters = [*model.generator.parameters()]
    found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in found])


class Clock(Callback):
    """When each update was done.

    Attributes:
        times: In seconds.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.times: list[float] = []

    def after(self, event: Event) -> None:  # noqa: ARG002
        self.times.append(perf_counter())


def trained(config: Config) -> Outcome:
    """A run, its evaluation at the end, and the median of the seconds of its last updates."""
    since = perf_counter()
    parts, clock = assemble(config), Clock()
    evaluation = build_evaluation(parts.config, parts.source)
    evaluations = Evaluations(evaluation, {config.steps})
    parts.fit(callbacks=[clock, evaluations])
    late = np.diff(clock.times)[config.steps // 2 :]
    record = {
        "config": parts.config.model_dump(mode="json"),
        "evaluations": evaluations.records,
        "seconds_an_update": float(median(late)),
        "seconds": round(perf_counter() - since, 1),
    }
    return Outcome(record)


def ended(run: Record, metric: str) -> float:
    """A metric at the end of a run."""
    row = run["evaluations"][-1]
    return next(float(value) for name, value in row.items() if name.startswith(f"{metric}/"))


def of_way(record: Record, way: str, metric: str) -> list[float]:
    """A metric of all seeds."""
    return [ended(run, metric) for run in record["runs"] if run["method"] == way]


def seconds(record: Record, way: str) -> float:
    """Of an update, the mean over seeds."""
    return fmean(run["seconds_an_update"] for run in record["runs"] if run["method"] == way)


def claims(record: Record) -> list[Claim]:
    """Whether the exact gradient is one, and whether its rival is cheaper, or better in the end.

    Args:
        record: Of :func:`measure`.
    """
    exact = [way for way in WAYS if way.startswith("exact")]
    through = [way for way in WAYS if way not in exact]
    bias = {way: round(of["bias"], 4) for way, of in record["gradients"].items()}
    clear = {way: CLEAR * of["bias_error"] for way, of in record["gradients"].items()}
    cost = {way: round(1e3 * seconds(record, way), 2) for way in WAYS}
    ends = {way: of_way(record, way, "kl") for way in WAYS}
    means = {way: round(fmean(values), 4) for way, values in ends.items()}
    room = max(float(spread(values)) for values in ends.values())
    best = min(means[way] for way in through)
    return [
        Claim("exact: no bias", all(bias[way] <= clear[way] for way in exact), [bias]),
        Claim("straight through: a bias", all(bias[way] > clear[way] for way in through), [bias]),
        Claim(
            "straight through: a cheaper update than by all alternatives",
            max(cost[way] for way in through) < cost["exact, all"],
            [cost],
        ),
        Claim(
            "by all alternatives no further from the data than straight through, within the spread",
            means["exact, all"] <= best + room,
            [means],
        ),
    ]


def draw(record: Record) -> "Figure":
    """Bias and noise of a gradient, and what the runs came to by the seconds of an update."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for way, of in record["gradients"].items():
        color = BLUE if way.startswith("exact") else ORANGE
        left.plot(of["noise"], max(of["bias"], of["bias_error"]), "o", color=color)
        left.annotate(way, (of["noise"], max(of["bias"], of["bias_error"])), fontsize=SMALL)
        values = of_way(record, way, "kl")
        right.plot([1e3 * seconds(record, way)] * len(values), values, "o", ms=4, color=color)
    left.set(xscale="log", yscale="log")
    left.set_xlabel("noise of one estimate, of the gradient's norm", fontsize=SMALL)
    left.set_ylabel("bias, or its standard error", fontsize=SMALL)
    right.set_xlabel("milliseconds an update", fontsize=SMALL)
    right.set_ylabel("KL from held-out rows, nats", fontsize=SMALL)
    for axes in (left, right):
        ruled(axes)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure
