"""What can be refused before torch is loaded, which takes seconds: each command asks here first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container
from pathlib import Path
from shlex import quote

from .causes import one_line
from .checks import at_least, halved_twice, not_stacked, positive, times_halved
from .config import DENSITIES, Config, read_config, resumed
from .files import cache_folder
from .manifest import require_optimizers, verified
from .methods import METHODS
from .run import Run

__all__ = [
    "BUNDLED",
    "VAE_FILES",
    "checkpoint_of",
    "config_of",
    "destination",
    "opened",
    "require_along",
    "require_data",
    "require_domains",
    "require_edit",
    "require_free",
    "require_given",
    "require_hub_id",
    "require_init",
    "require_plain",
    "require_sound",
    "require_subjects",
    "require_trainable",
    "require_vae",
    "resumed_in",
    "resuming",
]

BUNDLED = (*DENSITIES, "digits")
"""Data that need no file."""

VAE_FILES = ("config.json", "model_config.json")
"""By one of which a folder of a VAE is known, or the folder ``vae`` in that of a pipeline."""


def opened(folder: Path, step: int | None = None) -> tuple[Run, Config]:
    """The run in a folder, once its configuration and a checkpoint are there.

    Args:
        folder: Of the run.
        step: The checkpoint's number of updates; None for the latest.

    Raises:
        FileNotFoundError: The folder is not that of a run.
        ValueError: The configuration is damaged, or there is no such checkpoint, or no whole one.
    """
    run = Run.open(folder)
    config = read_config(run.config_path)
    verified(checkpoint_of(run, config, step))
    return run, config


def config_of(run: Run) -> Config:
    """The configuration of a run that was trained.

    Raises:
        ValueError: It is damaged, or does not say what was trained on.
    """
    config = read_config(run.config_path)
    shapes = {"event_shape": config.event_shape}
    if config.prior is not None:
        shapes["prior_shape"] = config.prior_shape
    for key, shape in shapes.items():
        if shape is None:
            raise ValueError(
                f"{run.config_path} has no {key}, which training writes: restore it from a copy"
            )
    return config


def checkpoint_of(run: Run, config: Config, step: int | None = None) -> Path:
    """The folder of a checkpoint that holds one model.

    Args:
        run: The run.
        config: Its configuration.
        step: The checkpoint's number of updates; None for the latest.

    Raises:
        ValueError: There is no such checkpoint, or the run holds several trials.
    """
    if config.trials > 1:
        raise ValueError(
            f"{run.folder} holds {config.trials} trials: name one of them, such as "
            f"{run.folder / 'trial-0'}"
        )
    steps = run.checkpoint_steps
    if not steps or (step is not None and step not in steps):
        raise ValueError(
            f"{run.folder} has no checkpoint{'' if step is None else f' after update {step}'}: "
            + (f"it has {', '.join(map(str, steps))}" if steps else "train it first")
        )
    return run.checkpoint_folder(steps[-1] if step is None else step)


def require_trainable(
    config: Config, folder: Path, resume: bool, fetch: Container[str] | None = None
) -> None:
    """Look whether a run can begin, or go on, in a folder.

    Args:
        config: The configuration.
        folder: Of the run.
        resume: Whether it goes on.
        fetch: Ids that the hub may be asked for; None for all that ``config`` names.

    Raises:
        FileNotFoundError: The folder to resume is not that of a run, or the data, or the VAE to
            begin with, are not there.
        FileExistsError: The folder holds something already.
        ValueError: The configuration cannot be trained, or not in this run, whose latest checkpoint
            may be damaged.
    """
    require_sound(config)
    run = Run.open(folder) if resume else Run.require_free(folder)
    if resume:
        resumed_in(run, config)
        _require_state(run)
    for name in (config.data, config.prior):
        if name is not None:
            require_data(name, fetch is None or name in fetch)
    # from a checkpoint on the VAE is not needed any more
    if config.init is not None and not (resume and run.checkpoint_steps):
        require_init(config.init, fetch is None or config.init in fetch)


def resumed_in(run: Run, given: Config) -> Config:
    """What a run goes on with from its last checkpoint, if ``given`` may change what it does.

    Raises:
        ValueError: It changes the data, the networks or the path.
    """
    own = read_config(run.config_path)
    try:
        return resumed(own, given, max(run.checkpoint_steps, default=0))
    except ValueError as error:
        raise ValueError(
            f"{run.folder} was made with another configuration ({error}): resume it with its own, "
            f"{resuming(run)}"
        ) from error


def _require_state(run: Run) -> None:
    """See that training can go on from the latest checkpoint, if there is one."""
    for step in run.checkpoint_steps[-1:]:
        folder = run.checkpoint_folder(step)
        files, _ = verified(folder)
        require_optimizers(folder, files)


def resuming(run: Run) -> str:
    """The command that goes on with a run."""
    config, folder = quote(str(run.config_path)), quote(str(run.folder))
    return f"alpha-bridge train {config} --out {folder} --resume"


def require_sound(config: Config) -> None:
    """Refuse a configuration that no data could be trained with.

    Raises:
        ValueError: A number or a combination is of no use; one line.

    Example:
        >>> require_sound(Config(data="photos", images={"size": 30}))
        Traceback (most recent call last):
            ...
        ValueError: images of 30 pixels are larger than 64 or cannot be halved to 4-7 pixels: \
