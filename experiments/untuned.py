"""The defaults that nobody tuned, beside ramps that were searched for, on data that share nothing.

On every set all methods have the same networks, the same number of updates and the same averages.
``defaults`` is the dial at 0.9, with everything decided from the data. ``searched`` is the fixed
ramp of Algorithm 1 at the best of eight settings: a quarter of a factorial design in five factors
of two levels, balanced in each and in each pair, at a third of the updates; the best two of them at
all updates, and of these the better one, both with the first seed. The baselines have the defaults
without the bridge.

Then each setting that a ramp has to have right is made wrong, for the defaults and for the searched
ramp: a run survives if it ends with all modes of a density, or with at most one and a half times
the Fréchet distance that it has undisturbed. All methods begin again with half their rates where
they diverge, three times at most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from math import inf
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING, Any

from alpha_bridge.errors import Diverged
from alpha_bridge.metrics.definition import METRICS
from alpha_bridge.recipe import Config, changed, value_of
from alpha_bridge.recipe.assembly import Assembly, assemble, build_evaluation
from alpha_bridge.recipe.decided import dialled
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH, ruled
from alpha_bridge.runs.rollback import half_rates

from .framework import Claim, Outcome, Plan, Record, Study
from .framework.evaluations import Evaluations, measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESIGN", "SETS", "claims", "draw", "measure", "summary"]

Values = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """A set: where it lies, in a folder of sets or on the hub, and how long it is trained."""

    hub: str
    steps: int
    folder: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


_IMAGES = {"evaluation.samples": 2500}
"""Half the samples that a run of its own would have."""
SETS: Mapping[str, Data] = {
    "25 Gaussians": Data("gaussians25", 3000, values={"evaluation.samples": 5000}),
    "spirals": Data("spirals", 3000, values={"evaluation.samples": 5000}),
    "digits": Data("digits", 1200, values=_IMAGES | {"evaluation.samples": 1000}),
    "MNIST": Data("ylecun/mnist", 1000, "mnist", _IMAGES | {"images.size": 28}),
    "CIFAR-10, grey": Data(
        "uoft-cs/cifar10", 1200, "cifar10", _IMAGES | {"images.size": 16, "images.channels": 1}
    ),
    "faces": Data("flwrlabs/celeba", 700, "celeba", _IMAGES | {"images.size": 32}),
}
"""A mixture with a grid of modes and one along curves; digits of two sizes; things, small and
grey; faces in colour."""

FACTORS: Mapping[str, tuple[Values, Values]] = {
    "rate": tuple(  # type: ignore[dict-item]
        {f"optimization.{network}": rate for network in ("generator", "encoder", "discriminator")}
        for rate in (1e-3, 3e-3)
    ),
    "σ": ({"model.noise": 0.3}, {"model.noise": 1.0}),
    "R1": ({"regularizer.weight": 0.2}, {"regularizer.weight": 1.0}),
    "end": (
        {"path.end": 0.9, "gamma.c": 12.0, "gamma.d": -6.0},
        {"path.end": 1.0, "gamma.c": 10.0, "gamma.d": -5.0},
    ),
    "ramp": (
        {"path.ml": 0.2, "path.transfer": 0.1, "path.adversarial": 0.7},
        {"path.ml": 0.2, "path.transfer": 0.5, "path.adversarial": 0.3},
    ),
}
"""What is searched, at two levels each."""

DESIGN: tuple[tuple[int, ...], ...] = tuple(
    (a, b, c, a ^ b, a ^ c) for a, b, c in product((0, 1), repeat=3)
)
"""Levels of the factors in each of the eight settings."""

RAMP: Values = {
    "path.kind": "ramp",
    "gamma.kind": "sigmoid",
    "model.noise_course": "fixed",
    "objective.normalized": False,
}
"""Algorithm 1 as the paper has it."""
BASELINES = ("naive", "rkl-gp", "ml")
FULL = 2
"""Settings that are trained at all updates."""

WITHIN, KEPT = 1.1, 0.02
"""How many times the searched ramp's distance, and how much less retention, is still as good."""
SURVIVES = 1.5
SHARE = 0.9
COLORS = ("#2f6bd8", "#777777", "#cf6a17", "#2a8f5a", "#8a4fbe")
PROTOCOLS = ("frechet_distance", "log_likelihood", "retention", "reconstruction_error", "modes")


