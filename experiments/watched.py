"""Runs of several methods on the same data, watched from the same updates."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING, Any

from torch import Tensor

from alpha_bridge.checks import at_least
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.metrics.evaluation import Evaluation
from alpha_bridge.metrics.image_quality import reconstruction_error
from alpha_bridge.model import AlphaBridge
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.builders import assemble, build_evaluation
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.plots import save_figure
from alpha_bridge.runs.plots.records import Array
from alpha_bridge.training import Callback, Event, TrainState

from .files import Samples, ended_runs, keep_samples, key_of, partial_of, resumed_samples, write
from .runs import Tell, silent, spread_out
from .scores import Claim, verdicts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Begun",
    "Watch",
    "compared",
    "configurations",
    "due",
    "ends",
    "last",
    "last_means",
    "pictured",
    "preset_on",
    "train_ahead",
]

Record = dict[str, Any]
Settings = Mapping[str, Mapping[str, Any]]
"""By method, what it changes in a preset before the method is applied to it."""
Begun = tuple[Path | None, list[Record]]
"""The checkpoint that a run goes on from, if any, and its evaluations up to there."""


def preset_on(base: str, data: str | None) -> Config:
    """The preset of an experiment on images, with other images in place of its own if given.

    Args:
        base: Name of the preset.
        data: A hub id, a folder or a file of images; None for the preset's.
    """
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

    Yields:
        The name and what trains it.

    Raises:
        ValueError: ``trials`` is below one, or a setting is out of its range.
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


def compared(
    record: Record,
    configs: Iterable[tuple[str, Config]],
    steps: Collection[int],
    path: Path,
    tell: Tell = silent,
    begin: Callable[[Config], Begun] = lambda _: (None, []),
) -> Iterator[tuple[str, "Watch | None"]]:
    """Train one configuration after the other, and keep what is seen.

    What an interrupted experiment has left beside ``path`` is not trained again.

    Args:
        record: What is written as JSON after each evaluation: ``runs`` is added to it, each with
            its method, seed, whole configuration, evaluations and seconds, and ``last``, the
            means and deviations at the end.
        configs: Methods and what trains them.
        steps: Numbers of updates done after which all models are measured; 0 for before them.
        path: The file; its folder is made if it is missing. Until all runs have ended,
            ``.partial.json`` stands in its place.
        tell: Told in a line of each evaluation.
        begin: From a configuration to the checkpoint that its run goes on from, if any, and what
            was measured up to there.

    Yields:
        The method and what was seen, after each run; what is then added to the last of its
        evaluations is kept too. None for a run that had ended before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    ended = ended_runs(path)
    runs = record.setdefault("runs", [])
    for name, config in configs:
        if found := ended.get(key_of(config)):
            runs.append(found)
            record["last"] = last(record)
            yield name, None
            continue
        run = _begun(name, config)
        runs.append(run)

        def keep(run: Record = run) -> None:
            record["last"] = last(record)
            write(record, partial)
            tell(_in_words(run))

        watched = _train(run, config, steps, keep, begin)
        yield name, watched
        record["last"] = last(record)
        write(record, partial)
    write(record, path)
    partial.unlink(missing_ok=True)


