"""What can be done with a run, from its folder alone: the command line and the page call these."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from . import plots
from .assembly import Assembly, assemble, build_source, load_model
from .checks import at_least
from .config import Config, differences, read_config
from .data import PixelUnits, Source, StandardUnits, Units, normal, read_samples
from .evaluation import CHUNK, Measured, build_evaluation
from .metrics.images import reconstruction_error
from .metrics.names import METRICS, is_metric
from .model import AlphaBridge
from .objective import Objective
from .run import Array, Record, Run
from .training import (
    Callback,
    Checkpoints,
    Event,
    Progress,
    Records,
    StopOnSignal,
    available_accelerator,
    describe_twins,
    keep_freed_memory,
    twin_gradients,
)
from .training.processes import main_process_first
from .trials import TrialRuns

__all__ = ["Trained", "data_of", "evaluate", "reconstruct", "sample", "train"]


@dataclass(frozen=True)
class Trained:
    """What training leaves.

    Attributes:
        run: The folder.
        first: Metrics at the end of Step I; empty without one.
        last: Metrics at the end; of stacked trials, their means, as in ``first``.
        spread: Standard deviation of ``last`` over stacked trials; empty for a single one.
        seconds: How long it took, without the preparation.
    """

    run: Run
    first: dict[str, float]
    last: dict[str, float]
    spread: dict[str, float]
    seconds: float


def train(
    config: Config, folder: Path, resume: bool = False, console: Console | None = None
) -> Trained:
    """Train what ``config`` names and leave a run.

    Args:
        config: The configuration.
        folder: Where the run is to live.
        resume: Go on with the run that is there.
        console: Where to show progress; nowhere by default.

    Returns:
        The run and its metrics.

    Raises:
        ValueError: The configuration cannot be trained, or is not that of the run to resume.
        OSError: The folder stands already, or a file cannot be read or written.
        Interrupted: A signal stopped it; a checkpoint is saved.
        Diverged: A parameter became NaN; the last good checkpoint is kept.
        Lost: Another process is gone; a checkpoint is saved if this one writes.
    """
    console = console or Console(quiet=True)
    keep_freed_memory()
    accelerator = available_accelerator(config.precision)
    run = Run.open(folder) if resume else Run.require_free(folder)
    writes = accelerator.is_main_process
    console.quiet |= not writes
    with main_process_first(accelerator):
        parts = assemble(config, _decoding(console))
        if resume:
            _require_same(run, parts.config)
        trials = TrialRuns(run, parts.config)
        watching = _callbacks(parts, trials, console) if writes else []
    if writes and not resume:
        trials.create(parts.source.units)
    steps = run.checkpoint_steps
    stop = StopOnSignal(run.checkpoint_folder if writes else None)
    begin = time.perf_counter()
    # who survives the loss of another process is told to end, and still has to write
    with stop.heeding(signal.SIGTERM):
        try:
            with torch.random.fork_rng(devices=[]):
                # networks that draw numbers of their own draw them as the seed says
                torch.manual_seed(parts.config.seed)
                parts.fit(
                    callbacks=[stop, *watching],
                    checkpoint=run.checkpoint_folder(steps[-1]) if steps else None,
                    accelerator=accelerator,
                )
        finally:
            if writes:
                trials.write_reports()
            accelerator.end_training()
    return _trained(trials, time.perf_counter() - begin)


def _decoding(console: Console) -> Callable[[int, int], None]:
    """Tell of each tenth of a data set that is decoded."""

    def tell(done: int, total: int) -> None:
        tenth = max(total // 10, 1)
        if done // tenth > max(done - 1, 0) // tenth:
            console.print(f"decoding images: {done} of {total}")

    return tell


def _require_same(run: Run, config: Config) -> None:
    if unlike := differences(read_config(run.config_path), config):
        raise ValueError(
            f"{run.folder} was made with another configuration ({'; '.join(unlike)}): resume it "
            f"with its own, alpha-bridge train {run.config_path} --out {run.folder} --resume"
        )


def _callbacks(parts: Assembly, trials: TrialRuns, console: Console) -> list[Callback]:
    evaluation = build_evaluation(parts.config, parts.source, console.print)
    progress = Progress(len(parts.path), console, describe)

    def write(record: Record) -> None:
        progress.show(trials.append(record))

    def evaluate(event: Event) -> Record:
        def measure(run: Run, model: AlphaBridge, memory: dict[str, Tensor]) -> Record:
            measured = evaluation(model, memory, event.phase)
            keep(run, event.step, measured, parts.source.units)
            return measured.metrics

        metrics = trials.measure(event.state, measure)
        if event.boundary or event.last:
            trials.save(event.state)
        return metrics | _twins(event, parts.objective)

    config, checkpoint = parts.config, trials.run.checkpoint_folder
    return [
        Records(write, config.record_every, evaluate, config.evaluation.every),
        Checkpoints(checkpoint, config.checkpoint_every, config.snapshot_steps),
        progress,
    ]


def _twins(event: Event, objective: Objective) -> Record:
    """Diagnostics of the two halves of the gradient, on the update's own batch."""
    halves = twin_gradients(event.state.model, objective, event.x, event.noise, event.alpha)
    numbers = describe_twins(*halves, event.alpha)
    return {name: value.tolist() for name, value in numbers.items()}


