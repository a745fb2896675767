"""What every part of a slot must do: one file of named properties for each slot.

A property is a function of a part that asserts one thing. The test of a part lists which of them
it has, and :func:`cases` makes a test of each.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

__all__ = ["cases"]

Property = Callable[[Any], None]


def cases(listed: Mapping[str, tuple[Any, Sequence[Property]]]) -> Any:
    """Parametrise a test of ``(part, holds)`` by the properties that each part is listed with."""
    return pytest.mark.parametrize(
        ("part", "holds"),
        [
            pytest.param(part, holds, id=f"{name}-{holds.__name__}")
            for name, (part, properties) in listed.items()
            for holds in properties
        ],
    )
