"""One thing that is broken."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.breaking.asking import Answer
from tests.breaking.scenes import Scenes

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """A breakage, and how it is answered.

    Attributes:
        kind: A row of the table.
        name: What is broken, how, and what is asked then.
        answer: Does it.
    """

    kind: str
    name: str
    answer: Callable[[Scenes], Answer]