def keep(run: Run, step: int, measured: Measured, units: Units) -> None:
    """Write the samples and reconstructions of an evaluation into the run, in the data's units."""
    shown = units.stored(measured.shown)
    run.write_samples(step, shown)
    if _is_image(shown):
        plots.save_png(shown, run.samples_picture(step))
    if measured.pairs.shape[1]:
        originals, decoded = (units.stored(side) for side in measured.pairs)
        run.write_reconstructions(step, np.stack([originals, decoded]))


def sample(run: Run, count: int, seed: int, out: Path | None, step: int | None = None) -> Path:
    """Draw samples from a run's generator and write them.

    Args:
        run: A run with a checkpoint.
        count: Number of samples, one or more.
        seed: Of the latents, zero or more.
        out: A ``.png`` for a picture or an ``.npy`` for an array; None for a picture of images,
            or an array of vectors, in the run's folder.
        step: The checkpoint's number of updates; None for the latest.

    Returns:
        The file.

    Raises:
        ValueError: A number is out of its range, or the run cannot be used.
        OSError: The file stands already or cannot be written.
    """
    config = read_config(run.config_path)
    at_least(0, "seed", seed)
    model, _ = load_model(run, config, step)
    assert model.latent_shape is not None
    latents = normal(seed, 0, 0, (at_least(1, "count", count), *model.latent_shape))
    drawn = _in_chunks(model.decode, latents)
    samples = _units(run, config).stored(drawn)
    default = f"samples-{count}-seed-{seed}{'.png' if _is_image(samples) else '.npy'}"
    if not _is_image(samples) and out is not None and out.suffix != ".npy":
        raise ValueError(f"the run's samples are vectors, not images: end {out} with .npy")
    return _write(samples, out or run.folder / default, lambda path: plots.save_png(samples, path))


def reconstruct(
    run: Run, images: Path, out: Path | None, step: int | None = None
) -> tuple[Path, float]:
    """Encode and decode a user's images and write both side by side.

    Args:
        run: A run that was trained on images.
        images: An image, a folder of images, or an ``.npy`` of the run's kind of samples.
        out: The picture to write; None for one in the run's folder.
        step: The checkpoint's number of updates; None for the latest.

    Returns:
        The file, and the mean squared error per dimension in model units.

    Raises:
        ValueError: The images or the run cannot be used.
        OSError: A file is missing, stands already or cannot be written.
    """
    config = read_config(run.config_path)
    model, _ = load_model(run, config, step)
    units = _units(run, config)
    x = units.normalize(read_samples(images, config.event_shape or ()))
    decoded = _in_chunks(model.reconstruct, x)
    pairs = np.stack([units.stored(x), units.stored(decoded)])
    default = (
        f"reconstructions-of-{images.resolve().stem}{'.png' if _is_image(pairs[0]) else '.npy'}"
    )
    path = _write(
        pairs, out or run.folder / default, lambda path: plots.reconstructions(pairs).savefig(path)
    )
    return path, float(reconstruction_error(x, decoded, x.ndim - 1))


