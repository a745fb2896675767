"""Several methods on the same data, each run evaluated after the same updates."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from statistics import fmean
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from alpha_bridge.checks import at_least
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.metrics.evaluation import Evaluation, ReconstructionEvaluation
from alpha_bridge.metrics.image_quality import reconstruction_error
from alpha_bridge.model import AlphaBridge
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.assembly import Assembly, assemble, build_evaluation
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.plots.records import Array
from alpha_bridge.training import Callback, Event, TrainState

from .plan import Outcome, Plan, Record
from .study import Study

__all__ = [
    "Evaluations",
    "chosen",
    "compare",
    "configurations",
    "due",
    "ends",
    "evaluate",
    "last",
    "last_means",
    "measured",
    "metric_names",
    "preset_on",
]

Settings = Mapping[str, Mapping[str, Any]]
"""By method, what it changes in a preset before the method is applied to it."""


def preset_on(base: str, data: str | None) -> Config:
    """The preset ``base``, on the images of ``data`` in place of its own if any are given."""
    preset = PRESETS[base]
    return preset if data is None else changed(preset, {"data": data})


def configurations(
    preset: Config, settings: Settings, seed: int, trials: int
) -> Iterator[tuple[str, Config]]:
    """Each method with each seed: all methods with the first one, then with the next.

    Args:
        preset: What the methods have in common.
        settings: By name, what it changes in the preset; ``method`` is the name, unless it is
            among that.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method, one or more.
    """
    for trial in range(at_least(1, "trials", trials)):
        for name, values in settings.items():
            own = {"method": name, **values, "seed": seed + trial}
            method = METHODS[own.pop("method")]
            yield name, method.apply(changed(preset, own))


def ends(config: Config) -> tuple[int, int, int]:
    """Updates done at the ends of Steps I, II and III."""
    first, second, third = config.path.lengths(config.steps)
    return first, first + second, first + second + third


def due(*configs: Config) -> set[int]:
    """Updates after which all methods are measured: the evaluations and ends of steps of these."""
    every = {
        step for c in configs for step in range(c.evaluation.every, c.steps + 1, c.evaluation.every)
    }
    return every.union(step for config in configs for step in ends(config) if step)


class Evaluations(Callback):
    r"""Evaluates the averaged model after chosen updates, under fixed latents.

    Beside the metrics of the evaluation it measures the drift of reconstructions since the end of
    Step I, :math:`E_x \|\hat x_t - \hat x_I\|^2 / d` over held-out x, where there is a Step I.
    Where the discriminator sees reconstructions, it is the drift since the first evaluation, which
    is of the autoencoder that training begins with, and that of the latents' means is another.

    Attributes:
        records: One for each: ``step``, ``phase``, ``alpha``, ``gamma`` and metrics.
        samples: Of the same latents by the number of updates done, as runs keep them.
        model: What was evaluated last.
    """

    def __init__(self, evaluation: Evaluation, steps: Collection[int]) -> None:
        """Take what evaluates, and after which updates; 0 is before the first."""
        self.evaluation, self.steps = evaluation, steps
        self.records: list[Record] = []
        self.samples: dict[int, Array] = {}
        self.model: AlphaBridge | None = None
        self._reference: dict[str, Tensor] | None = None

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        if state.step in self.steps:  # what training begins with, such as a trained VAE
            where = {"step": state.step, "phase": "ml", "alpha": 0.0, "gamma": 0.0}
            self._evaluate(state, where, reference=True)
        return nullcontext()

    def after(self, event: Event) -> None:
        if event.step in self.steps:
            event.state.require_finite()
            where = {key: getattr(event, key) for key in ("step", "phase", "alpha", "gamma")}
            self._evaluate(event.state, where, event.in_step_one)

    def _evaluate(self, state: TrainState, where: Record, reference: bool) -> None:
        self.model = state.averaged()
        measured = self.evaluation(self.model, state.memory, reference)
        drifting = {"drift": measured.pairs[1]}
        if isinstance(self.evaluation, ReconstructionEvaluation):
            reference = self._reference is None
            x = self.evaluation.held_out[: len(measured.pairs[1])]
            with torch.no_grad():
                drifting["latent_drift"] = self.model.encode(x.to(self.model.sigma)).cpu()
        if reference:
            self._reference = drifting
        self.records.append({**where, **measured.metrics, **self._drift(drifting, reference)})
        self.samples[where["step"]] = self.evaluation.source.units.stored(measured.samples)

    def _drift(self, drifting: dict[str, Tensor], reference: bool) -> dict[str, float]:
        if reference or self._reference is None:
            return {}
        return {
            f"{name}/mse/{len(now)}": float(reconstruction_error(before, now, now.ndim - 1))
            for (name, now), before in zip(drifting.items(), self._reference.values(), strict=True)
            if len(now)
        }


Finish = Callable[[Evaluations], Outcome]
"""From the evaluations of a run that has ended to what is added to its last evaluation's metrics,
and to the samples that are kept. A module's function, or one with arguments filled in."""