resize them to 8, 16, 28, 32 or 64 pixels (--images.size 32)
    """
    METHODS[config.method].require(config)
    if config.snapshots and config.trials > 1:
        raise ValueError(
            f"snapshots are kept of one trial at a time, got trials={config.trials}: run them one "
            "after the other"
        )
    if config.gamma.kind == "optimal" and config.trials > 1:
        raise ValueError(
            f"the optimal gamma is measured for one trial at a time, got trials={config.trials}: "
            "run them one after the other, or give another --gamma.kind"
        )
    sized = "images" not in config.idle
    if sized or config.data == "digits":
        not_stacked(config.trials if config.trials > 1 else None)
    if sized and config.images.size is not None:
        times_halved(at_least(1, "--images.size", config.images.size))
        if config.prior is not None:
            halved_twice(config.images.size)


def require_data(name: str, fetch: bool = True) -> None:
    """Look whether there are such data, without reading them.

    Args:
        name: As the configuration names data.
        fetch: Whether the hub may be asked.

    Raises:
        FileNotFoundError: It is a path, and nothing is there.
        ValueError: It is a file of another kind; or there is no such folder, and the hub does not
            have it or cannot be asked.
    """
    path = Path(name).expanduser()
    if name in BUNDLED or path.is_dir():
        return
    if path.exists() and path.suffix != ".npy":
        raise ValueError(
            f"'{path}' is no folder and no .npy file: give a folder of images with --data PATH"
        )
    if path.exists():
        return
    if path.suffix == ".npy":
        raise FileNotFoundError(f"data file '{path}' does not exist: give a .npy file")
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise FileNotFoundError(
            f"data path '{name}' does not exist: give an existing folder with --data PATH"
        )
    if fetch and not _prepared(name):
        _require_on_hub(name, "dataset", "give a local folder with --data PATH")


def _prepared(name: str) -> bool:
    """Whether the hub's libraries may have a copy of a data set on this disk."""
    from huggingface_hub import constants

    note = cache_folder() / "hub" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.txt"
    prepared = os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME, "datasets")
    return (
        _fetched(name, "dataset")
        or note.exists()
        or Path(prepared, name.replace("/", "___")).exists()
    )


def _fetched(name: str, kind: str) -> bool:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE, f"{kind}s--{name.replace('/', '--')}").exists()


def _require_on_hub(name: str, kind: str, remedy: str) -> None:
    """Ask the hub for a ``dataset`` or a ``model``."""
    from huggingface_hub import HfApi, errors

    nowhere = f"there is no folder '{name}' here, and "
    called = {"dataset": "data set"}.get(kind, kind)
    try:
        HfApi().repo_info(name, repo_type=kind, timeout=10)
    except errors.GatedRepoError:
        return  # who reads it says what to do
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ValueError(f"{nowhere}no such {called} on the hub: {remedy}") from error
    except Exception as error:  # whatever the network layer of the day raises
        raise ValueError(
            f"{nowhere}no network to ask the hub ({one_line(error)}): {remedy}"
        ) from error


def require_init(name: str, fetch: bool = True) -> None:
    """Look whether there is a VAE to begin with, without reading it.

    Args:
        name: As ``--from`` takes it.
        fetch: Whether the hub may be asked.

    Raises:
        FileNotFoundError: It is a path, and no VAE is there.
        ValueError: There is no such folder, and the hub does not have it or cannot be asked.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        places = (folder, folder / "vae")
        if not any((place / file).is_file() for place in places for file in VAE_FILES):
            raise FileNotFoundError(
                f"{name} has no VAE: give a folder with a {' or '.join(VAE_FILES)}"
            )
    elif name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise FileNotFoundError(f"there is no VAE '{name}': give a folder, or an id of the hub")
    elif fetch and not _fetched(name, "model"):
        _require_on_hub(name, "model", "give a local folder with --from PATH")


def require_given(path: Path | None, kind: str = "an image, a folder or an .npy file") -> None:
    """Refuse a file that is not there.

    Raises:
        FileNotFoundError: There is no such file or folder.
    """
    if path is not None and not path.expanduser().exists():
        raise FileNotFoundError(f"{path} does not exist: give {kind}")


def require_hub_id(hub_id: str) -> None:
    """Refuse what cannot be the id of a model on the hub.

    Raises:
        ValueError: It cannot.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(hub_id)
    except HFValidationError as error:
        raise ValueError(
            f"{hub_id!r} is not the id of a model on the hub: give owner/name"
        ) from error


