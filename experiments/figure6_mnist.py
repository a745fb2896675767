"""Figure 6 on MNIST, where an independent classifier can tell what an edit came to.

The experiment is that on faces (:mod:`~experiments.figure6`), and the attributes are
the ten classes.
"""

from pathlib import Path
from typing import Any

from . import figure6
from .runs import Tell, silent

__all__ = ["reproduce"]

TRIALS = 2


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
    data: str | None = None,
) -> dict[str, Any]:
    """Train every method on MNIST, and write ``figure6-mnist.json``, ``.png`` and ``.npz``.

    Args:
        folder: As for :func:`experiments.figure6.reproduce`.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method; None for 2, or 1 in the miniature.
        quick: Whether to train a miniature on the built-in digits, for a minute or two.
        tell: Told in a line of each evaluation.
        data: A hub id, a folder or a file of images; None for the preset's.

    Returns:
        As :func:`experiments.figure6.reproduce`.

    Raises:
        ValueError: A number is out of its range, or the data cannot be used.
    """
    path = Path(folder) / "figure6-mnist.json"
    trials = (1 if quick else TRIALS) if trials is None else trials
    return figure6.conducted(path, "mnist", figure6.SHARED, seed, trials, quick, tell, data)
