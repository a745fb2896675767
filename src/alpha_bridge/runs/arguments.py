"""What is wrong with the arguments of a command, told before torch is loaded."""

from __future__ import annotations

from pathlib import Path

from ..checks import at_least, positive
from ..files.manifest import verified
from ..recipe import Config
from .folder import Run

__all__ = [
    "require_along",
    "require_domains",
    "require_edit",
    "require_given",
    "require_hub_id",
    "require_subjects",
    "require_vae",
]


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
