"""Conditions on rows of a table: which columns must have which values."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import printable


def parsed(where: Sequence[str]) -> dict[str, str]:
    """Columns and values from texts such as ``income=>50K``.

    Raises:
        ValueError: A text has no ``=``, or a column comes twice.

    Example:
        >>> parsed(["income=>50K", "sex=Female"])
        {'income': '>50K', 'sex': 'Female'}
    """
    found: dict[str, str] = {}
    for text in where:
        column, equals, value = text.partition("=")
        if not equals or not column:
            raise ValueError(f"--where takes column=value, got {printable(text)!r}")
        if column in found:
            raise ValueError(f"--where has the column {printable(column)!r} twice: give it once")
        found[column] = value
    return found