def evaluate(run: Run, step: int | None = None, console: Console | None = None) -> dict[str, float]:
    """Measure a run's model again.

    Args:
        run: A run with a checkpoint.
        step: The checkpoint's number of updates; None for the latest.
        console: Where to tell what is being prepared; nowhere by default.

    Returns:
        Metrics by names that state their protocols.

    Raises:
        ValueError: The run cannot be used, or its data cannot be loaded.
    """
    console = console or Console(quiet=True)
    config = read_config(run.config_path)
    model, memory = load_model(run, config, step)
    evaluation = build_evaluation(config, data_of(run, config, console), console.print)
    return evaluation(model, memory, phase="").metrics


def data_of(run: Run, config: Config, console: Console) -> Source:
    """The data that a run was trained on, which may have moved or changed since.

    Args:
        run: The run.
        config: Its configuration.
        console: Where to tell of images that are decoded.

    Raises:
        ValueError: They cannot be used, or have changed.
    """
    try:
        source = build_source(config, _decoding(console))
    except (ValueError, OSError) as error:
        raise ValueError(f"the data of {run.folder} cannot be used: {error}") from error
    if source.event_shape != config.event_shape:
        raise ValueError(
            f"the data of {run.folder} have changed: {config.data} has samples of shape "
            f"{source.event_shape}, the run is for {config.event_shape}; restore the data"
        )
    return source


def describe(record: Record) -> str:
    """The metrics of a record in a short line; nothing if it has none.

    Example:
        >>> describe({"step": 1, "modes/3std/10000": 25.0})
        'Modes 25'
    """
    shown = ((name.split("/")[0], value) for name, value in metrics_of(record).items())
    return "  ".join(f"{METRICS[metric].label} {value:.4g}" for metric, value in shown)


def metrics_of(record: Record) -> dict[str, float]:
    """Metrics of a record, without its losses and diagnostics; NaN for one that is null."""
    return {
        name: math.nan if value is None else value
        for name, value in record.items()
        if is_metric(name)
    }


def _trained(trials: TrialRuns, seconds: float) -> Trained:
    evaluated = [record for record in trials.run.records if metrics_of(record)]
    first = [record for record in evaluated if record["phase"] == "ml"]
    last = metrics_of(evaluated[-1]) if evaluated else {}
    return Trained(
        trials.run,
        metrics_of(first[-1]) if first else {},
        last,
        trials.spread(list(last)),
        seconds,
    )


def _units(run: Run, config: Config) -> Units:
    """Units of the samples of ``run``, from its folder alone."""
    if len(config.event_shape or ()) == 3:
        return PixelUnits()
    return Units() if run.units is None else StandardUnits(*map(torch.from_numpy, run.units))


def _is_image(samples: Array) -> bool:
    return samples.ndim == 4


def _in_chunks(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([network(part) for part in x.split(CHUNK)])


def _write(array: Array, path: Path, picture: Callable[[Path], object]) -> Path:
    """Write ``array`` as a picture or as an array, by the ending of ``path``."""
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another file with --out")
    if path.suffix not in (".png", ".npy"):
        raise ValueError(f"the file must end with .png or .npy, got {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, array, allow_pickle=False)
        else:
            picture(path)
    except OSError as error:
        raise PermissionError(
            f"cannot write {path} ({error.strerror}): choose another file with --out"
        ) from error
    return path
