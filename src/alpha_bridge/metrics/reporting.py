"""How far a measurement has come: what is called as its parts are done."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from torch import Tensor

Report = Callable[[str, int, int], object]
"""Takes the name of a piece of work, how many of its parts are done, and the number of all."""

Watch = Callable[[Iterable[Tensor]], Iterator[Tensor]]
"""Goes through parts of some work as ``iter`` does."""


def silent(name: str, done: int, total: int) -> None:
    """Tell nobody."""


def counting(report: Report, name: str, total: int) -> Watch:
    """What goes through the parts of one piece of work, and reports each when it is done.

    Example:
        >>> import torch
        >>> parts = counting(print, "evaluating", 3)
        >>> len([*parts(torch.zeros(4).split(2)), *parts([torch.zeros(2)])])
        evaluating 1 3
        evaluating 2 3
        evaluating 3 3
        3
    """
    done = count(1)

    def through(parts: Iterable[Tensor]) -> Iterator[Tensor]:
        for part in parts:
            yield part
            report(name, next(done), total)

    return through