def train_ahead(
    configs: Sequence[tuple[str, Config]],
    steps: Collection[int],
    path: Path,
    chosen: Callable[[Mapping[int, Array]], dict[int, Array]],
    tell: Tell = silent,
    jobs: int = 1,
) -> None:
    """Train several configurations at a time, and leave what an interrupted experiment leaves.

    So :func:`compared` then finds that all of them have ended.

    Args:
        configs: Methods and what trains them.
        steps: Numbers of updates done after which all models are measured.
        path: The JSON file of the experiment.
        chosen: From the samples of a method's first run, by number of updates, to those that are
            kept.
        tell: Told in a line of each run that ends.
        jobs: Runs at a time, each in a process of its own, one or more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ended, samples = ended_runs(path), resumed_samples(path)
    keyed = {key_of(config): (name, config, steps) for name, config in configs}
    first = {name: key for key, (name, *_) in reversed(keyed.items())}
    new = {key: plan for key, plan in keyed.items() if key not in ended}
    for key, (run, shown) in spread_out(_seen, new, jobs):
        name = run["method"]
        if first[name] == key:
            samples[name] = chosen(shown)
            keep_samples(samples, path.with_suffix(".npz"))
        ended[key] = run
        write({"runs": [*ended.values()]}, partial_of(path))
        tell(_in_words(run))


def pictured(
    record: Record,
    configs: Iterable[tuple[str, Config]],
    steps: Collection[int],
    path: Path,
    chosen: Callable[[Mapping[int, Array]], dict[int, Array]],
    draw: Callable[[Record, Samples], "Figure"],
    tell: Tell = silent,
    claims: Callable[[Record], Sequence[Claim]] = lambda _: (),
    jobs: int = 1,
) -> Record:
    """Train as :func:`compared` does, keep samples of each method's first run, and draw.

    Args:
        record: What is written as JSON.
        configs: Methods and what trains them.
        steps: Numbers of updates done after which all models are measured.
        path: The JSON file; samples and picture stand beside it, as ``.npz`` and ``.png``.
        chosen: From the samples of a run, by number of updates, to those that are kept.
        draw: From the record and what is kept to the picture, which is drawn after each run.
        tell: Told in a line of each evaluation.
        claims: From the record to the statements that its numbers are held to, which are kept in
            it as ``claims``.
        jobs: Runs that are trained at a time, each by a process of its own, one or more. With
            several of them each run is told of, and written, when it has ended.

    Returns:
        The record.

    Raises:
        ValueError: ``jobs`` is below one.
    """
    if at_least(1, "jobs", jobs) > 1:
        configs = [*configs]
        train_ahead(configs, steps, path, chosen, tell, jobs)
    samples = resumed_samples(path)
    for name, watched in compared(record, configs, steps, path, tell):
        if held := claims(record):
            record["claims"] = verdicts(held, record)
        if watched is not None and name not in samples:
            samples[name] = chosen(watched.shown)
            keep_samples(samples, path.with_suffix(".npz"))
        save_figure(draw(record, samples), path.with_suffix(".png"))
    return record


def _begun(name: str, config: Config) -> Record:
    return {"method": name, "seed": config.seed, "config": None, "evaluations": []}


def _train(
    run: Record,
    config: Config,
    steps: Collection[int],
    keep: Callable[[], None] = lambda: None,
    begin: Callable[[Config], Begun] = lambda _: (None, []),
) -> "Watch":
    """Train one configuration, write into ``run`` what is seen, and call ``keep`` each time."""
    since = perf_counter()
    checkpoint, before = begin(config)
    parts = assemble(config)
    run["config"] = parts.config.model_dump(mode="json")

    def kept(watched: Watch) -> None:
        run["evaluations"] = watched.evaluations
        keep()

    evaluation = build_evaluation(parts.config, parts.source, prior=parts.prior)
    watched = Watch(evaluation, steps, kept)
    watched.evaluations += before
    parts.fit(callbacks=[watched], checkpoint=checkpoint)
    run["seconds"] = round(perf_counter() - since, 1)
    return watched


def _seen(plan: tuple[str, Config, Collection[int]]) -> tuple[Record, dict[int, Array]]:
    """A run and its samples, as they come back from a process of its own."""
    name, config, steps = plan
    run = _begun(name, config)
    return run, _train(run, config, steps).shown


class Watch(Callback):
    r"""Measures the averaged model after chosen updates, under fixed latents.

    Beside the metrics of the evaluation it measures the drift of reconstructions since the end of
    Step I, :math:`E_x \|\hat x_t - \hat x_I\|^2 / d` over held-out x, where there is a Step I.

    Attributes:
        evaluations: A record for each: ``step``, ``phase``, ``alpha``, ``gamma`` and metrics.
        shown: Samples of the same latents by the number of updates done, as runs keep them.
        model: What was measured last.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        steps: Collection[int],
        keep: Callable[["Watch"], None] = lambda _: None,
    ) -> None:
        """Set it up.

        Args:
            evaluation: What measures.
            steps: Numbers of updates done after which it does.
            keep: Called after each evaluation.
        """
        self.evaluation, self.steps, self.keep = evaluation, steps, keep
        self.evaluations: list[Record] = []
        self.shown: dict[int, Array] = {}
        self.model: AlphaBridge | None = None
        self._reference: Tensor | None = None

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        if state.step in self.steps:  # what the model begins with, such as a trained VAE
            begun = {"step": state.step, "phase": "ml", "alpha": 0.0, "gamma": 0.0}
            self._see(state, begun, reference=True)
        return nullcontext()

    def after(self, event: Event) -> None:
        if event.step not in self.steps:
            return
        event.state.require_finite()
        where = {
            "step": event.step,
            "phase": event.phase,
            "alpha": event.alpha,
            "gamma": event.gamma,
        }
        self._see(event.state, where, event.in_step_one)

    def _see(self, state: TrainState, where: Record, reference: bool) -> None:
        self.model = state.averaged()
        measured = self.evaluation(self.model, state.memory, reference)
        drift = self._drift(measured.pairs[1], reference)
        self.evaluations.append({**where, **measured.metrics, **drift})
        self.shown[where["step"]] = self.evaluation.source.units.stored(measured.samples)
        self.keep(self)

    def _drift(self, decoded: Tensor, reference: bool) -> dict[str, float]:
        if reference:
            self._reference = decoded
        if reference or self._reference is None or not len(decoded):
            return {}
        drift = reconstruction_error(self._reference, decoded, decoded.ndim - 1)
        return {f"drift/mse/{len(decoded)}": float(drift)}


def _in_words(run: Record) -> str:
    """The last evaluation of a run."""
    row = run["evaluations"][-1]
    metrics = [f"{key.split('/')[0]} {row[key]:.4g}" for key in row if key.count("/") == 2]
    return "  ".join([run["method"], f"seed {run['seed']}", f"update {row['step']}", *metrics])


def last(record: Record) -> dict[str, dict[str, dict[str, float]]]:
    """By method and metric, mean and spread over trials at the end of training."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in record["runs"]:
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
        metric: As far as its name is to be told, such as ``retention`` or
            ``reconstruction_error/mse-generated``.
    """
    return {
        method: round(of[name]["mean"], 5)
        for method, of in record["last"].items()
        for name in of
        if name.startswith(f"{metric}/")
    }
