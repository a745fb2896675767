"""One module for each figure or table of the paper: numbers from known seeds, then the picture."""

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from ..checks import at_least

__all__ = ["EXPERIMENTS", "reproduce"]

EXPERIMENTS = ("figure2", "gamma25")
"""What can be regenerated, each by the module of its name: figures of the paper, and ours."""


def reproduce(name: str, folder: str | Path, seed: int = 0, trials: int | None = None) -> Path:
    """Regenerate a result of the paper as ``NAME.json`` and ``NAME.png``.

    Args:
        name: One of :data:`EXPERIMENTS`.
        folder: Where to write; it is made if it is missing.
        seed: Seed of all draws, zero or more.
        trials: Number of trials; None for the paper's.

    Returns:
        The folder.

    Raises:
        ValueError: There is no such result, or a number is out of its range.
        FileExistsError: The folder has that result already.
        PermissionError: The folder cannot be written.
    """
    folder = Path(folder)
    if name not in EXPERIMENTS:
        near = get_close_matches(name, EXPERIMENTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(EXPERIMENTS)}"
        raise ValueError(f"there is no result {name!r} to reproduce: {hint}")
    at_least(0, "seed", seed)
    if (folder / f"{name}.json").exists():
        raise FileExistsError(f"{folder} has {name}.json already: choose another with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(
            f"cannot write to {folder} ({error.strerror}): choose another folder with --out"
        ) from error
    options = {} if trials is None else {"trials": trials}
    import_module(f".{name}", __name__).reproduce(folder, seed=seed, **options)
    return folder
