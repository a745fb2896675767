"""Training that is measured on its way, each stacked trial apart: what all curves are made of."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from torch import Tensor

from alpha_bridge.errors import Diverged
from alpha_bridge.metrics.evaluation import Evaluation
from alpha_bridge.model import AlphaBridge
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.builders import Assembly, assemble, build_evaluation, model_of
from alpha_bridge.training import Callback, Event, TrainState
from alpha_bridge.training.stacking import of_trial

__all__ = ["Watch", "follow", "own_scores", "rounded", "watched"]

Record = dict[str, Any]
POINTS = 1000
"""Samples that are kept of the first trial where a figure shows them."""


def follow(config: Config, updates: Sequence[int], shown: Sequence[int] = ()) -> Record:
    """Train ``config`` from its first weights; the rest is as in :func:`watched`."""
    return watched(assemble(config), updates, shown)


def watched(parts: Assembly, updates: Sequence[int], shown: Sequence[int] = ()) -> Record:
    """Train stacked trials, and measure the averaged model of each on the way.

    A trial that diverges does not disturb the others. It has failed: from then on its numbers are
    None, and the record says since which of ``updates``.

    Args:
        parts: What to train, of one trial or more; its model is trained in place.
        updates: Numbers of updates done at which to measure, in order.
        shown: Numbers of updates done at which to keep samples of the first trial.

    Returns:
        ``boundaries``, updates done where Steps I and II end; ``updates``; ``metrics``, for each
        name a row for each of ``updates`` with a number for each trial; ``failed``, for each
        trial None or the first of ``updates`` at which it was not finite; ``samples`` by the
        number of updates, where any are ``shown``; and ``seconds``.
    """
    watch = Watch(parts.config, build_evaluation(parts.config, parts.source), updates, shown)
    begin = perf_counter()
    with suppress(Diverged):  # the watch has seen which of the trials
        parts.fit(callbacks=[watch])
    return {
        "boundaries": [*parts.path.boundaries[:-1]],
        "updates": [*updates],
        "metrics": watch.metrics,
        "failed": watch.failed,
        **({"samples": watch.samples} if shown else {}),
        "seconds": round(perf_counter() - begin, 1),
    }


def own_scores(config: Config) -> dict[str, float]:
    """Metrics of as many samples of the data itself: what a perfect model would score."""
    parts = assemble(config)
    compare = build_evaluation(parts.config, parts.source).comparison
    samples = parts.source.units.normalize(parts.source.training(config.evaluation.samples))
    return {name: round(value, 5) for name, value in compare(samples)[0].items()}


class Watch(Callback):
    """Measures the trials of a run where it is told to.

    Attributes:
        metrics: For each name a row for each update that was measured, a number for each trial.
        failed: For each trial None, or the first of those updates at which it was not finite.
        samples: Some of the first trial, by the number of updates, as strings for JSON.
    """

    def __init__(
        self,
        config: Config,
        evaluation: Evaluation,
        updates: Sequence[int],
        shown: Sequence[int] = (),
    ) -> None:
        """Set it up.

        Args:
            config: The configuration that is trained, with the shape of its samples.
            evaluation: What measures.
            updates: Numbers of updates done at which to measure.
            shown: Numbers of updates done at which to keep samples of the first trial.
        """
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
