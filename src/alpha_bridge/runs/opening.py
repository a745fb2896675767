"""Opening or refusing the run of a command before torch is loaded, which takes seconds."""

from __future__ import annotations

import warnings
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..files.lock import is_locked
from ..files.manifest import last_whole, verified
from ..recipe import Config, read_config, resumed
from ..recipe.availability import located, require_data, require_init, require_trackers
from ..recipe.methods import given_for_ratio
from ..recipe.soundness import require_sound

if TYPE_CHECKING:
    from .folder import Run


class RunAt(NamedTuple):
    """A run, its configuration, and how many updates the checkpoint has that is read."""

    run: Run
    config: Config
    step: int


def run_of(run: Path | Run) -> Run:
    """The run in a folder, or the same run."""
    from .folder import Run

    return run if isinstance(run, Run) else Run.open(run)


def open_run(run: Path | Run, step: int | None = None) -> RunAt:
    """A run at a checkpoint that is found whole.

    It is the one after ``step`` updates, or the last that is whole, with a warning for each later
    one that is not.
    """
    run = run_of(run)
    config = read_config(run.config_path)
    folder = checkpoint_of(run, config, step)
    if step is None:
        at, passed = usable(run)
        for what in passed:
            warnings.warn(f"{what}: update {at} is used instead", stacklevel=3)
    else:
        at = verified(folder)[1]
    return RunAt(run, of_trained(run.config_path, config), at)


def usable(run: Run, resume: bool = False) -> tuple[int, tuple[str, ...]]:
    """The update of the last checkpoint that can be used, and why each later one cannot.

    Without any checkpoint it is 0; see :func:`~alpha_bridge.files.manifest.last_whole`.
    """
    steps = run.checkpoint_steps
    if not steps:
        return 0, ()
    folders = {run.checkpoint_folder(step): step for step in steps}
    folder, passed = last_whole([*folders], resume)
    return folders[folder], passed


def config_of(run: Run) -> Config:
    """The configuration of a run that was trained, refused if it does not say on what."""
    return of_trained(run.config_path, read_config(run.config_path))


def of_trained(path: Path, config: Config) -> Config:
    """The configuration in a file, refused if it does not say on what its run was trained."""
    shapes = {"event_shape": config.event_shape}
    if config.prior is not None:
        shapes["prior_shape"] = config.prior_shape
    for key, shape in shapes.items():
        if shape is None:
            raise ValueError(f"{path} has no {key}, which training writes: restore it from a copy")
        if len(shape) not in (1, 3) or min(shape) < 1:
            raise ValueError(
                f"{path} has {list(shape)} for {key}, and a sample has a number of features, or "
                "channels and two sides: restore it from a copy"
            )
    return config


def checkpoint_of(run: Run, config: Config, step: int | None = None) -> Path:
    """The folder of the checkpoint after update ``step``, by default the latest, of one model."""
    if config.trials > 1:
        raise ValueError(
            f"{run.folder} holds {config.trials} trials: name one of them, such as "
            f"{run.folder / 'trial-0'}"
        )
    steps = run.checkpoint_steps
    if not steps or (step is not None and step not in steps):
        on = "it trains now, wait" if is_locked(run.folder) else f"train it by {run.resuming}"
        raise ValueError(
            f"{run.folder} has no checkpoint{'' if step is None else f' after update {step}'}: "
            + (f"it has {', '.join(map(str, steps))}" if steps else on)
        )
    return run.checkpoint_folder(steps[-1] if step is None else step)


def require_plain(config: Config) -> None:
    """Refuse to draw samples of a run whose latents are those of data, of its own or others."""
    if config.prior is not None:
        raise ValueError(
            f"the run translates samples of {config.prior} and has no prior to draw from: use "
            "alpha-bridge translate"
        )
    if config.objective.reconstructs:
        raise ValueError(
            f"the run, of the objective {config.objective.kind}, has latents of data alone and no "
            "prior to draw from: use alpha-bridge reconstruct"
        )


def require_plane(config: Config) -> None:
    """Refuse a run of anything but points in the plane, drawn from N(0, I)."""
    require_plain(config)
    if config.rows is not None or config.event_shape != (2,):
        shape = " × ".join(map(str, config.event_shape or ()))
        what = "rows of a table" if config.rows is not None else f"samples of shape {shape}"
        raise ValueError(
            f"the page shows points in the plane, and the run has {what}: leave out --page"
        )


def require_ratio(config: Config, step: int) -> None:
    """Refuse a run whose discriminator gives no log ratio of samples after ``step`` updates."""
    require_plain(config)
    if config.objective.kind == "joint":
        raise ValueError(
            "the run's discriminator sees pairs of samples and latents, and gives no ratio of "
            "samples: train with --objective data"
        )
    if given := given_for_ratio(config):
        raise ValueError(
            f"the discriminator of the method {config.method} gives no log ratio, but {given}: "
            "train with another --method"
        )
    if step == 0:
        raise ValueError("the discriminator is untrained after 0 updates: give a later --step")


def require_trainable(
    config: Config, folder: Path, resume: bool, fetch: Container[str] | None = None
) -> None:
    """Refuse what cannot begin, or go on, in a folder."""
    from .folder import Run

    require_sound(config)
    require_trackers(config)
    run = Run.open(folder) if resume else Run.require_free(folder)
    if resume:
        resumed_in(run, config, usable(run, resume=True)[0])
        _require_records(run, config.trials)
    for option, name in (("--data", config.data), ("--prior", config.prior)):
        if name is not None:
            require_data(name, fetch is None or name in fetch, option)
    # from a checkpoint on the VAE is not needed any more
    if config.init is not None and not (resume and run.checkpoint_steps):
        require_init(config.init, fetch is None or config.init in fetch)


def _require_records(run: Run, trials: int) -> None:
    """Refuse records with a damaged line, of a run or of its stacked trials."""
    from .folder import Run

    folders = [run.inside(f"trial-{trial}") for trial in range(trials)] if trials > 1 else []
    for of in (run, *map(Run, folders)):
        _ = of.records, of.incidents


def resumed_in(run: Run, given: Config, step: int) -> Config:
    """The configuration with which a run goes on, if ``given`` changes no data, network or path."""
    own = located(read_config(run.config_path))
    try:
        return resumed(own, given, step)
    except ValueError as error:
        raise ValueError(
            f"{run.folder} was made with another configuration ({error}): resume it with its own, "
            f"{run.resuming}"
        ) from error