Build = Callable[[Assembly], Evaluation]
"""From what trains a configuration to what measures it; a module's function, as before."""


def configured(parts: Assembly) -> Evaluation:
    """The evaluation that the configuration asks for."""
    return build_evaluation(parts.config, parts.source, prior=parts.prior)


def chosen(
    evaluations: Evaluations, steps: Collection[int] | None = None, count: int | None = None
) -> Outcome:
    """The first ``count`` samples after some updates, or after all that were evaluated."""
    kept = {
        step: samples[:count]
        for step, samples in evaluations.samples.items()
        if steps is None or step in steps
    }
    return Outcome({}, {"": kept})


def evaluate(
    config: Config, steps: Collection[int], finish: Finish, build: Build = configured
) -> Outcome:
    """Train one configuration, and evaluate it on the way.

    Args:
        config: What to train.
        steps: Numbers of updates done after which it is evaluated; 0 for before them.
        finish: What is kept beside the evaluations.
        build: What measures.

    Returns:
        A record with the whole configuration, evaluations, seconds, and what ``finish`` adds: its
        ``metrics`` go to the last evaluation, all else to the record.
    """
    since = perf_counter()
    parts = assemble(config)
    evaluations = Evaluations(build(parts), frozenset(steps))
    parts.fit(callbacks=[evaluations])
    seconds = round(perf_counter() - since, 1)
    added = finish(evaluations)
    record = {
        "config": parts.config.model_dump(mode="json"),
        "evaluations": evaluations.records,
        "seconds": seconds,
        **added.record,
    }
    evaluations.records[-1] |= record.pop("metrics", {})
    return Outcome(record, added.samples)


def compare(
    study: Study,
    configs: Sequence[tuple[str, Config]],
    steps: Collection[int],
    finish: Finish = chosen,
    build: Build = configured,
) -> dict[str, Any]:
    """Train methods with several seeds, and evaluate all of them after the same updates.

    Args:
        study: Trains them. It keeps the samples of the first run of each method.
        configs: Methods, and what trains each of them.
        steps: Numbers of updates done after which they are evaluated; 0 for before them.
        finish: As in :func:`evaluate`.
        build: As there.

    Returns:
        ``runs``, each with its method and seed beside what :func:`evaluate` gives, and ``last``.
    """
    plans: list[Plan] = []
    for name, config in configs:
        first = all(plan.labels["method"] != name for plan in plans)
        labels = {"method": name, "seed": config.seed}
        arguments: dict[str, Any] = {"config": config, "steps": sorted(steps), "finish": finish}
        if build is not configured:
            arguments["build"] = build
        plans.append(Plan(labels, evaluate, arguments, name if first else None, _describe))
    runs = study.train(plans)
    return {"runs": runs, "last": last(runs)}


def _describe(run: Record) -> str:
    row = run["evaluations"][-1]
    metrics = (f"{key.split('/')[0]} {row[key]:.4g}" for key in row if key.count("/") == 2)
    return f"{'  '.join(metrics)}  ({run['seconds']:.0f} s)"


def last(runs: Sequence[Record]) -> dict[str, dict[str, dict[str, float]]]:
    """By method and metric, mean and spread over trials at the end of training."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        of_method = found.setdefault(run["method"], {})
        for name, value in run["evaluations"][-1].items():
            if name.count("/") == 2:
                of_method.setdefault(name, []).append(value)
    return {
        method: {
            name: {"mean": fmean(values), "std": float(spread(values))}
            for name, values in metrics.items()
        }
        for method, metrics in found.items()
    }


def last_means(record: Record, metric: str) -> dict[str, float]:
    """By method, the mean of a metric at the end, for those that have it.

    Args:
        record: With ``last``.
        metric: The beginning of its name, such as ``retention`` or
            ``reconstruction_error/mse-generated``.
    """
    return {
        method: round(of[name]["mean"], 5)
        for method, of in record["last"].items()
        for name in of
        if name.startswith(f"{metric}/")
    }


def measured(row: Mapping[str, Any], metric: str) -> Any:  # noqa: ANN401
    """The value of a metric in an evaluation, whatever its protocol; None without one."""
    return next((value for name, value in row.items() if name.startswith(f"{metric}/")), None)


def metric_names(record: Mapping[str, Any], *metrics: str) -> list[str]:
    """Whole names of ``metrics`` in a record, in the order in which they are asked for."""
    rows = [row for run in record["runs"] for row in run["evaluations"]]
    found = dict.fromkeys(name for row in rows for name in row)
    return [name for metric in metrics for name in found if name.split("/")[0] == metric]