def require_plain(config: Config) -> None:
    """Refuse to draw samples of a run whose latents are samples of a second domain.

    Raises:
        ValueError: They are.
    """
    if config.prior is not None:
        raise ValueError(
            f"the run translates samples of {config.prior}, and draws none: give some to "
            "alpha-bridge translate"
        )


def require_edit(count: int, seed: int, columns: int, strength: float = 1.0) -> None:
    """Refuse numbers that an edit cannot have.

    Args:
        count: Of samples, one or more.
        seed: Zero or more.
        columns: Two or more.
        strength: Positive.

    Raises:
        ValueError: One is out of its range.
    """
    positive("strength", strength)
    at_least(2, "columns", columns)
    at_least(1, "n", count)
    at_least(0, "seed", seed)


def require_subjects(images: Path | None, samples: bool, refine: int) -> None:
    """Refuse subjects of an edit that are not there, or two kinds of them.

    Raises:
        FileNotFoundError: There are no such images.
        ValueError: Both are asked for, or samples are to be refined.
    """
    if samples and images is not None:
        raise ValueError(f"give --samples or --images {images}, not both")
    if samples and refine:
        raise ValueError("the latents of samples are known: leave out --refine")
    require_given(images)


def require_along(run: Run, config: Config) -> list[int]:
    """The checkpoints of a run, if there are some to draw a curve through along α.

    Raises:
        ValueError: There are none, one is damaged, α does not move, or the run is of another kind.
    """
    if config.trials > 1:
        raise ValueError(
            f"{run.folder} holds {config.trials} trials, whose snapshots are not kept: train one "
            "with --trials 1 --snapshots 10"
        )
    if config.prior is not None:
        raise ValueError(
            f"{run.folder} translates samples of {config.prior}, which have no likelihood under "
            "N(0, I): give a run without --prior"
        )
    lengths = config.path.lengths(config.steps)
    if not lengths[1] or config.path.start == config.path.end:
        raise ValueError(
            f"α does not move in {run.folder}, a run of {config.method}: give one of alpha-bridge"
        )
    if not config.snapshots:
        raise ValueError(
            f"{run.folder} has no snapshots along α: train it with --snapshots 10, in a new folder"
        )
    steps = [step for step in run.checkpoint_steps if step >= lengths[0]]
    if len(steps) < 2:
        raise ValueError(
            f"{run.folder} has {len(steps)} checkpoints from the end of Step I on, and a curve "
            "needs two: go on with --resume"
        )
    for step in steps:
        verified(run.checkpoint_folder(step))
    return steps


def require_vae(run: Run, config: Config) -> None:
    """Refuse to give back what did not come from elsewhere.

    Raises:
        ValueError: The run did not begin with a VAE.
    """
    if config.architecture is None:
        raise ValueError(
            f"{run.folder} did not begin with a VAE: train one with --from, and restore that"
        )


def require_domains(run: Run, config: Config) -> None:
    """Refuse to translate where there is one domain.

    Raises:
        ValueError: There is.
    """
    if config.prior is None:
        raise ValueError(
            f"{run.folder} has no second domain to translate from or to: train one with "
            "--objective marginal --prior DATA"
        )


def destination(run: Run, config: Config, out: Path | None, stem: str) -> Path:
    """Where samples of a run are to be written, looked at before there is anything to write.

    Args:
        run: The run.
        config: Its configuration.
        out: A ``.png`` for a picture of images or an ``.npy`` for an array; None for a picture of
            images, or an array of vectors, in the run's folder.
        stem: Name of that file without its ending.

    Raises:
        FileExistsError: The file stands already.
        ValueError: It has another ending, or it is a picture and the samples are vectors.
    """
    images = len(config.event_shape or ()) == 3
    path = out or run.inside(f"{stem}{'.png' if images else '.npy'}")
    if not images and path.suffix != ".npy":
        raise ValueError(f"the run's samples are vectors, not images: end {path} with .npy")
    require_free(path)
    return path


def require_free(path: Path | None) -> None:
    """Refuse a file that stands already, or that is neither a picture nor an array."""
    if path is None:
        return
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another file with --out")
    if path.suffix not in (".png", ".npy"):
        raise ValueError(f"the file must end with .png or .npy, got {path}")
