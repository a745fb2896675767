"""What every argument is held to: one line that names the value and the remedy."""

import math

__all__ = ["at_least", "between_zero_and_one", "positive"]


def between_zero_and_one(name: str, value: float) -> float:
    """Return ``value`` if it lies in [0, 1].

    Raises:
        ValueError: ``value`` is outside [0, 1] or not a number.

    Example:
        >>> between_zero_and_one("alpha", 0.5)
        0.5
    """
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {value}")
    return value


def positive(name: str, value: float) -> float:
    """Return ``value`` if it is positive and finite.

    Raises:
        ValueError: ``value`` is zero, negative, infinite or not a number.

    Example:
        >>> positive("sigma", 0.4)
        0.4
    """
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value


def at_least(least: int, name: str, value: int) -> int:
    """Return ``value`` if it is ``least`` or more.

    Raises:
        ValueError: ``value`` is below ``least``.

    Example:
        >>> at_least(1, "batch_size", 64)
        64
    """
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value
