"""Runs of several methods on the same data, watched from the same updates."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from torch import Tensor

from ..assembly import assemble
from ..checks import at_least
from ..config import Config, changed
from ..data import Units
from ..evaluation import RETENTION, Evaluation, build_evaluation
from ..methods import METHODS
from ..metrics.images import reconstruction_error
from ..plots.records import Array
from ..training import Callback, Event

__all__ = ["Watch", "configurations", "ends", "last", "watch", "write"]

Record = dict[str, Any]
Settings = Mapping[str, Mapping[str, Any]]
"""By method, what it changes in a preset before the method is applied to it."""


def configurations(
    preset: Config, settings: Settings, seed: int, trials: int
) -> Iterator[tuple[str, Config]]:
    """Each method with each seed: all methods with the first one, then with the next.

    Args:
        preset: What the methods have in common.
        settings: By method, what it changes in the preset.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method, one or more.

    Raises:
        ValueError: ``trials`` is below one, or a setting is out of its range.
    """
    for trial in range(at_least(1, "trials", trials)):
        for name, values in settings.items():
            yield name, METHODS[name].apply(changed(preset, {**values, "seed": seed + trial}))


def ends(config: Config) -> tuple[int, int, int]:
    """Updates done at the ends of Steps I, II and III."""
    first, second, third = config.path.lengths(config.steps)
    return first, first + second, first + second + third


class Watch(Callback):
    r"""Measures the averaged model after chosen updates, under fixed latents.

    Beside the metrics of the evaluation it measures the drift of reconstructions since the end of
    Step I, :math:`E_x \|\hat x_t - \hat x_I\|^2 / d` over held-out x, where there is a Step I.

    Attributes:
        evaluations: A record for each: ``step``, ``phase``, ``alpha``, ``gamma`` and metrics.
        shown: Samples of the same latents by the number of updates done, as runs keep them.
        labels: Classes that the end of Step I gave to all latents; None without.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        steps: Collection[int],
        tell: Callable[["Watch"], None] = lambda _: None,
    ) -> None:
        """Set it up.

        Args:
            evaluation: What measures.
            steps: Numbers of updates done after which it does.
            tell: Called after each evaluation.
        """
        self.evaluation, self.steps, self.tell = evaluation, steps, tell
        self.evaluations: list[Record] = []
        self.shown: dict[int, Array] = {}
        self.labels: Array | None = None
        self._reference: Tensor | None = None

    def after(self, event: Event) -> None:
        if event.step not in self.steps:
            return
        event.state.require_finite()
        model, memory = event.state.averaged(), event.state.memory
        measured = self.evaluation(model, memory, event.phase)
        where = {
            "step": event.step,
            "phase": event.phase,
            "alpha": event.alpha,
            "gamma": event.gamma,
        }
        drift = self._drift(measured.pairs[1], event.phase)
        self.evaluations.append({**where, **measured.metrics, **drift})
        self.shown[event.step] = stored(self.evaluation.source.units, measured.shown)
        if RETENTION in memory:
            self.labels = memory[RETENTION].numpy()
        self.tell(self)

    def _drift(self, decoded: Tensor, phase: str) -> dict[str, float]:
        if phase == "ml":
            self._reference = decoded
        if phase == "ml" or self._reference is None or not len(decoded):
            return {}
        drift = reconstruction_error(self._reference, decoded, decoded.ndim - 1)
        return {f"drift/mse/{len(decoded)}": float(drift)}


def watch(
    config: Config, steps: Collection[int], tell: Callable[[Watch], None] = lambda _: None
) -> Watch:
    """Train what ``config`` names and watch it.

    Args:
        config: The configuration.
        steps: Numbers of updates done after which the model is measured.
        tell: Called after each evaluation.

    Returns:
        What was seen.
    """
    parts = assemble(config)
    watched = Watch(build_evaluation(parts.config, parts.source), steps, tell)
    parts.fit(callbacks=[watched])
    return watched


def stored(units: Units, x: Tensor) -> Array:
    """Samples in model units as runs keep them: uint8 (N, H, W, C) or float32 (N, D)."""
    kept = units.denormalize(x)
    array: Array = (kept.permute(0, 2, 3, 1) if kept.ndim == 4 else kept).contiguous().numpy()
    return array


def last(record: Record) -> dict[str, dict[str, dict[str, float]]]:
    """By method and metric, mean and standard deviation over trials at the end of training."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in record["runs"]:
        of_method = found.setdefault(run["method"], {})
        for name, value in run["evaluations"][-1].items():
            if name.count("/") == 2:
                of_method.setdefault(name, []).append(value)
    return {
        method: {
            name: {"mean": fmean(values), "std": pstdev(values)} for name, values in metrics.items()
        }
        for method, metrics in found.items()
    }


def write(record: Record, path: Path) -> None:
    """Write a record that is whole or not there, in place of the one before."""
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)