def _base(name: str, data: str | None, quick: bool) -> Config:
    """What all methods have in common on a set."""
    of = SETS[name]
    place = of.hub if of.folder is None or data is None else str(Path(data) / of.folder)
    steps = of.steps // 20 if quick else of.steps
    values = {"data": place, "steps": steps, "evaluation.every": steps, **of.values}
    if quick:
        values["evaluation.samples"] = 200
    return dialled(changed(Config(), values))


def _ramp(base: Config, levels: tuple[int, ...]) -> Config:
    values: Values = dict(RAMP)
    for factor, level in zip(FACTORS.values(), levels, strict=True):
        values |= factor[level]
    return changed(base, values)


def train(config: Config, narrow: bool = False) -> Outcome:
    """Train, and measure at the end of Step I and of the run.

    From networks that are not finite it begins again with half the rates, as a run of its own does
    that has no checkpoint yet.

    Args:
        config: What to train.
        narrow: Whether the discriminator has half the width of the other networks.

    Returns:
        A record with ``decided``, the values that were; ``evaluations``; ``rollbacks``, how often
        it began again; ``failed``, whether it diverged in the end; and ``seconds``.
    """
    since, rollbacks, parts = perf_counter(), 0, assemble(config)
    while (evaluations := _fit(parts, narrow)) is None and rollbacks < config.watch.rollbacks:
        rollbacks += 1
        parts = assemble(changed(parts.config, half_rates(parts.config)))
    return Outcome(
        {
            "decided": {key: value_of(parts.config, key) for key in parts.config.decided},
            "evaluations": evaluations or [],
            "rollbacks": rollbacks,
            "failed": evaluations is None,
            "seconds": round(perf_counter() - since, 1),
        }
    )


