"""Figure 6 on MNIST, where an independent classifier can tell what an edit came to.

The experiment is that on faces (:mod:`experiments.figure6`), and the attributes are the ten
classes.
"""

from typing import Any

from .figure6 import SHARED, claims, draw, measure_on
from .framework import Study

__all__ = ["claims", "draw", "measure"]


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> dict[str, Any]:
    """Train every method on MNIST, and measure the arm of each; 2 trials, one of the miniature."""
    return measure_on(study, "mnist", SHARED, seed, trials or (1 if quick else 2), quick, data)
