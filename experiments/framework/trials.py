"""Stacked trials that are measured on their way, each of them apart."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from torch import Tensor

from alpha_bridge.errors import Diverged
from alpha_bridge.metrics.evaluation import Evaluation, SampleEvaluation
from alpha_bridge.model import AlphaBridge
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.first_weights import model_of
from alpha_bridge.training import Callback, Event, TrainState
from alpha_bridge.training.state import of_trial

from .plan import Outcome, Plan
from .scores import describe

__all__ = ["POINTS", "TrialMetrics", "follow", "own_scores", "rounded", "stacked"]

POINTS = 1000
"""Samples that are kept of the first trial where a figure shows them."""


def stacked(
    labels: Mapping[str, Any], config: Config, updates: Sequence[int], shown: Sequence[int] = ()
) -> Plan:
    """The plan of a run of stacked trials; the rest is as in :func:`follow`."""
    arguments = {"config": config, "updates": [*updates], "shown": [*shown]}
    return Plan(labels, follow, arguments, describe=describe)


def follow(config: Config, updates: Sequence[int], shown: Sequence[int] = ()) -> Outcome:
    """Train stacked trials from their first weights, and measure the averaged model of each.

    A trial that diverges does not disturb the others. It has failed: from then on its numbers are
    None, and the record says since which of ``updates``.

    Args:
        config: What to train, of one trial or more.
        updates: Numbers of updates done at which to measure, in order.
        shown: Numbers of updates done at which to keep samples of the first trial.

    Returns:
        A record with ``boundaries``, updates done where Steps I and II end; ``updates``;
        ``metrics``, for each name a row for each of ``updates`` with a number for each trial;
        ``failed``, for each trial None or the first of ``updates`` at which it was not finite;
        ``samples`` by the number of updates, where any are ``shown``; and ``seconds``.
    """
    parts = assemble(config)
    evaluation = build_evaluation(parts.config, parts.source)
    measured = TrialMetrics(parts.config, evaluation, updates, shown)
    begin = perf_counter()
    with suppress(Diverged):  # which of the trials did is in ``failed``
        parts.fit(callbacks=[measured])
    return Outcome(
        {
            "boundaries": [*parts.path.boundaries[:-1]],
            "updates": [*updates],
            "metrics": measured.metrics,
            "failed": measured.failed,
            **({"samples": measured.samples} if shown else {}),
            "seconds": round(perf_counter() - begin, 1),
        }
    )


def own_scores(config: Config) -> dict[str, float]:
    """Metrics of as many samples of the data itself: what a perfect model would score."""
    parts = assemble(config)
    evaluation = build_evaluation(parts.config, parts.source)
    assert isinstance(evaluation, SampleEvaluation)
    samples = parts.source.units.normalize(parts.source.training(config.evaluation.samples))
    return {name: round(value, 5) for name, value in evaluation.comparison(samples)[0].items()}


class TrialMetrics(Callback):
    """Measures the trials of a run after chosen updates.

    Attributes:
        metrics: For each name a row for each update that was measured, a number for each trial.
        failed: For each trial None, or the first of those updates at which it was not finite.
        samples: Some of the first trial, by the number of updates, as text for JSON.
    """

    def __init__(
        self,
        config: Config,
        evaluation: Evaluation,
        updates: Sequence[int],
        shown: Sequence[int] = (),
    ) -> None:
        """Take what is trained, what measures it, and after which updates."""
        self.config, self.evaluation = config, evaluation
        self.updates, self.shown = frozenset(updates), frozenset(shown)
        self.metrics: dict[str, list[list[float | None]]] = {}
        self.failed: list[int | None] = [None] * config.trials
        self.samples: dict[str, list[list[float]]] = {}

    def after(self, event: Event) -> None:
        if event.step not in self.updates | self.shown:
            return
        models = [*_finite_trials(event.state, self.config)]
        self.failed = [
            event.step if since is None and model is None else since
            for since, model in zip(self.failed, models, strict=True)
        ]
        measured = [model and self.evaluation(model, {}) for model in models]
        if event.step in self.updates:
            self._keep([found.metrics if found else {} for found in measured], event.step)
        if event.step in self.shown and measured[0]:
            self.samples[str(event.step)] = rounded(measured[0].samples[:POINTS])

    def _keep(self, trials: Sequence[dict[str, float]], step: int) -> None:
        done = [update for update in sorted(self.updates) if update < step]
        for name in dict.fromkeys([*self.metrics, *(name for found in trials for name in found)]):
            missing: list[list[float | None]] = [[None] * len(trials) for _ in done]
            rows = self.metrics.setdefault(name, missing)
            rows.append([_number(found.get(name)) for found in trials])


def _finite_trials(state: TrainState, config: Config) -> Iterator[AlphaBridge | None]:
    """The averaged model of each trial, None for one with a tensor that is not finite."""
    tensors = state.tensors()
    for trial, single in enumerate(config.singles):
        own = of_trial(tensors, trial) if config.trials > 1 else tensors
        finite = all(value.isfinite().all() for part in own.values() for value in part.values())
        yield model_of(single, own) if finite else None


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 5)


def rounded(points: Tensor) -> list[list[float]]:
    """Points as they stand in JSON, to three decimals."""
    return [[round(value, 3) for value in point] for point in points.tolist()]