def _fit(parts: Assembly, narrow: bool) -> list[Record] | None:
    """Evaluations at the end of Step I and of the run; None of networks that are not finite."""
    config, model = parts.config, parts.model
    if narrow:
        half = replace(
            config.model,
            width=max(1, config.model.width // 2),
            hidden=tuple(max(1, size // 2) for size in config.model.hidden),
        )
        model.discriminator = build_model(config.model_copy(update={"model": half})).discriminator
    due = {parts.path.boundaries[0], config.steps}
    evaluations = Evaluations(build_evaluation(config, parts.source), due)
    try:
        parts.fit(callbacks=[evaluations])
    except Diverged:
        return None
    return evaluations.records


def _describe(run: Record) -> str:
    if run["failed"]:
        return f"diverged  ({run['seconds']:.0f} s)"
    row = run["evaluations"][-1]
    found = ((metric, measured(row, metric)) for metric in PROTOCOLS)
    text = "  ".join(f"{metric} {value:.4g}" for metric, value in found if value is not None)
    return f"{text}  α {row['alpha']:.2f}  ({run['seconds']:.0f} s)"


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train all methods on every set, 3 trials; ``data`` is a folder with a folder for each set.

    The miniature has the mixture and the digits, one trial, a twentieth of the updates and no
    settings that are made wrong but the rates.
    """
    trials = trials or (1 if quick else 3)
    seeds = [seed + trial for trial in range(trials)]
    names = [name for name, of in SETS.items() if not quick or of.folder is None]
    bases = {name: _base(name, data, quick) for name in names}
    runs = study.train([*_search(bases, seed)])
    best = {name: _best(runs, name, FULL) for name in names}
    runs += study.train([*_whole(bases, best, seeds[:1])])
    chosen_ramp = {name: _winner(runs, name) for name in names}
    winners = {name: [levels] for name, levels in chosen_ramp.items()}
    runs += study.train([*_whole(bases, winners, seeds[1:])])
    runs += study.train([*_broken(bases, chosen_ramp, seed, quick)])
    record: Record = {
        "experiment": "untuned",
        "quick": quick,
        "seed": seed,
        "trials": trials,
        "factors": {name: [*levels] for name, levels in FACTORS.items()},
        "searched": {name: list(levels) for name, levels in chosen_ramp.items()},
        "runs": runs,
    }
    record["summary"] = summary(record)
    return record


def _plan(name: str, method: str, config: Config, narrow: bool = False, **labels: Any) -> Plan:  # noqa: ANN401
    named = {"set": name, "method": method, **labels, "seed": config.seed}
    return Plan(named, train, {"config": config, "narrow": narrow}, describe=_describe)


def _search(bases: Mapping[str, Config], seed: int) -> Iterator[Plan]:
    for name, base in bases.items():
        short = changed(base, {"seed": seed, "steps": base.steps // 3})
        for levels in DESIGN:
            yield _plan(name, "search", _ramp(short, levels), levels=list(levels))


def _whole(
    bases: Mapping[str, Config], ramps: Mapping[str, list[tuple[int, ...]]], seeds: list[int]
) -> Iterator[Plan]:
    """All methods at all updates."""
    for name, base in bases.items():
        for seed in seeds:
            own = changed(base, {"seed": seed})
            yield _plan(name, "defaults", own)
            for levels in ramps[name]:
                yield _plan(name, "ramp", _ramp(own, levels), levels=list(levels))
            for method in BASELINES:
                yield _plan(name, method, METHODS[method].apply(own))


BREAKING = ("rates × 4", "penalty ÷ 10", "σ ÷ 4", "batch ÷ 4", "half the discriminator")
"""What is made wrong."""


def _wrong(config: Config, how: str) -> Config:
    """The configuration with one thing wrong; a narrow discriminator is left to training."""
    optimization = config.optimization
    return changed(
        config,
        {
            "rates × 4": {
                f"optimization.{network}": 4 * getattr(optimization, network)
                for network in ("generator", "encoder", "discriminator")
            },
            "penalty ÷ 10": {"regularizer.weight": config.regularizer.weight / 10},
            "σ ÷ 4": {"model.noise": (config.model.noise or 1.0) / 4},
            "batch ÷ 4": {"batch_size": max(1, config.batch_size // 4)},
        }.get(how, {}),
    )


def _broken(
    bases: Mapping[str, Config],
    ramps: Mapping[str, tuple[int, ...]],
    seed: int,
    quick: bool,
) -> Iterator[Plan]:
    """At a third of the updates and the first seed: both as they are, and with each thing wrong."""
    for name, base in bases.items():
        short = changed(base, {"seed": seed, "steps": base.steps // 3})
        for method, config in (("defaults", short), ("ramp", _ramp(short, ramps[name]))):
            decided = assemble(config).config
            for how in ("", *(BREAKING[:1] if quick else BREAKING)):
                wrong = _wrong(decided, how) if how else config
                narrow = how == BREAKING[-1]
                yield _plan(name, method, wrong, narrow, broken=how or "nothing")


def _score(run: Record) -> float:
    """Lower is better: the Fréchet distance, or of a density the negative log-likelihood."""
    if run["failed"]:
        return inf
    last = run["evaluations"][-1]
    distance = measured(last, "frechet_distance")
    return float(-measured(last, "log_likelihood") if distance is None else distance)


def _best(runs: list[Record], name: str, count: int) -> list[tuple[int, ...]]:
    own = [run for run in runs if run["set"] == name and run["method"] == "search"]
    return [tuple(run["levels"]) for run in sorted(own, key=_score)[:count]]


def _winner(runs: list[Record], name: str) -> tuple[int, ...]:
    """Of the settings that were trained at all updates, the better one."""
    own = [run for run in runs if run["set"] == name and run["method"] == "ramp"]
    return tuple(min(own, key=_score)["levels"])


def summary(record: Record) -> dict[str, Record]:
    """What became of each set.

    Args:
        record: With ``runs`` and ``searched``.

    Returns:
        By set: ``methods``, for each the metrics at the end, of each trial; ``survived``, for the
        defaults and for the searched ramp the share of runs with something wrong that survived, and
        by what was wrong how many of how many.
    """
    found: dict[str, Record] = {}
    for name, levels in record["searched"].items():
        own = [run for run in record["runs"] if run["set"] == name]
        whole = [run for run in own if "broken" not in run and run["method"] != "search"]
        ramps = [run for run in whole if run.get("levels") == levels]
        methods = {"defaults": [], "searched": ramps, **{method: [] for method in BASELINES}}
        for run in whole:
            if run["method"] in methods:
                methods[run["method"]].append(run)
        found[name] = {
            "methods": {
                method: {metric: _last(runs, metric) for metric in PROTOCOLS}
                for method, runs in methods.items()
            },
            "survived": {
                method: _survival([run for run in own if "broken" in run], method)
                for method in ("defaults", "ramp")
            },
        }
    return found


def _last(runs: list[Record], metric: str) -> list[float | None]:
    """A metric at the end of each trial; None for one that diverged or has none."""
    rows = [{} if run["failed"] else run["evaluations"][-1] for run in runs]
    return [measured(row, metric) for row in rows]


def _survival(runs: list[Record], method: str) -> Record:
    own = [run for run in runs if run["method"] == method]
    sound = {run["seed"]: run for run in own if run["broken"] == "nothing"}
    fates: dict[str, list[bool]] = {}
    for run in own:
        if run["broken"] != "nothing":
            fates.setdefault(run["broken"], []).append(_survives(run, sound[run["seed"]]))
    every = [fate for of in fates.values() for fate in of]
    return {"share": fmean(every), **{how: [sum(of), len(of)] for how, of in fates.items()}}


def _survives(run: Record, sound: Record) -> bool:
    """All modes of a density; of images a distance that is not much larger than undisturbed."""
    if run["failed"] or sound["failed"]:
        return False
    modes = measured(run["evaluations"][-1], "modes")
    if modes is not None:
        return bool(modes >= measured(sound["evaluations"][-1], "modes"))
    return _score(run) <= SURVIVES * _score(sound)


def claims(record: Record) -> list[Claim]:
    """Whether the defaults are as good as what was searched for, on every set, by the means.

    Args:
        record: With ``summary``.
    """
    found = []
    for name, of in record["summary"].items():
        means = {method: _means(metrics) for method, metrics in of["methods"].items()}
        mine, best = means["defaults"], means["searched"]
        if "frechet_distance" in mine:
            score = "frechet_distance"
            about = f"{name}: the distance is within a tenth of the searched ramp's"
            near = mine[score] <= WITHIN * best[score]
        else:  # a log-likelihood may be negative: a tenth of it in nats
            score = "log_likelihood"
            about = f"{name}: the log-likelihood is within a tenth of a nat of the searched ramp's"
            near = mine[score] >= best[score] - 0.1
        found.append(Claim(about, near, [_of_each(means, score)]))
        for metric, sign in (("retention", 1), ("reconstruction_error", -1)):
            if metric in mine and metric in best:
                room = KEPT if metric == "retention" else WITHIN * best[metric] - best[metric]
                about = f"{name}: its {metric.replace('_', ' ')} is no worse"
                holds = sign * mine[metric] >= sign * best[metric] - room
                found.append(Claim(about, holds, [_of_each(means, metric)]))
    shares = {
        method: fmean(of["survived"][method]["share"] for of in record["summary"].values())
        for method in ("defaults", "ramp")
    }
    about = "at least nine in ten of the settings that are made wrong are survived"
    return [*found, Claim(about, shares["defaults"] >= SHARE, [shares])]


def _of_each(means: Mapping[str, Mapping[str, float]], metric: str) -> dict[str, float]:
    """A metric of each method that has it."""
    return {method: own[metric] for method, own in means.items() if metric in own}


def _means(metrics: Mapping[str, list[float | None]]) -> dict[str, float]:
    """The mean of each metric that all trials have."""
    whole = {metric: [v for v in of if v is not None] for metric, of in metrics.items()}
    return {m: fmean(v) for m, v in whole.items() if v and len(v) == len(metrics[m])}


def draw(record: Record) -> "Figure":
    """For each set its score by method, a point for each trial; and what was survived."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    sets = record["summary"]
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots(2, len(sets), squeeze=False)
    for column, (name, of) in enumerate(sets.items()):
        top, bottom = axes[:, column]
        distance = any(of["methods"]["defaults"]["frechet_distance"])
        metric = "frechet_distance" if distance else "log_likelihood"
        for place, (method, metrics) in enumerate(of["methods"].items()):
            values = [value for value in metrics[metric] if value is not None]
            top.plot([place] * len(values), values, "o", ms=4, color=COLORS[place], label=method)
        top.set_title(name, fontsize=TEXT)
        top.set_ylabel(METRICS[metric].label, fontsize=SMALL)
        top.set_xticks([])
        if distance:
            top.set_yscale("log")
            top.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            top.yaxis.set_major_formatter("{x:g}")
            top.yaxis.set_minor_formatter(NullFormatter())
        shares = [of["survived"][method]["share"] for method in ("defaults", "ramp")]
        bottom.bar(["defaults", "ramp"], shares, color=COLORS[:2])
        bottom.set_ylim(0, 1)
        bottom.set_ylabel("survived", fontsize=SMALL)
        for panel in (top, bottom):
            ruled(panel)
    named = axes[0, 0].get_legend_handles_labels()
    figure.legend(*named, frameon=False, fontsize=SMALL, ncols=5, loc="outside upper center")
    if record["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure
